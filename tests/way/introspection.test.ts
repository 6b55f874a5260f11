// Introspection through the whole gateway, the clock moved by hand: what is asked, how often, and what is never let pass.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { GatewayOptions } from "../../src/config/options.ts";
import { introspection, type IntrospectionOptions } from "../../src/mod.ts";
import { fieldOf } from "../support/fake-messages.ts";
import type { FakeClient } from "../support/fake-peers.ts";
import { inWorldOf, type World } from "../support/fake-world.ts";

const URL_ = "https://login.test/introspect";

/** What the authorization server does about a token: answers with JSON, with a response, fails, or says nothing. */
type Reaction = object | Response | Error | "silence";

/** An authorization server in the fake world. */
class Server {
  /** Tokens it was asked about, in order. */
  readonly asked: string[] = [];
  readonly requests: Request[] = [];
  /** What it does about each token. Others are not active. */
  readonly about = new Map<string, Reaction>();
  /** What it does about every token, if anything. */
  always: Reaction | undefined = undefined;
  /** Questions that were given up. */
  aborted = 0;

  constructor(world: World) {
    world.platform.fetch = async (request) => {
      this.requests.push(request);
      const form = new URLSearchParams(await request.text());
      const token = form.get("token")!;
      this.asked.push(token);
      const reaction = this.always ?? this.about.get(token) ?? { active: false };
      if (reaction instanceof Error) throw reaction;
      if (reaction instanceof Response) return reaction.clone();
      if (reaction !== "silence") return Response.json(reaction);
      return new Promise((_, reject) =>
        request.signal.addEventListener("abort", () => {
          this.aborted++;
          reject(new Error("aborted"));
        }),
      );
    };
  }
}

function options(more: Partial<IntrospectionOptions> = {}): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"] } },
    consumers: {
      acme: { groups: ["partner"], subjects: { token: ["acme-app"] } },
      ada: { subjects: { token: ["ada"] } },
    },
    auth: {
      token: introspection({ url: URL_, clientId: "gateway", clientSecret: "s3cret", ...more }),
      shadow: introspection({ url: URL_, clientId: "gateway", clientSecret: "s3cret", mode: "observe" }),
    },
    routes: {
      orders: { match: "/orders/*", to: "up", auth: "token" },
      admin: { match: "/admin/*", to: "up", auth: "token", allow: { scope: "admin" } },
      tried: { match: "/tried/*", to: "up", auth: "shadow" },
      own: {
        match: "/own",
        auth: "token",
        handler: (x) => Response.json(x.identity),
      },
    },
  };
}

/** Runs a story in a world with an authorization server. What the operator was told is checked by the story. */
async function inWorldWith(
  more: Partial<IntrospectionOptions>,
  story: (world: World, server: Server) => Promise<void>,
): Promise<void> {
  await inWorldOf(options(more), async (world) => {
    await story(world, new Server(world));
    world.platform.notices.length = 0;
  });
}

/** Asks with a token; answers at the target if the request gets there. */
async function ask(world: World, token: string, target = "/orders/1", method = "GET"): Promise<FakeClient> {
  const client = world.ask(method, target, [`Authorization: Bearer ${token}`]);
  await world.rest();
  const reached = world.a.connections.length > 0 ? world.a.last : undefined;
  if (reached !== undefined && client.statuses.length === 0) reached.answer(200);
  world.settle();
  return client;
}

/** The status of a request with a token. */
const statusOf = async (world: World, token: string, target?: string): Promise<number | undefined> =>
  (await ask(world, token, target)).statuses[0];

describe("the question", () => {
  test("is the one of RFC 7662, with the gateway's own credentials", async () => {
    await inWorldWith({ clientId: "gate:way é", clientSecret: "s p+ä" }, async (world, server) => {
      await ask(world, "abc.DEF~1+/==");
      const [request] = server.requests;
      expect(request!.url).toBe(URL_);
      expect(request!.method).toBe("POST");
      expect(request!.redirect).toBe("manual");
      expect(Object.fromEntries(request!.headers)).toMatchObject({
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        authorization: `Basic ${btoa("gate%3Away+%C3%A9:s+p%2B%C3%A4")}`,
      });
      expect(server.asked).toEqual(["abc.DEF~1+/=="]);
    });
  });

  test("has the credentials in the form if so configured", async () => {
    await inWorldWith({ clientAuth: "post" }, async (world) => {
      let form = "";
      let authorization: string | null = "";
      world.platform.fetch = async (request) => {
        form = await request.text();
        authorization = request.headers.get("authorization");
        return Response.json({ active: true });
      };
      expect(await statusOf(world, "a")).toBe(200);
      expect(form).toBe("token=a&token_type_hint=access_token&client_id=gateway&client_secret=s3cret");
      expect(authorization).toBeNull();
    });
  });

  test.each([
    ["of another scheme", ["Authorization: Basic YTpi"], 401, "authentication_required"],
    ["that are none", [], 401, "authentication_required"],
    ["without token", ["Authorization: Bearer"], 400, "malformed_credentials"],
    ["with a token that is none", ["Authorization: Bearer a b"], 400, "malformed_credentials"],
    ["with two tokens", ["Authorization: Bearer a", "Authorization: Bearer b"], 400, "malformed_credentials"],
    ["with a token that is too long", [`Authorization: Bearer ${"a".repeat(101)}`], 401, "invalid_credentials"],
    ["by DPoP, which the scheme does not take", ["Authorization: DPoP a"], 401, "authentication_required"],
  ])("is not asked for credentials %s", async (_, fields, status, code) => {
    await inWorldWith({ maxLength: "100B" }, async (world, server) => {
      const client = world.ask("GET", "/orders/1", fields);
      await world.rest();
      expect(client.statuses).toEqual([status]);
      expect(world.record["error.type"]).toBe(code);
      expect(server.asked).toEqual([]);
    });
  });
});

describe("a token that is active", () => {
  test("says who calls: to the upstream, to rules and to the user's own code", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("a", { active: true, sub: "u-1", client_id: "acme-app", scope: "read admin", org: { id: 7 } });
      server.about.set("b", { active: true, username: "ada", scope: "read" });
      await ask(world, "a", "/admin/1");
      expect(fieldOf(world.a.last.request, "x-consumer")).toBe("acme");
      expect(fieldOf(world.a.last.request, "authorization")).toBe("Bearer a");
      const refused = await ask(world, "b", "/admin/1");
      expect(refused.statuses).toEqual([403]);
      expect(fieldOf(refused.answer, "www-authenticate")).toBe(
        'Bearer realm="sluice", error="insufficient_scope", scope="admin"',
      );
      const own = await ask(world, "a", "/own");
      expect(JSON.parse(own.answer.body)).toEqual({
        scheme: "token",
        consumer: { name: "acme", groups: ["partner"] },
        subject: "u-1",
        scopes: ["read", "admin"],
        claims: { active: true, sub: "u-1", client_id: "acme-app", scope: "read admin", org: { id: 7 } },
        fields: [],
      });
    });
  });

  test("stays with the gateway if so configured", async () => {
    await inWorldWith({ forward: false }, async (world, server) => {
      server.about.set("a", { active: true });
      await ask(world, "a");
      expect(fieldOf(world.a.last.request, "authorization")).toBeUndefined();
    });
  });

  test("has the claims that the schema makes of the answer", async () => {
    const claims = v.pipe(
      v.object({ sub: v.string(), level: v.number() }),
      v.transform(({ level }) => ({ level })),
    );
    await inWorldWith({ claims: claims as never }, async (world, server) => {
      server.about.set("a", { active: true, sub: "u", level: 3 });
      server.about.set("b", { active: true, sub: "u", level: "high" });
      expect(JSON.parse((await ask(world, "a", "/own")).answer.body)).toMatchObject({
        subject: "u",
        claims: { level: 3 },
      });
      expect(await statusOf(world, "b", "/own")).toBe(401);
      expect(world.records.at(-1)).toMatchObject({
        "sluice.error.detail": "token: the claims do not fit the schema: level",
      });
    });
  });

  test("is asked about once in the cache time, and anew at its end", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("a", { active: true });
      for (let i = 0; i < 3; i++) expect(await statusOf(world, "a")).toBe(200);
      world.advance(29_999);
      expect(await statusOf(world, "a")).toBe(200);
      expect(server.asked).toHaveLength(1);
      world.advance(1);
      expect(await statusOf(world, "a")).toBe(200);
      expect(server.asked).toHaveLength(2);
    });
  });

  test("that is revoked is refused at the latest when the cache time is over", async () => {
    await inWorldWith({ cache: "10s" }, async (world, server) => {
      server.about.set("a", { active: true });
      expect(await statusOf(world, "a")).toBe(200);
      server.about.delete("a");
      // Being used does not prolong it.
      for (let second = 1; second < 10; second++) {
        world.advance(1000);
        expect(await statusOf(world, "a")).toBe(200);
      }
      world.advance(1000);
      expect(await statusOf(world, "a")).toBe(401);
    });
  });

  test("is refused once it expires, though the cache time is not over", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("a", { active: true, exp: world.platform.wallClock() / 1000 + 5 });
      expect(await statusOf(world, "a")).toBe(200);
      world.advance(4_999);
      expect(await statusOf(world, "a")).toBe(200);
      expect(server.asked).toHaveLength(1);
      world.advance(1);
      expect(await statusOf(world, "a")).toBe(401);
      expect(world.records.at(-1)).toMatchObject({ "sluice.error.detail": "token: the token has expired" });
    });
  });

  test("is refused once it expires by the wall clock, also when that was set", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("a", { active: true, exp: world.platform.wallClock() / 1000 + 3600 });
      expect(await statusOf(world, "a")).toBe(200);
      world.platform.clock.epoch += 3_600_000;
      expect(await statusOf(world, "a")).toBe(401);
    });
  });

  test("is asked about for every request where nothing may be kept", async () => {
    await inWorldWith({ cache: "0s" }, async (world, server) => {
      server.about.set("a", { active: true });
      for (let i = 0; i < 3; i++) expect(await statusOf(world, "a")).toBe(200);
      server.about.delete("a");
      for (let i = 0; i < 2; i++) expect(await statusOf(world, "a")).toBe(401);
      expect(server.asked).toHaveLength(5);
    });
  });

  test("is asked about once for many at the same time", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("a", { active: true });
      const clients = Array.from({ length: 20 }, () => world.ask("GET", "/own", ["Authorization: Bearer a"]));
      await world.rest();
      expect(clients.map(({ statuses }) => statuses[0])).toEqual(clients.map(() => 200));
      expect(server.asked).toEqual(["a"]);
    });
  });
});

describe("a token that is not active", () => {
  test("is refused with invalid_token, and the operator is told why", async () => {
    await inWorldWith({}, async (world) => {
      const client = await ask(world, "gone");
      expect(client.statuses).toEqual([401]);
      expect(fieldOf(client.answer, "www-authenticate")).toBe(
        'Bearer realm="sluice", error="invalid_token", error_description="The token is not active, or not for here."',
      );
      expect(client.answer.body).not.toContain("gone");
      expect(world.platform.lines.join()).not.toContain("gone");
      expect(world.record).toMatchObject({
        "error.type": "invalid_credentials",
        "sluice.error.detail": "token: the authorization server does not know the token, or no longer",
      });
      expect(world.a.connections).toHaveLength(0);
    });
  });

  test("is asked about anew after five seconds", async () => {
    await inWorldWith({}, async (world, server) => {
      for (const ms of [0, 4_999]) {
        world.advance(ms);
        expect(await statusOf(world, "a")).toBe(401);
      }
      expect(server.asked).toHaveLength(1);
      server.about.set("a", { active: true });
      world.advance(1);
      expect(await statusOf(world, "a")).toBe(200);
    });
  });

  test("by HEAD and with an upgrade is refused all the same", async () => {
    await inWorldWith({}, async (world) => {
      expect((await ask(world, "a", "/orders/1", "HEAD")).statuses).toEqual([401]);
      const upgrade = ["Authorization: Bearer a", "Connection: upgrade", "Upgrade: websocket"];
      const client = world.ask("GET", "/orders/1", [...upgrade, "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"]);
      await world.rest();
      expect(client.statuses).toEqual([401]);
    });
  });

  test("passes where the scheme observes, and is noted", async () => {
    await inWorldWith({}, async (world) => {
      expect(await statusOf(world, "a", "/tried/1")).toBe(200);
      expect(world.record).toMatchObject({
        "sluice.observed": [{ policy: "auth", "error.type": "invalid_credentials" }],
      });
    });
  });
});

const json = { "content-type": "application/json" };
const ODD: readonly (readonly [what: string, reaction: () => Reaction])[] = [
  ["fails", () => new Error("ECONNREFUSED")],
  ["is silent", () => "silence"],
  ["answers 500", () => Response.json({ active: true }, { status: 500 })],
  ["answers 404", () => Response.json({ active: true }, { status: 404 })],
  ["answers 401", () => Response.json({ active: true }, { status: 401 })],
  ["answers 429", () => Response.json({ active: true }, { status: 429 })],
  ["answers 201", () => Response.json({ active: true }, { status: 201 })],
  ["answers 204", () => new Response(null, { status: 204 })],
  ["sends elsewhere", () => new Response(null, { status: 307, headers: { location: "https://evil.test/" } })],
  ["answers with HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
  [
    "says that its JSON is a text",
    () => new Response('{"active":true}', { headers: { "content-type": "text/plain" } }),
  ],
  [
    "says that its JSON is nearly JSON",
    () => new Response('{"active":true}', { headers: { "content-type": "application/jsonx" } }),
  ],
  ["says nothing of its type", () => new Response(new TextEncoder().encode('{"active":true}'))],
  ["answers with what is encoded", () => Response.json({ active: true }, { headers: { "content-encoding": "br" } })],
  ["answers with nothing", () => new Response("", { headers: json })],
  ["answers with half of it", () => new Response('{"active":true', { headers: json })],
  ["answers with more than it", () => new Response('{"active":true}{"active":true}', { headers: json })],
  ["answers with what is no UTF-8", () => new Response(new Uint8Array([0x7b, 0xff, 0x7d]), { headers: json })],
  ["answers with a list", () => Response.json([{ active: true }])],
  ["answers with true", () => Response.json(true)],
  ["answers with null", () => Response.json(null)],
  ["does not say active", () => ({})],
  ["says active by a text", () => ({ active: "true" })],
  ["says a time by a text", () => ({ active: true, exp: "1" })],
  ["says a scope by a list", () => ({ active: true, scope: ["admin"] })],
  ["answers without end", () => new Response("x".repeat(65_537), { headers: json })],
];

describe("an authorization server that", () => {
  test.each(ODD)("%s lets nobody pass: 503, and later all is well again", async (_, reaction) => {
    await inWorldWith({}, async (world, server) => {
      server.always = reaction();
      const pending = world.ask("GET", "/orders/1", ["Authorization: Bearer hush"]);
      await world.rest();
      world.advance(5_000);
      await world.rest();
      expect(pending.statuses).toEqual([503]);
      expect(fieldOf(pending.answer, "retry-after")).toBe("1");
      expect(world.record["error.type"]).toBe("authentication_unavailable");
      expect(world.platform.lines.join()).not.toContain("hush");
      expect(pending.answer.body).not.toContain("login.test");
      expect(world.a.connections).toHaveLength(0);
      server.always = { active: true };
      expect(await statusOf(world, "hush")).toBe(200);
    });
  });

  test("answers with as much as it may is understood", async () => {
    await inWorldWith({}, async (world, server) => {
      const text = JSON.stringify({ active: true, more: "" });
      server.always = new Response(text.replace('""', `"${"x".repeat(65_536 - text.length)}"`), { headers: json });
      expect(await statusOf(world, "a")).toBe(200);
    });
  });

  test.each(["application/json", "APPLICATION/JSON; charset=utf-8", "application/json;x", "application/ld+json"])(
    "says %p speaks JSON",
    async (type) => {
      await inWorldWith({}, async (world, server) => {
        server.always = new Response('{"active":true}', { headers: { "content-type": type } });
        expect(await statusOf(world, "a")).toBe(200);
      });
    },
  );

  test("is silent is given up in time, for all who wait", async () => {
    await inWorldWith({ timeout: "2s" }, async (world, server) => {
      server.always = "silence";
      const clients = Array.from({ length: 3 }, () => world.ask("GET", "/orders/1", ["Authorization: Bearer a"]));
      await world.rest();
      world.advance(1_999);
      await world.rest();
      expect(clients.map(({ statuses }) => statuses.length)).toEqual([0, 0, 0]);
      world.advance(1);
      await world.rest();
      expect(clients.map(({ statuses }) => statuses)).toEqual([[503], [503], [503]]);
      expect([server.asked.length, server.aborted]).toEqual([1, 1]);
    });
  });

  test("is down is not asked by every request, while known tokens serve on", async () => {
    await inWorldWith({ cache: "1m" }, async (world, server) => {
      server.about.set("known", { active: true });
      expect(await statusOf(world, "known")).toBe(200);
      server.always = new Error("ECONNREFUSED");
      for (let i = 0; i < 50; i++) expect(await statusOf(world, `t-${i}`)).toBe(503);
      expect(server.asked).toHaveLength(1 + 3);
      expect(world.platform.notices).toEqual([
        { level: "warn", text: `auth.token: ${URL_} is down: ECONNREFUSED. Tokens that are not known get 503.` },
      ]);
      // Half a minute of requests brings about one question in each pause: 1, 2, 4, 8 and 15 seconds.
      for (let second = 0; second < 30; second++) {
        world.advance(1000);
        for (let i = 0; i < 3; i++) expect(await statusOf(world, `u-${second}-${i}`)).toBe(503);
      }
      expect(server.asked).toHaveLength(1 + 3 + 5);
      expect(await statusOf(world, "known")).toBe(200);
      server.always = undefined;
      server.about.set("new", { active: true });
      world.advance(15_000);
      expect(await statusOf(world, "new")).toBe(200);
      expect(world.platform.notices.at(-1)).toEqual({ level: "info", text: `auth.token: ${URL_} is back.` });
    });
  });

  test("is slow is not asked more than 64 things at once, and no more than 1024 wait", async () => {
    await inWorldWith({}, async (world, server) => {
      server.always = "silence";
      const clients = Array.from({ length: 1030 }, (_, i) =>
        world.ask("GET", "/orders/1", [`Authorization: Bearer t-${i}`]),
      );
      await world.rest();
      expect(server.asked).toHaveLength(64);
      expect(clients.filter(({ statuses }) => statuses[0] === 503)).toHaveLength(6);
      world.advance(5_000);
      await world.rest();
      // Down from the third failure on: the two that got their turn before it are the last to be asked about.
      expect(server.asked).toHaveLength(66);
      expect(clients.filter(({ statuses }) => statuses[0] === 503)).toHaveLength(1028);
      world.advance(5_000);
      await world.rest();
      expect(clients.filter(({ statuses }) => statuses[0] === 503)).toHaveLength(1030);
    });
  });
});

describe("an answer", () => {
  test("must be of the issuer and for the audience that the config names", async () => {
    await inWorldWith({ issuer: "https://login.test", audience: ["orders"] }, async (world, server) => {
      const right = { active: true, iss: "https://login.test", aud: ["orders", "x"] };
      server.about.set("right", right);
      server.about.set("issuer", { ...right, iss: "https://evil.test" });
      server.about.set("audience", { ...right, aud: "x" });
      server.about.set("neither", { active: true });
      expect(await statusOf(world, "right")).toBe(200);
      for (const token of ["issuer", "audience", "neither"]) expect(await statusOf(world, token)).toBe(401);
    });
  });

  test("for a token that is bound lets nobody pass who only bears it", async () => {
    await inWorldWith({}, async (world, server) => {
      server.about.set("key", { active: true, cnf: { jkt: "x" } });
      server.about.set("certificate", { active: true, cnf: { "x5t#S256": "x" } });
      server.about.set("type", { active: true, token_type: "DPoP" });
      for (const token of ["key", "certificate", "type", "key"]) expect(await statusOf(world, token)).toBe(401);
    });
  });
});
