// What is seen of exchanges while somebody looks: where their time went, who is near a limit; and nothing while nobody does.
import { describe, expect, test } from "bun:test";
import { LOOK_MS } from "../../src/admin/live/watch.ts";
import type { SeenExchange } from "../../src/admin/live/seen.ts";
import { quantile } from "../../src/admin/live/latencies.ts";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

const admin = {};
const OPTIONS: GatewayOptions = {
  admin,
  listen: { trustedProxies: ["0.0.0.0/0"] },
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: { acme: { keys: [hashOf("acme-key")] } },
  auth: { key: apiKey() },
  limits: {
    perConsumer: { limit: 10, window: "1m", by: "consumer" },
    perAddress: { limit: 10, window: "1m", by: "address" },
    perField: { limit: 10, window: "1m", by: { header: "X-Secret-Key" } },
    perFunction: { limit: 10, window: "1m", by: (x) => x.header("x-secret-key") },
    perRoute: { limit: 10, window: "1m", by: "route" },
  },
  inFlight: { one: { max: 1, by: "route", queue: 10, wait: "30s" } },
  routes: {
    keyed: { match: "/keyed/*", to: "up", auth: "key", limits: "perConsumer", inFlight: "one" },
    open: { match: "/open/*", to: "up", auth: "none" },
    fixed: { match: "/fixed", auth: "none", answer: { body: "ok" } },
    address: { match: "/address", auth: "none", limits: "perAddress", answer: {} },
    field: { match: "/field", auth: "none", limits: "perField", answer: {} },
    function: { match: "/function", auth: "none", limits: "perFunction", answer: {} },
    route: { match: "/route", auth: "none", limits: "perRoute", answer: {} },
  },
};

const KEY = ["X-API-Key: acme-key"];
const look = (world: World): NonNullable<ReturnType<World["gateway"]["look"]>> => world.gateway.look()!;
const timesOf = ({ spans }: SeenExchange): unknown[] =>
  spans.map(({ name, from, to }) => [name, Math.round(from), Math.round(to)]);

describe("while nobody looks", () => {
  test("nothing is seen, and nothing is marked", () => {
    inWorld(OPTIONS, (world) => {
      world.a.answerAll(() => answerText("hello", ["Connection: close"]));
      for (let each = 0; each < 12; each++) world.ask("GET", "/keyed/1", KEY);
      expect(look(world)).toEqual({ exchanges: [], durations: new Map(), uses: [] });
    });
  });

  test("it is forgotten again some seconds after the last look", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      world.ask("GET", "/fixed");
      world.advance(LOOK_MS + 1);
      world.ask("GET", "/fixed");
      world.ask("GET", "/fixed");
      expect(look(world).exchanges).toEqual([]);
      world.ask("GET", "/fixed");
      expect(look(world).exchanges).toHaveLength(1);
    });
  });

  test("a gateway without admin sees nothing at all", () => {
    inWorld(toUpstream(), (world) => {
      world.a.answerAll(() => answerText("hello", ["Connection: close"]));
      world.ask("GET", "/");
      expect(world.gateway.look()).toBeUndefined();
    });
  });
});

describe("the time of an exchange goes", () => {
  test("into connecting, the first byte and the body", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      world.a.reception = "hang";
      world.ask("GET", "/open/1");
      world.advance(20);
      world.platform.network.hanging.shift()!.proceed("accept");
      world.settle();
      world.advance(30);
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\na");
      world.settle();
      world.advance(50);
      world.a.last.send("b");
      world.settle();
      expect(timesOf(look(world).exchanges[0]!)).toEqual([
        ["connect", 0, 20],
        ["first byte", 20, 50],
        ["body", 50, 100],
      ]);
    });
  });

  test("into waiting for a place", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      world.ask("GET", "/keyed/first", KEY);
      world.advance(5);
      world.ask("GET", "/keyed/second", KEY);
      world.advance(40);
      const first = world.a.last;
      first.answer(200, "1", ["Connection: close"]);
      world.settle();
      world.advance(100);
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\na");
      world.settle();
      world.advance(30);
      world.a.last.send("b");
      world.settle();
      const [one, two] = look(world).exchanges;
      expect([one!.path, one!.ms, one!.consumer, one!.scheme]).toEqual(["/keyed/first", 45, "acme", "key"]);
      expect(timesOf(two!)).toEqual([
        ["auth", 0, 0],
        ["limit", 0, 0],
        ["wait", 0, 40],
        ["connect", 40, 40],
        ["first byte", 40, 140],
        ["body", 140, 170],
      ]);
      expect(two!.ms).toBe(170);
    });
  });

  test("into an answer of the gateway's own", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      world.ask("GET", "/fixed");
      const [only] = look(world).exchanges;
      expect(timesOf(only!)).toEqual([["answer", 0, 0]]);
      expect(only).toMatchObject({ route: "fixed", status: 200, attempts: 0, bytesOut: 2 });
    });
  });

  test("into each attempt, with what came of it", () => {
    const two = toUpstream({ targets: ["http://a.test", "http://b.test"] }, { admin });
    inWorld(two, (world) => {
      look(world);
      world.a.reception = "refuse";
      world.b.answerAll(() => answerText("hello", ["Connection: close"]));
      world.ask("GET", "/");
      const [only] = look(world).exchanges;
      expect(only!.attempts).toBe(2);
      expect(only!.spans.map(({ name, target, outcome }) => [name, target, outcome])).toEqual([
        ["connect", "http://a.test", undefined],
        ["connect", "http://b.test", undefined],
        ["first byte", "http://b.test", "200"],
        ["body", undefined, undefined],
      ]);
    });
  });
});

describe("what is seen", () => {
  test("holds neither query, nor fields, nor content", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      world.a.answerAll(() => answerText("my-content", ["Connection: close", "Set-Cookie: my-cookie"]));
      world.ask("GET", "/open/1?my-query=1", ["Authorization: Bearer my-token"]);
      world.ask("POST", "/keyed/1", [...KEY, "Content-Length: 7"], "my-body");
      world.ask("GET", "/keyed/1", ["X-API-Key: my-wrong-key"]);
      const text = JSON.stringify(look(world));
      for (const secret of ["my-", "acme-key"]) expect(text).not.toContain(secret);
    });
  });

  test("counts every duration by route, however few exchanges are shown", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      for (let each = 0; each < 500; each++) world.ask("GET", "/fixed", ["Connection: close"]);
      for (let each = 0; each < 500; each++) world.ask("GET", "/nowhere", ["Connection: close"]);
      const { durations, exchanges } = look(world);
      const sums = [...durations].map(([route, counts]) => [route, counts.reduce((sum, count) => sum + count, 0)]);
      expect(new Map(sums as [string, number][])).toEqual(
        new Map([
          ["fixed", 500],
          ["", 500],
        ]),
      );
      expect(exchanges).toHaveLength(60);
      expect(exchanges.filter(({ status }) => status === 404)).toHaveLength(30);
    });
  });

  test("tells how long they took", () => {
    inWorld(OPTIONS, (world) => {
      look(world);
      for (const ms of [10, 20, 400]) {
        world.ask("GET", "/open/1");
        world.advance(ms);
        world.a.last.answer(200, "x", ["Connection: close"]);
        world.settle();
      }
      const counts = look(world).durations.get("open")!;
      expect(quantile(counts, 0.5)! / 20).toBeCloseTo(1, 1);
      expect(quantile(counts, 0.99)! / 400).toBeCloseTo(1, 1);
    });
  });
});

describe("who is near the end of a limit is told", () => {
  const SECRET = "X-Secret-Key: my-secret";
  test.each([
    ["by name", "/keyed/1", KEY, "acme"],
    ["by address", "/address", ["X-Forwarded-For: 203.0.113.9"], "203.0.113.9"],
    ["by route", "/route", [], "route route"],
    [
      "without the value of a field, which may be a credential",
      "/field",
      [SECRET],
      "a value of the field x-secret-key",
    ],
    ["without what a function gave", "/function", [SECRET], "a value of the config's function"],
  ])("%s", async (_, path, fields: readonly string[], caller) => {
    await inWorldOf(OPTIONS, async (world) => {
      world.a.answerAll(() => answerText("hello", ["Connection: close"]));
      const ask = async (times: number): Promise<void> => {
        for (let each = 0; each < times; each++) world.ask("GET", path, [...fields, "Connection: close"]);
        await world.rest();
      };
      look(world);
      await ask(7);
      expect(look(world).uses).toEqual([]);
      await ask(1);
      expect(look(world).uses).toMatchObject([{ caller, used: 8, of: 10 }]);
      await ask(4);
      const { uses } = look(world);
      expect(uses).toMatchObject([{ caller, used: 10, of: 10 }]);
      expect(uses[0]!.resetMs).toBeGreaterThan(0);
    });
  });
});
