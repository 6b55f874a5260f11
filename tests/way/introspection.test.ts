// Introspection through the whole gateway, the clock moved by hand: what is asked, how often, and what is never let pass.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { ask, ENDPOINT, inWorldWith, statusOf } from "../support/introspection-world.ts";

describe("the question", () => {
  test("is the one of RFC 7662, with the gateway's own credentials", async () => {
    await inWorldWith({ clientId: "gate:way é", clientSecret: "s p+ä" }, async (world, server) => {
      await ask(world, "abc.DEF~1+/==");
      const [request] = server.requests;
      expect(request!.url).toBe(ENDPOINT);
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

  test("is known from the moment of the question on, not from that of the answer", async () => {
    await inWorldWith({}, async (world, server) => {
      const { promise, resolve } = Promise.withResolvers<object>();
      server.about.set("a", promise);
      const pending = world.ask("GET", "/own", ["Authorization: Bearer a"]);
      await world.rest();
      world.advance(4_000);
      resolve({ active: true });
      await world.rest();
      expect(pending.statuses).toEqual([200]);
      world.advance(25_999);
      expect(await statusOf(world, "a")).toBe(200);
      expect(server.asked).toHaveLength(1);
      world.advance(1);
      expect(await statusOf(world, "a")).toBe(200);
      expect(server.asked).toHaveLength(2);
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
      server.always = "silence";
      for (let i = 0; i < 3; i++) world.ask("GET", "/own", ["Authorization: Bearer a"]);
      await world.rest();
      expect(server.asked).toHaveLength(8);
      world.advance(5_000);
      await world.rest();
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
