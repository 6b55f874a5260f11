// Bounds for what is under way at once: places are taken in turn, and given back whatever becomes of an exchange.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { InFlightOptions } from "../../src/config/limit/options.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient, FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, World } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

function bounded(inFlight: Record<string, InFlightOptions>): GatewayOptions {
  const names = Object.keys(inFlight);
  const ownNames = names.filter((name) => inFlight[name]!.by !== "upstream");
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
      own: { match: "/own/:what", auth: "none", inFlight: ownNames, handler: (x) => own(x.params["what"]!) },
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
      expect(JSON.parse(answer.body)).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
        code: "in_flight_exceeded",
        "violated-policies": ["few"],
      });
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
      expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([503, "1"]);
      expect(JSON.parse(answer.body)).toMatchObject({
        type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
        code: "capacity_exhausted",
        "violated-policies": ["few"],
      });
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

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

test.each([
  ["its client", (_: FakeTargetConnection, client: FakeClient) => client.reset()],
  ["its target", (target: FakeTargetConnection) => target.reset()],
] as const)("a tunnel has its place until %s ends it", (_, end) => {
  inWorld(bounded({ few: { max: 1, ...all } }), (world) => {
    for (let i = 0; i < 3; i++) {
      const client = world.ask("GET", `/open/${i}`, UPGRADE);
      world.a.last.send(SWITCH);
      world.advance(60_000);
      expect(client.statuses).toEqual([101]);
      expect(world.ask("GET", "/open/over").answer.status).toBe(429);
      end(world.a.last, client);
      world.advance(2000);
    }
  });
});

test("who reads its answer slowly has its place until the last byte has gone", () => {
  inWorld(bounded({ few: { max: 1, ...all } }), (world) => {
    const client = world.client();
    client.socket.peer.capacity = 100;
    client.hold();
    client.request("GET", "/open/slow");
    world.settle();
    world.a.last.answer(200, "x".repeat(5000));
    world.advance(5000);
    expect(world.ask("GET", "/open/over").answer.status).toBe(429);
    client.read();
    world.settle();
    expect(client.answer.complete).toBe(true);
    world.ask("GET", "/open/next");
    expect(paths(world).at(-1)).toBe("/open/next");
    world.a.last.answer(200);
  });
});

test("who is refused by a bound gives back the places it had of others", () => {
  const inFlight = { wide: { max: 2, ...all }, tight: { max: 1, by: "route" } } as const;
  inWorld(bounded(inFlight), (world) => {
    world.ask("GET", "/open/1");
    for (let i = 0; i < 5; i++) expect(world.ask("GET", "/open/over").answer.status).toBe(503);
    world.ask("GET", "/second/1");
    expect(paths(world)).toEqual(["/open/1", "/second/1"]);
    for (const connection of world.a.connections) connection.answer(200);
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

describe("while somebody waits", () => {
  const queued: GatewayOptions = {
    ...bounded({ few: { max: 1, queue: 3, wait: "20s", ...all } }),
    shutdown: { grace: "10s" },
  };

  test("a second that leaves is no hindrance to the third, wherever in the queue it was", async () => {
    for (const leaving of [[1], [2], [1, 2], [2, 1], [1, 2, 3]]) {
      await inWorldOf(queued, async (world) => {
        const clients = [0, 1, 2, 3].map((i) => world.ask("GET", `/open/${i}`));
        for (const i of leaving) clients[i]!.reset();
        await world.rest();
        // Their places in the queue are free at once.
        const more = leaving.map((i) => `/open/more/${i}`);
        for (const path of more) world.ask("GET", path);
        const expected = ["/open/0", "/open/1", "/open/2", "/open/3"].filter((_, i) => !leaving.includes(i));
        for (const path of [...expected, ...more]) {
          await world.rest();
          expect(paths(world).at(-1)).toBe(path);
          asked(world, path).answer(200);
        }
      });
    }
  });

  test("the gateway drains: who waits comes in turn, and its connection closes behind the answer", async () => {
    const world = new World(queued);
    const [first, second] = [world.ask("GET", "/open/1"), world.ask("GET", "/open/2")];
    let cut: number | undefined;
    void world.gateway.drain().then((drained) => (cut = drained.cut));
    await world.rest();
    asked(world, "/open/1").answer(200);
    await world.rest();
    asked(world, "/open/2").answer(200);
    await world.rest();
    expect([first, second].map((client) => client.answer.status)).toEqual([200, 200]);
    expect(fieldOf(second.answer, "connection")).toBe("close");
    for (const client of [first, second]) client.end();
    await world.rest();
    expect(cut).toBe(0);
    world.close();
  });

  test("and the grace runs out: all are cut, each has its record, and nothing is left", async () => {
    const world = new World(queued);
    const clients = [1, 2, 3].map((i) => world.ask("GET", `/open/${i}`));
    let cut: number | undefined;
    void world.gateway.drain().then((drained) => (cut = drained.cut));
    world.advance(10_001);
    await world.rest();
    expect([cut, ...clients.map(({ ending }) => ending)]).toEqual([3, "reset", "reset", "reset"]);
    expect(world.records.map((record) => record["error.type"])).toEqual(["draining", "draining", "draining"]);
    expect(paths(world)).toEqual(["/open/1"]);
    world.close();
  });

  test("with content that it has not been told to send, it is told when its turn has come", async () => {
    await inWorldOf(queued, async (world) => {
      world.ask("GET", "/open/1");
      const waiting = world.ask("POST", "/open/2", ["Expect: 100-continue", "Content-Length: 5"]);
      await world.rest();
      expect(waiting.received).toBe("");
      asked(world, "/open/1").answer(200);
      await world.rest();
      expect(waiting.received).toBe("HTTP/1.1 100 Continue\r\n\r\n");
      waiting.send("hello");
      await world.rest();
      asked(world, "/open/2").answer(200);
    });
  });
});

test("routes that name two bounds in opposite orders do not wait for each other", async () => {
  const base = bounded({
    one: { max: 1, queue: 5, wait: "20s", ...all },
    two: { max: 1, queue: 5, wait: "20s", ...all },
  });
  const options: GatewayOptions = {
    ...base,
    routes: {
      there: { match: "/there/*", to: "up", auth: "none", inFlight: ["one", "two"] },
      back: { match: "/back/*", to: "up", auth: "none", inFlight: ["two", "one"] },
      first: { match: "/first", to: "up", auth: "none", inFlight: ["one"] },
      second: { match: "/second", to: "up", auth: "none", inFlight: ["two"] },
    },
  };
  await inWorldOf(options, async (world) => {
    for (const path of ["/first", "/second", "/there/1", "/back/1"]) world.ask("GET", path);
    for (const path of ["/first", "/second", "/there/1", "/back/1"]) {
      expect(paths(world)).toContain(path);
      asked(world, path).answer(200);
      await world.rest();
    }
    expect(paths(world).toSorted()).toEqual(["/back/1", "/first", "/second", "/there/1"]);
  });
});

test("by fetch: a place is given back when the answer has been read, dropped or cannot be given", async () => {
  await inWorldOf(bounded({ few: { max: 1, ...all } }), async (world) => {
    const ask = async (answer: string): Promise<Response> => {
      const response = world.gateway.fetch(new Request("http://gw.test/open/x"), "192.0.2.1");
      world.settle();
      world.a.last.send(answer);
      await world.rest();
      return response;
    };
    const chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    const whole = await ask(`HTTP/1.1 200 OK\r\n${chunks}0\r\n\r\n`);
    expect(await whole.text()).toBe("abc");
    const dropped = await ask(`HTTP/1.1 200 OK\r\n${chunks}`);
    await dropped.body!.cancel();
    await world.rest();
    const impossible = await ask(`HTTP/1.1 999 Odd\r\n${chunks}`);
    expect(impossible.status).toBeGreaterThanOrEqual(500);
    await world.rest();
    expect((await ask("HTTP/1.1 204 None\r\n\r\n")).status).toBe(204);
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
