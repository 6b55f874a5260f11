// Another config takes over while the gateway runs: what is under way keeps to the old one, what stays the same goes on.
import { describe, expect, test } from "bun:test";
import type { MiddlewareHandler } from "hono";
import { apiKey } from "../../src/config/auth/api-key.ts";
import { jwt } from "../../src/config/auth/jwt.ts";
import type { LimitOptions } from "../../src/config/limit/options.ts";
import { redis } from "../../src/config/limit/redis.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { Secret } from "../../src/config/secrets.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";
import { issuerKey, token } from "../support/tokens.ts";

const BY = (value: string): GatewayOptions["routes"][string] => ({
  match: "/*",
  to: "up",
  headers: { response: { set: { "X-By": value } } },
});
const old = toUpstream({}, { routes: { all: BY("old") } });
const fresh = toUpstream({}, { routes: { all: BY("new") } });

describe("an exchange under way", () => {
  test("ends as the plan says that it began with, the next one on its connection as the new one says", () => {
    inWorld(old, (world) => {
      const client = world.ask("GET", "/1");
      world.reload(fresh);
      world.a.last.answer(200, "one");
      world.settle();
      client.request("GET", "/2");
      world.settle();
      world.a.last.answer(200, "two");
      world.settle();
      expect(client.answers.map((answer) => [answer.body, fieldOf(answer, "x-by")])).toEqual([
        ["one", "old"],
        ["two", "new"],
      ]);
    });
  });

  test("keeps the old config alive until it has ended, and no longer", () => {
    inWorld(old, (world) => {
      const over: string[] = [];
      world.reload(fresh, () => over.push("second"));
      const client = world.ask("GET", "/1");
      world.reload(old);
      expect(over).toEqual([]);
      world.ask("GET", "/2");
      world.a.connections[0]!.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
      expect(over).toEqual(["second"]);
      world.a.last.answer(200);
    });
  });

  test("runs the middleware of the config that it began with to its end", async () => {
    const gates: (() => void)[] = [];
    const marks =
      (mark: string): MiddlewareHandler =>
      async (c, next) => {
        await next();
        await new Promise<void>((resolve) => gates.push(resolve));
        c.res.headers.set("X-Mark", mark);
      };
    const using = (mark: string): GatewayOptions =>
      toUpstream({}, { routes: { all: { match: "/*", to: "up", use: [marks(mark)] } } });
    await inWorldOf(using("old"), async (world) => {
      world.a.answerAll(() => answerText("ok"));
      const before = world.ask("GET", "/1");
      await world.rest();
      world.reload(using("new"));
      const after = world.ask("GET", "/2");
      await world.rest();
      for (const open of gates) open();
      await world.rest();
      expect([before, after].map(({ answer }) => fieldOf(answer, "x-mark"))).toEqual(["old", "new"]);
    });
  });

  test("of a config that is idle keeps nothing alive", () => {
    inWorld(old, (world) => {
      const over: string[] = [];
      world.reload(fresh, () => over.push("second"));
      world.reload(old, () => over.push("third"));
      expect(over).toEqual(["second"]);
    });
  });
});

describe("what limits have counted", () => {
  const limited = (
    limit: Partial<LimitOptions> = {},
    name = "few",
    more: Partial<GatewayOptions> = {},
  ): GatewayOptions =>
    toUpstream(
      {},
      {
        limits: { [name]: { limit: 3, window: "10s", by: "route", ...limit } as LimitOptions },
        routes: { all: { match: "/*", to: "up", limits: name } },
        ...more,
      },
    );
  const statuses = (world: World, count: number): number[] =>
    Array.from({ length: count }, () => world.ask("GET", "/").answer.status);

  test.each<[what: string, next: GatewayOptions, statuses: number[]]>([
    ["goes on", limited(), [200, 429]],
    ["goes on where the limit observes from now on", limited({ mode: "observe" }), [200, 200]],
    ["goes on in a table of another size", limited({}, "few", { limiting: { capacity: 4096 } }), [200, 429]],
    ["is another limit's under another name", limited({}, "other"), [200, 200]],
    ["begins anew under another rule", limited({ limit: 4 }), [200, 200]],
  ])("%s", (_, next, expected) => {
    inWorld(limited(), (world) => {
      world.a.answerAll(() => answerText("ok"));
      expect(statuses(world, 2)).toEqual([200, 200]);
      world.advance(1000);
      world.reload(next);
      expect(statuses(world, 2)).toEqual(expected);
      world.advance(11_000);
      expect(statuses(world, 2)).toEqual([200, 200]);
    });
  });

  test("is given back by an exchange that outlasted its config", () => {
    const counting = limited({ limit: 1, statuses: ["2xx"] });
    inWorld(counting, (world) => {
      const client = world.ask("GET", "/");
      world.reload(counting);
      world.a.last.answer(500);
      world.settle();
      expect(client.statuses).toEqual([500]);
      world.a.answerAll(() => answerText("ok"));
      world.ask("GET", "/");
      world.a.last.answer(200);
      world.settle();
      expect(world.records.map((record) => record["http.response.status_code"])).toEqual([500, 200]);
    });
  });

  test("in a store goes on over the same connection", async () => {
    const stored = (value: string): GatewayOptions => ({
      ...limited(),
      limiting: { store: redis("redis://redis.test") },
      routes: { all: { ...BY(value), limits: "few" } },
    });
    await inWorldOf(stored("old"), async (world) => {
      world.a.answerAll(() => answerText("ok"));
      world.settle();
      world.ask("GET", "/");
      await world.rest();
      world.reload(stored("new"));
      const client = world.ask("GET", "/");
      await world.rest();
      expect(fieldOf(client.answer, "x-by")).toBe("new");
      expect(world.platform.fakeRedis.attempts).toHaveLength(1);
    });
  });
});

describe("what is under way", () => {
  test("still counts for a bound of the same name, and gives its place to who waits by the new config", () => {
    const bounded = (max: number): GatewayOptions =>
      toUpstream(
        {},
        {
          inFlight: { few: { max, by: "route", queue: 1, wait: "5s" } },
          routes: { all: { match: "/*", to: "up", inFlight: "few" } },
        },
      );
    inWorld(bounded(2), (world) => {
      world.ask("GET", "/1");
      world.ask("GET", "/2");
      world.reload(bounded(1));
      const waits = world.ask("GET", "/3");
      expect(world.ask("GET", "/4").statuses).toEqual([503]);
      expect(waits.statuses).toEqual([]);
      const asked = (): string[] => world.a.requests.map(({ target }) => target).sort();
      world.a.connections[0]!.answer(200);
      world.settle();
      expect(asked()).toEqual(["/1", "/2"]);
      world.a.connections[1]!.answer(200);
      world.settle();
      expect(asked()).toEqual(["/1", "/2", "/3"]);
      for (const connection of world.a.open) connection.answer(200);
      world.settle();
      expect(waits.statuses).toEqual([200]);
    });
  });

  test("still counts for overload", () => {
    const capped = (maxInFlight: number): GatewayOptions => ({ ...old, overload: { maxInFlight } });
    inWorld(capped(3), (world) => {
      world.ask("GET", "/1");
      world.reload(capped(1));
      expect(world.ask("GET", "/2").statuses).toEqual([503]);
      world.a.last.answer(200);
      world.settle();
      world.ask("GET", "/3");
      world.a.last.answer(200);
      world.settle();
      expect(world.records.map((record) => record["http.response.status_code"])).toEqual([503, 200, 200]);
      world.advance(10_000);
      world.platform.notices.length = 0;
    });
  });
});

describe("connections to targets", () => {
  const served = (world: World, path: string): void => {
    const client = world.ask("GET", path);
    world.targets[path.slice(1)]!.last.answer(200);
    world.settle();
    expect(client.statuses).toEqual([200]);
  };
  const two = (b: object = {}): GatewayOptions => ({
    upstreams: { a: { targets: ["http://a.test"] }, b: { targets: ["http://b.test"], ...b } },
    routes: { a: { match: "/a", to: "a" }, b: { match: "/b", to: "b" } },
  });

  test("stay where the upstream does, and close where it has changed or gone", () => {
    inWorld(two(), (world) => {
      served(world, "/a");
      served(world, "/b");
      world.reload(two({ timeouts: { connect: "2s" } }));
      world.settle();
      expect([world.a.open.length, world.b.open.length]).toEqual([1, 0]);
      served(world, "/a");
      served(world, "/b");
      expect([world.a.connections.length, world.b.connections.length]).toEqual([1, 2]);
      world.reload(toUpstream());
      world.settle();
      expect([world.a.open.length, world.b.open.length]).toEqual([0, 0]);
    });
  });

  test("in use serve to the end, and are not kept", () => {
    inWorld(two(), (world) => {
      const client = world.ask("GET", "/b");
      world.reload(toUpstream());
      world.b.last.answer(200, "late");
      world.settle();
      expect(client.answer.body).toBe("late");
      expect(world.b.open).toEqual([]);
    });
  });

  test("of a config that never ran are closed, and no others", () => {
    inWorld(two(), (world) => {
      served(world, "/a");
      world.reloadInVain(toUpstream());
      served(world, "/a");
      expect(world.a.connections).toHaveLength(1);
    });
  });
});

describe("who calls", () => {
  const K1 = issuerKey("k1");

  test("is asked by the scheme of that name, though another's name is like one of its parts", () => {
    const options: GatewayOptions = {
      auth: {
        token: jwt({ secret: new Secret("s".repeat(32), "S"), algorithms: ["HS256"], issuer: "i", audience: "a" }),
        "token.keys": apiKey(),
      },
      routes: { all: { match: "/*", auth: "token.keys", answer: {} } },
    };
    inWorld(options, (world) => {
      world.reload(options);
      expect(world.ask("GET", "/", ["X-API-Key: none"]).statuses).toEqual([401]);
    });
  });

  test("is known by keys that are not fetched anew, though the scheme and the consumers change", async () => {
    const options = (realm: string, consumers: GatewayOptions["consumers"] = {}): GatewayOptions => ({
      consumers,
      auth: { token: jwt({ issuer: "https://iss.test", audience: "svc", jwks: "https://iss.test/jwks", realm }) },
      routes: { all: { match: "/*", auth: "token", answer: {} } },
    });
    const plain = { routes: { all: { match: "/*", answer: {} } } };
    await inWorldOf(plain, async (world) => {
      let fetched = 0;
      world.platform.fetch = () => {
        fetched++;
        return Promise.resolve(new Response(JSON.stringify({ keys: [K1.jwk] })));
      };
      world.reload(options("one"));
      const exp = Math.floor(world.platform.wallClock() / 1000) + 300;
      const shown = `Authorization: Bearer ${token({ typ: "at+jwt", alg: "RS256", kid: "k1" }, { iss: "https://iss.test", aud: "svc", sub: "u", exp }, K1)}`;
      const status = async (): Promise<number> => {
        const client = world.ask("GET", "/", [shown]);
        await world.until("an answer", () => client.answers.length > 0);
        return client.answer.status;
      };
      expect(await status()).toBe(200);
      for (const next of [options("two"), options("two", { acme: { subjects: { token: ["u"] } } })]) {
        world.reload(next);
        await world.rest();
        expect(await status()).toBe(200);
      }
      expect(fetched).toBe(1);
      world.reload(plain);
      await world.rest();
    });
  });
});

describe("a tunnel", () => {
  const UPGRADE = ["Connection: Upgrade", "Upgrade: echo"];
  const on = (name: string): GatewayOptions =>
    toUpstream({}, { routes: { [name]: { match: "/*", to: "up", upgrade: ["echo"] } } });
  const inTunnel = (story: (world: World, client: FakeClient) => void): void =>
    inWorld(on("first"), (world) => {
      const client = world.ask("GET", "/ws", UPGRADE);
      world.a.last.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
      world.settle();
      story(world, client);
    });

  test("stays where its route does, and is closed where that is gone", () => {
    inTunnel((world, client) => {
      world.reload({ ...on("first"), listen: { timeouts: { keepAlive: "5s" } } });
      client.send("still here");
      world.settle();
      expect([client.ending, world.a.last.behind]).toEqual(["open", "still here"]);
      world.reload(on("second"));
      world.settle();
      expect(client.ending).not.toBe("open");
      expect(world.a.last.ending).not.toBe("open");
      expect(world.record).toMatchObject({ "error.type": "route_not_found", "http.response.status_code": 101 });
    });
  });

  describe("of a WebSocket whose route is gone", () => {
    const GO_AWAY = "\x88\x02\x03\xf4";
    const socket = (name: string): GatewayOptions => toUpstream({}, { routes: { [name]: { match: "/*", to: "up" } } });
    const inSocket = (early: string, story: (world: World, client: FakeClient) => void): void =>
      inWorld(socket("first"), (world) => {
        const client = world.ask("GET", "/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
        const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
        world.a.last.send(head + early);
        world.settle();
        world.reload(socket("second"));
        world.settle();
        story(world, client);
        world.settle();
        expect(world.a.last.ending).not.toBe("open");
        client.end();
        world.settle();
        expect(world.record).toMatchObject({ "error.type": "route_not_found" });
      });

    test.each(["", "\x81\x02hi", "\x81\x02hi\x82\x00"])("is told that it may come again (1012), behind %j", (early) => {
      inSocket(early, (_, client) => {
        expect(client.received).toEndWith(`\r\n\r\n${early}${GO_AWAY}`);
        expect(client.ending).not.toBe("open");
      });
    });

    test("is told so as soon as it is open, when the route went before the upstream had answered", () => {
      inWorld(socket("first"), (world) => {
        const client = world.ask("GET", "/ws", ["Connection: Upgrade", "Upgrade: websocket"]);
        world.reload(socket("second"));
        world.a.last.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        world.settle();
        expect(client.received).toEndWith(`\r\n\r\n${GO_AWAY}`);
        client.end();
      });
    });

    test("is told so once the frame has ended that it is in", () => {
      inSocket("\x81\x05hel", (world, client) => {
        expect(client.received).toEndWith("hel");
        world.a.last.send("lo");
        world.settle();
        expect(client.received).toEndWith(`hello${GO_AWAY}`);
      });
    });

    test("is closed without a word when the frame does not end", () => {
      inSocket("\x81\x05hel", (world, client) => {
        world.advance(1000);
        expect(client.received).toEndWith("hel");
        expect(client.ending).not.toBe("open");
      });
    });
  });

  test("stays when the gateway listens elsewhere", () => {
    inTunnel((world, client) => {
      world.reload({ ...on("first"), listen: { port: 9090 } });
      world.advance(3_600_000);
      client.send("still here");
      world.settle();
      expect(world.a.last.behind).toBe("still here");
      client.end();
      world.a.last.end();
    });
  });
});

describe("the listener", () => {
  const at = (port: number, listen: GatewayOptions["listen"] = {}): GatewayOptions =>
    toUpstream({}, { listen: { port, ...listen } });

  test("moves to another port: what was accepted before is answered to its end", () => {
    inWorld(at(8080), (world) => {
      const idle = world.client();
      idle.request("GET", "/0");
      world.settle();
      world.a.last.answer(200);
      const busy = world.ask("GET", "/1");
      world.reload(at(9090));
      world.advance(250);
      expect(idle.ending).not.toBe("open");
      world.a.last.answer(200);
      world.settle();
      expect(busy.statuses).toEqual([200]);
      expect(busy.ending).not.toBe("open");
      const late = world.client();
      world.settle();
      expect(late.ending).not.toBe("open");
      const moved = world.client(9090);
      moved.request("GET", "/2");
      world.settle();
      world.a.last.answer(200);
      world.settle();
      expect(moved.statuses).toEqual([200]);
    });
  });

  test("stays where another one has the port, and so does all else", () => {
    inWorld(at(8080), (world) => {
      world.platform.network.serve("0.0.0.0:9090", () => undefined);
      expect(() => world.reload(at(9090))).toThrow("EADDRINUSE");
      world.a.answerAll(() => answerText("ok"));
      expect(world.ask("GET", "/").statuses).toEqual([200]);
    });
  });

  test("has other bounds without being opened anew", () => {
    inWorld(at(8080), (world) => {
      world.a.answerAll(() => answerText("ok"));
      const before = world.ask("GET", "/");
      world.reload(at(8080, { maxConnections: 1, timeouts: { keepAlive: "5s" } }));
      const refused = world.client();
      world.settle();
      expect(refused.ending).not.toBe("open");
      world.platform.notices.length = 0;
      before.request("GET", "/");
      world.settle();
      expect(before.statuses).toEqual([200, 200]);
      world.advance(6000);
      expect(before.ending).not.toBe("open");
    });
  });
});
