// An authorization server that misbehaves, through the whole gateway: nobody passes, and it is not hammered.
import { describe, expect, test } from "bun:test";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { ENDPOINT, inWorldWith, type Reaction, statusOf } from "../support/introspection-world.ts";

const json = { "content-type": "application/json" };

/** An answer of so many bytes. */
function padded(size: number): Response {
  const text = JSON.stringify({ active: true, more: "" });
  return new Response(text.replace('""', `"${"x".repeat(size - text.length)}"`), { headers: json });
}

const ODD: readonly (readonly [what: string, reaction: () => Reaction])[] = [
  ["fails", () => new Error("ECONNREFUSED")],
  ["is silent", () => "silence"],
  ["does not even hear that it is given up", () => "deaf"],
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
  [
    "answers with what is no UTF-8",
    () => new Response(Buffer.from('{"active":true,"x":"\xff"}', "latin1"), { headers: json }),
  ],
  ["answers with a list", () => Response.json([{ active: true }])],
  ["answers with true", () => Response.json(true)],
  ["answers with null", () => Response.json(null)],
  ["does not say active", () => ({})],
  ["says active by a text", () => ({ active: "true" })],
  ["says a time by a text", () => ({ active: true, exp: "1" })],
  ["says a scope by a list", () => ({ active: true, scope: ["admin"] })],
  ["answers with more than it may", () => padded(65_537)],
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
      server.always = padded(65_536);
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

  test("is silent is given up when the gateway closes", async () => {
    await inWorldWith({}, async (world, server) => {
      server.always = "silence";
      for (const token of ["a", "b", "c"]) world.ask("GET", "/orders/1", [`Authorization: Bearer ${token}`]);
      await world.rest();
      world.gateway.close();
      await world.rest();
      expect(server.aborted).toBe(3);
      // It is not down: nobody is told so.
      expect(world.platform.notices).toEqual([]);
    });
  });

  test.each([400, 403, 413, 414, 422, 431])(
    "answers %d to some tokens is well: others are asked about, however many strangers send such tokens",
    async (status) => {
      await inWorldWith({}, async (world, server) => {
        server.about.set("good", { active: true });
        server.always = Response.json({ error: "invalid_request" }, { status });
        for (let i = 0; i < 10; i++) expect(await statusOf(world, `../${i}`)).toBe(503);
        expect(server.asked).toHaveLength(10);
        server.always = undefined;
        expect(await statusOf(world, "good")).toBe(200);
        expect(world.platform.notices.map(({ level, text }) => [level, text.includes("refuses to be asked")])).toEqual([
          ["warn", true],
        ]);
      });
    },
  );

  test("is down is not asked by every request, while known tokens serve on", async () => {
    await inWorldWith({ cache: "1m" }, async (world, server) => {
      server.about.set("known", { active: true });
      expect(await statusOf(world, "known")).toBe(200);
      server.always = new Error("ECONNREFUSED");
      for (let i = 0; i < 50; i++) expect(await statusOf(world, `t-${i}`)).toBe(503);
      expect(server.asked).toHaveLength(1 + 3);
      expect(world.platform.notices).toEqual([
        { level: "warn", text: `auth.token: ${ENDPOINT} is down: ECONNREFUSED. Tokens that are not known get 503.` },
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
      expect(world.platform.notices.at(-1)).toEqual({ level: "info", text: `auth.token: ${ENDPOINT} is back.` });
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
