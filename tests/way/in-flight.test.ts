// Bounds for what is under way at once: places are taken in turn, and given back whatever becomes of an exchange.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { InFlightOptions } from "../../src/config/limit/options.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../support/fake-messages.ts";
import type { FakeClient, FakeTargetConnection } from "../support/fake-peers.ts";
import { inWorld, inWorldOf, type World } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

function bounded(inFlight: Record<string, InFlightOptions>): GatewayOptions {
  const names = Object.keys(inFlight);
  return {
    upstreams: {
      up: { targets: ["http://a.test"], timeouts: { firstByte: "30s" } },
      other: { targets: ["http://b.test"] },
    },
    consumers: { acme: { keys: [hashOf("acme")] }, beta: { keys: [hashOf("beta")] } },
    auth: { key: apiKey() },
    inFlight,
    routes: {
      open: { match: "/open/*", to: "up", auth: "none", inFlight: names },
      second: { match: "/second/*", to: "up", auth: "none", inFlight: names },
      elsewhere: { match: "/elsewhere/*", to: "other", auth: "none", inFlight: names },
      keyed: { match: "/keyed/*", to: "up", auth: "key", inFlight: names },
      own: { match: "/own/:what", auth: "none", inFlight: names, handler: (x) => own(x.params["what"]!) },
    },
  };
}

function own(what: string): Response {
  if (what === "throw") throw new Error("broken");
  return new Response("own");
}

const all = { by: { header: "X-None" } } as const;

/** The connection at a.test on which this path was asked. */
function asked(world: World, path: string): FakeTargetConnection {
  return world.a.connections.find(({ requests }) => requests.at(-1)?.target === path)!;
}

const paths = (world: World): string[] => world.a.requests.map(({ target }) => target);

describe("over the bound", () => {
  test("a caller is answered with 429, and reaches no target", () => {
    inWorld(bounded({ few: { max: 2, ...all } }), (world) => {
      world.ask("GET", "/open/1");
      world.ask("GET", "/open/2");
      const { answer } = world.ask("GET", "/open/3");
      expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([429, "1"]);
      expect(JSON.parse(answer.body)).toMatchObject({ code: "in_flight_exceeded", "violated-policies": ["few"] });
      expect(world.records.at(-1)).toMatchObject({
        "sluice.error.detail": "inFlight.few: 2 are under way and no place is free",
      });
      expect(paths(world)).toEqual(["/open/1", "/open/2"]);
      for (const connection of world.a.connections) connection.answer(200);
    });
  });

  test.each(["route", "upstream"] as const)("what all share by %s is answered with 503", (by) => {
    inWorld(bounded({ few: { max: 1, by } }), (world) => {
      world.ask("GET", "/open/1");
      const { answer } = world.ask("GET", "/open/2");
      expect([answer.status, JSON.parse(answer.body).code]).toEqual([503, "capacity_exhausted"]);
      world.a.last.answer(200);
    });
  });

  test("routes and upstreams are told apart", () => {
    inWorld(bounded({ perRoute: { max: 1, by: "route" } }), (world) => {
      world.ask("GET", "/open/1");
      world.ask("GET", "/second/1");
      expect(paths(world)).toEqual(["/open/1", "/second/1"]);
      for (const connection of world.a.connections) connection.answer(200);
    });
    inWorld(bounded({ perUpstream: { max: 1, by: "upstream" } }), (world) => {
      world.ask("GET", "/open/1");
      expect(world.ask("GET", "/second/1").answer.status).toBe(503);
      world.ask("GET", "/elsewhere/1");
      expect(world.b.requests).toHaveLength(1);
      world.a.last.answer(200);
      world.b.last.answer(200);
    });
  });

  test("consumers are told apart", () => {
    inWorld(bounded({ few: { max: 1, by: "consumer" } }), (world) => {
      world.ask("GET", "/keyed/1", ["X-API-Key: acme"]);
      expect(world.ask("GET", "/keyed/2", ["X-API-Key: acme"]).answer.status).toBe(429);
      world.ask("GET", "/keyed/3", ["X-API-Key: beta"]);
      expect(paths(world)).toEqual(["/keyed/1", "/keyed/3"]);
      for (const connection of world.a.connections) connection.answer(200);
    });
  });

  test("a bound that observes refuses nobody and tells the log", () => {
    inWorld(bounded({ few: { max: 1, mode: "observe", ...all } }), (world) => {
      for (const path of ["/open/1", "/open/2"]) world.ask("GET", path);
      for (const connection of world.a.connections) connection.answer(200);
      world.settle();
      expect(world.records.map((record) => (record as { "sluice.observed"?: unknown })["sluice.observed"])).toEqual([
        undefined,
        [expect.objectContaining({ policy: "inFlight.few", "error.type": "in_flight_exceeded" })],
      ]);
    });
  });
});

const ENDS: readonly (readonly [how: string, end: (world: World, client: FakeClient) => void])[] = [
  ["its answer is out", (world) => world.a.last.answer(200)],
  ["its target answers that it cannot", (world) => world.a.last.answer(500)],
  ["its target breaks", (world) => world.a.last.reset()],
  [
    "its target breaks in the middle",
    (world) => (world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"), world.a.last.reset()),
  ],
  ["its target is too slow", (world) => world.advance(30_001)],
  ["its client leaves", (_, client) => client.reset()],
  [
    "its client leaves in the middle",
    (world, client) => (
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
      world.settle(),
      client.reset()
    ),
  ],
];

test.each(ENDS)("a place is given back when %s", (_, end) => {
  inWorld(bounded({ few: { max: 1, ...all } }), (world) => {
    for (let i = 0; i < 3; i++) {
      const client = world.ask("GET", `/open/${i}`);
      expect(paths(world).at(-1)).toBe(`/open/${i}`);
      expect(world.ask("GET", "/open/over").answer.status).toBe(429);
      end(world, client);
      world.settle();
    }
  });
});

test.each(["fine", "throw"])("a place is given back by a handler: %s", async (what) => {
  await inWorldOf(bounded({ few: { max: 1, ...all } }), async (world) => {
    for (let i = 0; i < 3; i++) {
      const client = world.ask("GET", `/own/${what}`);
      await world.rest();
      expect(client.answer.status).toBe(what === "fine" ? 200 : 500);
    }
  });
});

describe("with a queue", () => {
  const queued = bounded({ few: { max: 1, queue: 2, wait: "2s", ...all } });

  test("those who wait come in turn, and who finds the queue full is refused", async () => {
    await inWorldOf(queued, async (world) => {
      const clients = ["/open/1", "/open/2", "/open/3"].map((path) => world.ask("GET", path));
      expect(world.ask("GET", "/open/4").answer.status).toBe(429);
      for (const path of ["/open/1", "/open/2", "/open/3"]) {
        await world.rest();
        expect(paths(world).at(-1)).toBe(path);
        asked(world, path).answer(200, path);
        await world.rest();
      }
      expect(clients.map(({ answer }) => answer.body)).toEqual(["/open/1", "/open/2", "/open/3"]);
    });
  });

  test("who has waited in vain is refused in time", async () => {
    await inWorldOf(queued, async (world) => {
      world.ask("GET", "/open/1");
      const waiting = world.ask("GET", "/open/2");
      world.advance(1_999);
      await world.rest();
      expect(waiting.answers).toHaveLength(0);
      world.advance(1);
      await world.rest();
      expect(waiting.answer.status).toBe(429);
      world.a.last.answer(200);
      await world.rest();
      world.ask("GET", "/open/3");
      expect(paths(world)).toEqual(["/open/1", "/open/3"]);
      world.a.last.answer(200);
    });
  });

  test("who leaves while it waits gives its turn to the next", async () => {
    await inWorldOf(queued, async (world) => {
      world.ask("GET", "/open/1");
      const leaver = world.ask("GET", "/open/2");
      world.ask("GET", "/open/3");
      leaver.reset();
      await world.rest();
      world.ask("GET", "/open/4");
      asked(world, "/open/1").answer(200);
      await world.rest();
      asked(world, "/open/3").answer(200);
      await world.rest();
      asked(world, "/open/4").answer(200);
      expect(paths(world)).toEqual(["/open/1", "/open/3", "/open/4"]);
      expect(world.records.find((record) => record["url.path"] === "/open/2")?.["error.type"]).toBe(
        "client_disconnect",
      );
    });
  });
});

test("in any order of coming, answers, breaks, leaving and time no place is lost and none is given twice", async () => {
  const act = fc.oneof(
    fc.record({ act: fc.constant("ask" as const), bound: fc.constantFrom("/open", "/second") }),
    fc.record({ act: fc.constantFrom("answer" as const, "break" as const, "leave" as const), which: fc.nat(9) }),
    fc.record({ act: fc.constant("advance" as const), ms: fc.constantFrom(1, 500, 1500) }),
  );
  const options = bounded({
    both: { max: 2, queue: 2, wait: "1s", by: "upstream" },
    each: { max: 1, queue: 1, wait: "1500ms", by: "route" },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      await inWorldOf(options, async (world) => {
        const clients: FakeClient[] = [];
        const answered = new Map<FakeTargetConnection, number>();
        const busy = (): FakeTargetConnection[] =>
          world.a.open.filter((connection) => connection.requests.length > (answered.get(connection) ?? 0));
        const answer = (connection: FakeTargetConnection): void => {
          answered.set(connection, connection.requests.length);
          connection.answer(200);
        };
        for (const [i, step] of acts.entries()) {
          if (step.act === "ask") clients.push(world.ask("GET", `${step.bound}/${i}`));
          else if (step.act === "advance") world.advance(step.ms);
          else if (step.act === "leave") clients[step.which]?.reset();
          else {
            const connection = busy()[step.which % Math.max(1, busy().length)];
            if (connection === undefined) continue;
            if (step.act === "answer") answer(connection);
            else connection.reset();
          }
          await world.rest();
          const under = busy().map(({ requests }) => requests.at(-1)!.target.split("/")[1]!);
          expect(under.length).toBeLessThanOrEqual(2);
          expect(new Set(under).size).toBe(under.length);
        }
        for (let i = 0; i < 10; i++) {
          for (const connection of busy()) answer(connection);
          world.advance(2000);
          await world.rest();
        }
        // Every place is free again.
        for (const path of ["/open/end", "/second/end"]) {
          world.ask("GET", path);
          await world.rest();
          expect(paths(world).at(-1)).toBe(path);
        }
        for (const connection of busy()) answer(connection);
      });
    }),
    { numRuns: 60, seed: 1 },
  );
}, 60_000);

test("who leaves while a policy before it still decides takes no place", async () => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const base = bounded({ few: { max: 1, ...all } });
  const slow: GatewayOptions["routes"][string] = {
    match: "/slow",
    to: "up",
    auth: "none",
    inFlight: ["few"],
    allow: { when: () => promise },
  };
  await inWorldOf({ ...base, routes: { ...base.routes, slow } }, async (world) => {
    const leaver = world.ask("GET", "/slow");
    await world.rest();
    leaver.reset();
    await world.rest();
    resolve(true);
    await world.rest();
    world.ask("GET", "/open/1");
    expect(paths(world)).toEqual(["/open/1"]);
    world.a.last.answer(200);
  });
});
