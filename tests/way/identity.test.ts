// What upstreams are told of who calls: fields, a token that they can verify, and nothing that a client made up.
import { describe, expect, test } from "bun:test";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { apiKey } from "../../src/config/auth/api-key.ts";
import { identityOf } from "../../src/handle/handle.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { faultLines } from "../config/support.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { inWorldOf, type World } from "../support/fake-world.ts";

const { generateKeyPairSync } = await import("node:crypto");
const pem = (key: { export(options: { type: "pkcs8"; format: "pem" }): string | Buffer }): string =>
  String(key.export({ type: "pkcs8", format: "pem" }));
const KEYS = {
  EdDSA: pem(generateKeyPairSync("ed25519").privateKey),
  ES256: pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey),
  RS256: pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey),
} as const;
const hash = `sha256:${new Bun.CryptoHasher("sha256").update("good").digest("hex")}` as const;

function options(identity: NonNullable<GatewayOptions["identity"]>): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: { acme: { groups: ["partner"], keys: [hash] } },
    auth: { key: apiKey() },
    identity,
    routes: {
      x: { match: "/x", to: "up", auth: "key" },
      open: { match: "/open", to: "up", auth: "none" },
    },
  };
}

/** The value of a field that the target receives, for a request with a good key and these fields. */
async function received(
  world: World,
  name: string,
  fields: readonly string[] = [],
  path = "/x",
): Promise<string | undefined> {
  const before = world.a.requests.length;
  world.ask("GET", path, ["X-API-Key: good", ...fields]);
  await world.until("the request", () => world.a.requests.length > before);
  const value = fieldOf(world.a.last.request, name);
  world.a.last.answer(200);
  world.a.last.end();
  world.settle();
  return value;
}

describe("the token for the upstream", () => {
  test.each(["EdDSA", "ES256", "RS256"] as const)(
    "by %s is verified with the published key alone",
    async (algorithm) => {
      const token = { key: KEYS[algorithm], issuer: "https://gw.test", audience: "orders" };
      await inWorldOf(options({ token }), async (world) => {
        const sent = (await received(world, "x-identity-token"))!;
        const asked = world.ask("GET", "/.well-known/jwks.json");
        await world.until("the key set", () => asked.answers.length === 1);
        expect(fieldOf(asked.answer, "content-type")).toBe("application/jwk-set+json");
        const set = JSON.parse(asked.answer.body) as { keys: Record<string, unknown>[] };
        for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k"]) expect(set.keys[0]).not.toHaveProperty(secret);
        const { payload } = await jwtVerify(sent, createLocalJWKSet(set as never), {
          issuer: "https://gw.test",
          audience: "orders",
          algorithms: [algorithm],
          currentDate: new Date(world.platform.wallClock()),
        });
        expect(payload).toMatchObject({ sub: "acme", scheme: "key", groups: ["partner"] });
        expect(payload.exp! - payload.iat!).toBe(60);
        expect(decodeProtectedHeader(sent)).toMatchObject({ alg: algorithm, typ: "JWT" });
      });
    },
  );

  test("is signed once for a caller and again before half of its life is over", async () => {
    const token = { key: KEYS.EdDSA, issuer: "https://gw.test", lifetime: "10s" } as const;
    await inWorldOf(options({ token }), async (world) => {
      const first = await received(world, "x-identity-token");
      world.advance(4_999);
      expect(await received(world, "x-identity-token")).toBe(first!);
      world.advance(2);
      expect(await received(world, "x-identity-token")).not.toBe(first!);
    });
  });

  test("is never the client's, on no route and in no spelling", async () => {
    const token = { key: KEYS.EdDSA, issuer: "https://gw.test", header: "X-Who" };
    await inWorldOf(options({ token }), async (world) => {
      expect(await received(world, "x-who", ["X-Who: forged", "x-who: twice", "X_Who: forged"])).not.toContain(
        "forged",
      );
      expect(await received(world, "x-who", ["X-Who: forged"], "/open")).toBeUndefined();
      expect(await received(world, "x_who", ["X_Who: forged"], "/open")).toBeUndefined();
      expect(await received(world, "x-who", ["X-Who: forged", "Connection: x-who"])).not.toBeUndefined();
    });
  });
});

const RSA_1024 = pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey);
const P384 = pem(generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
const SEC1 = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "sec1", format: "pem" });

test.each([
  ["an RSA key that is too short", { token: { key: RSA_1024, issuer: "x" } }, /none of ed25519, EC P-256, and RSA/],
  ["another curve", { token: { key: P384, issuer: "x" } }, /none of ed25519/],
  ["another form than PKCS #8", { token: { key: SEC1, issuer: "x" } }, /openssl pkcs8 -topk8/],
  ["no issuer", { token: { key: KEYS.EdDSA } }, /^identity\.token\.issuer/],
  [
    "a claim that the gateway says itself",
    { token: { key: KEYS.EdDSA, issuer: "x", claims: ["sub"] } },
    /says this one itself/,
  ],
  ["a field of another meaning", { consumer: "X-Forwarded-For" }, /no other meaning/],
  ["a field of framing", { headers: { "Content-Length": "sub" } }, /^identity\.headers\.Content-Length/],
  ["the same field twice", { consumer: "X-A", headers: { "x-a": "sub" } }, /"x-a" is named twice/],
  ["a name that is none", { headers: { "X A": "sub" } }, /is not a field name/],
] as const)("%s is a fault of the config", (_, identity, message) => {
  const lines = faultLines({ identity, routes: { r: { match: "/", answer: {} } } });
  expect(lines).toHaveLength(1);
  expect(lines[0]!).toMatch(message);
  expect(lines[0]!).not.toContain("-----BEGIN");
});

test("what the gateway vouches for, and credentials, are gone from trailers too", async () => {
  const identity = { consumer: "Remote-User", headers: { Groups: "groups" } };
  const base = options(identity);
  const own = { ...base, auth: { key: apiKey({ header: "Api-Key" }) } };
  await inWorldOf(own, async (world) => {
    const trailers = ["Remote-User: root", "remote_user: root", "GROUPS: admin", "Api-Key: other", "Checksum: 1"];
    world.ask(
      "POST",
      "/x",
      ["Api-Key: good", "Transfer-Encoding: chunked"],
      `3\r\nabc\r\n0\r\n${trailers.map((line) => `${line}\r\n`).join("")}\r\n`,
    );
    await world.until("the request", () => world.a.requests.some(({ complete }) => complete));
    expect(world.a.last.request.trailers).toEqual([["Checksum", "1"]]);
    expect(fieldOf(world.a.last.request, "remote-user")).toBe("acme");
    world.a.last.answer(200);
  });
});

describe("the user's own code", () => {
  const FORGED = ["X-API-Key: good", "X-Consumer: root", "x_consumer: root", "X-User: root", "X-Other: kept"];
  const identity = { headers: { "X-User": "sub" } };

  test("is told who calls, and sees neither the key nor what a client made up", async () => {
    const handler: NonNullable<GatewayOptions["routes"][string]["handler"]> = ({ request, identity: who, c }) =>
      c.json([
        who?.consumer?.name,
        identityOf(c)?.scheme,
        [...request.headers.keys()].filter((name) => name !== "host"),
      ]);
    const routes = {
      own: { match: "/own", auth: "key", handler },
      open: { match: "/open", auth: "none", handler },
    } as const;
    await inWorldOf({ ...options(identity), routes }, async (world) => {
      const ask = async (path: string): Promise<unknown> => {
        const client = world.ask("GET", path, FORGED);
        await world.rest();
        return JSON.parse(client.answer.body);
      };
      expect(await ask("/own")).toEqual(["acme", "key", ["x-other"]]);
      expect(await ask("/open")).toEqual([null, null, ["x-api-key", "x-other"]]);
    });
  });

  test("runs behind auth and allow, and knows the caller in middleware", async () => {
    const seen: (string | undefined)[] = [];
    const base = options(identity);
    const routes: GatewayOptions["routes"] = {
      x: {
        match: "/x",
        to: "up",
        auth: "key",
        use: [
          (c, next) => {
            seen.push(identityOf(c)?.consumer?.name);
            return next();
          },
        ],
      },
    };
    await inWorldOf({ ...base, routes }, async (world) => {
      const refused = world.ask("GET", "/x", ["X-API-Key: bad"]);
      await world.rest();
      expect([refused.answer.status, seen]).toEqual([401, []]);
      world.ask("GET", "/x", FORGED);
      await world.rest();
      expect(seen).toEqual(["acme"]);
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("acme");
      world.a.last.answer(200);
      await world.rest();
    });
  });
});
