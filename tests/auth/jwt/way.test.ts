// JWT on the way of a request: what reaches the target, HEAD and upgrades, observe mode, several schemes, scopes.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../../src/config/auth/api-key.ts";
import { jwt } from "../../../src/config/auth/jwt.ts";
import type { GatewayOptions } from "../../../src/config/options.ts";
import { fieldOf } from "../../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../../src/platforms/fake/peers.ts";
import { inWorldOf, type World } from "../../support/fake-world.ts";
import { issuerKey, token } from "../../support/tokens.ts";

const KEY = issuerKey("k1");
const common = { issuer: "https://iss.test", audience: "svc", publicKey: KEY.pem };

const OPTIONS: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: {
    acme: {
      groups: ["partner"],
      subjects: { token: ["u"] },
      keys: [`sha256:${new Bun.CryptoHasher("sha256").update("acme-key").digest("hex")}`],
    },
  },
  auth: {
    token: jwt(common),
    kept: jwt({ ...common, forward: false }),
    shadow: jwt({ ...common, mode: "observe" }),
    key: apiKey(),
  },
  identity: { headers: { "X-User": "sub", "X-Tenant": "tenant" } },
  routes: {
    all: { match: "/all/*", to: "up", auth: "token" },
    kept: { match: "/kept/*", to: "up", auth: "kept" },
    tried: { match: "/tried/*", to: "up", auth: "shadow" },
    either: { match: "/either/*", to: "up", auth: ["token", "key"] },
    scoped: { match: "/scoped/*", to: "up", auth: "token", allow: { scope: ["a", "b"] } },
    claimed: { match: "/claimed/*", to: "up", auth: "token", allow: { claims: { "realm.roles": "admin" } } },
  },
};

/** A token of the world's time. */
function tokenIn(world: World, claims: object = {}): string {
  const exp = Math.floor(world.platform.wallClock() / 1000) + 300;
  return token({ alg: "RS256" }, { iss: "https://iss.test", aud: "svc", sub: "u", exp, ...claims }, KEY);
}

/** A request with a token whose fate is known: it is at the target, or answered. */
async function ask(world: World, method: string, path: string, fields: readonly string[]): Promise<FakeClient> {
  const before = world.a.requests.length;
  const client = world.ask(method, path, fields);
  await world.until("a verdict", () => world.a.requests.length > before || client.answers.length > 0);
  return client;
}

const bearer = (text: string): string => `Authorization: Bearer ${text}`;

test("a token is forwarded, with what is known of its caller", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    const good = tokenIn(world, { tenant: "t-1" });
    const client = await ask(world, "GET", "/all/1", [bearer(good), "X-User: root", "X-Tenant: root"]);
    const { request } = world.a.last;
    expect(fieldOf(request, "authorization")).toBe(`Bearer ${good}`);
    expect(["x-user", "x-tenant", "x-consumer"].map((name) => fieldOf(request, name))).toEqual(["u", "t-1", "acme"]);
    world.a.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
    expect(world.record).toMatchObject({ "sluice.auth.scheme": "token", "sluice.consumer": "acme" });
    expect(world.platform.lines.join()).not.toContain(good.split(".")[2]!);
  });
});

test("forward: false keeps it from the target", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    await ask(world, "GET", "/kept/1", [bearer(tokenIn(world))]);
    expect(fieldOf(world.a.last.request, "authorization")).toBeUndefined();
    world.a.last.answer(200);
  });
});

describe("the target hears nothing of", () => {
  const upgrade = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
    "Sec-WebSocket-Version: 13",
  ];
  test.each([
    ["GET", []],
    ["HEAD", []],
    ["OPTIONS", []],
    ["GET", upgrade],
  ])("%s with %j and a bad token", async (method, fields) => {
    await inWorldOf(OPTIONS, async (world) => {
      for (const claims of [{ exp: 1 }, { aud: "other" }, { iss: "other" }]) {
        const client = await ask(world, method, "/all/1", [bearer(tokenIn(world, claims)), ...fields]);
        expect(client.statuses).toEqual([401]);
        expect(fieldOf(client.answer, "www-authenticate")).toStartWith('Bearer realm="sluice", error="invalid_token"');
      }
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("HEAD and an upgrade pass with a good one", async () => {
    await inWorldOf(OPTIONS, async (world) => {
      await ask(world, "HEAD", "/all/1", [bearer(tokenIn(world))]);
      world.a.last.answer(200);
      world.settle();
      const client = await ask(world, "GET", "/all/1", [bearer(tokenIn(world)), ...upgrade]);
      expect(fieldOf(world.a.last.request, "upgrade")).toBe("websocket");
      world.a.last.answer(403);
      world.settle();
      expect(client.statuses).toEqual([403]);
    });
  });
});

test("a scheme that observes refuses nobody, and tells what it would have refused", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    await ask(world, "GET", "/tried/1", [bearer(tokenIn(world, { aud: "other" }))]);
    expect(fieldOf(world.a.last.request, "x-user")).toBeUndefined();
    world.a.last.answer(200);
    world.settle();
    expect(world.record).toMatchObject({
      "sluice.observed": [
        {
          policy: "auth",
          "error.type": "invalid_credentials",
          detail: 'shadow: the claim "aud" of the token does not fit',
        },
      ],
    });
  });
});

test("another scheme of the route may accept what a bad token does not", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    await ask(world, "GET", "/either/1", [bearer("x.y.z"), "X-API-Key: acme-key"]);
    world.a.last.answer(200);
    world.settle();
    expect(world.record).toMatchObject({ "sluice.auth.scheme": "key" });
    const client = await ask(world, "GET", "/either/1", [bearer("x.y.z")]);
    expect(client.statuses).toEqual([401]);
    expect(client.answer.fields.filter(([name]) => name.toLowerCase() === "www-authenticate")).toHaveLength(2);
  });
});

test("scopes and claims decide, and the client is told which scopes are wanted", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    const lacking = await ask(world, "GET", "/scoped/1", [bearer(tokenIn(world, { scope: "a c" }))]);
    expect(lacking.statuses).toEqual([403]);
    expect(fieldOf(lacking.answer, "www-authenticate")).toBe(
      'Bearer realm="sluice", error="insufficient_scope", scope="a b"',
    );
    await ask(world, "GET", "/scoped/1", [bearer(tokenIn(world, { scope: "b a c" }))]);
    world.a.last.answer(200);
    world.settle();
    const other = await ask(world, "GET", "/claimed/1", [bearer(tokenIn(world, { realm: { roles: ["user"] } }))]);
    expect(other.statuses).toEqual([403]);
    await ask(world, "GET", "/claimed/1", [bearer(tokenIn(world, { realm: { roles: ["user", "admin"] } }))]);
    world.a.last.answer(200);
    world.settle();
    expect(world.a.requests).toHaveLength(2);
  });
});

test("a token that is known is judged without a turn of the loop", async () => {
  await inWorldOf(OPTIONS, async (world) => {
    const good = tokenIn(world);
    await ask(world, "GET", "/all/1", [bearer(good)]);
    world.a.last.answer(200);
    world.settle();
    world.ask("GET", "/all/2", [bearer(good)]);
    expect(world.a.requests).toHaveLength(2);
    world.a.last.answer(200);
  });
});
