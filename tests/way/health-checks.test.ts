// Active checks in a whole gateway: when they come, what they send, what makes a target down and up, and what a reload changes.
import { describe, expect, test } from "bun:test";
import type { HealthOptions } from "../../src/config/upstream/options.ts";
import { createGateway } from "../../src/gateway.ts";
import { answerText, FakeTarget, type FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";
import { planOf } from "../config/support.ts";

const PATH = "/healthz";
const TARGETS = ["http://a.test", "http://b.test"];
const checked = (health: Partial<HealthOptions> = {}, targets = TARGETS): ReturnType<typeof toUpstream> => {
  const what = "tcp" in health ? {} : { path: PATH };
  return toUpstream({ targets, health: { ...what, interval: "1s", jitter: 0, ...health } as HealthOptions });
};

const told = (world: World): string[] => world.platform.notices.splice(0).map(({ level, text }) => `${level}: ${text}`);
const probesAt = (target: FakeTarget): number => target.requests.filter(({ target }) => target === PATH).length;

/** Targets that answer by themselves: checks by the status that the test sets, all else with 200. */
function serving(world: World): Record<string, number> {
  const statuses: Record<string, number> = {};
  for (const [name, target] of Object.entries(world.targets)) {
    statuses[name] ??= 200;
    target.answerAll((request) => answerText("all well, ok", [], request.target === PATH ? statuses[name] : 200));
  }
  return statuses;
}

/** Which targets are asked by so many requests. */
function asked(world: World, requests = 4): string[] {
  const before = Object.entries(world.targets).map(([name, target]) => [name, target.requests.length] as const);
  for (let i = 0; i < requests; i++) expect(world.ask("GET", "/it").statuses).toEqual([200]);
  return before.filter(([name, count]) => world.targets[name]!.requests.length > count).map(([name]) => name);
}

test("each target is checked at once, and then in its interval", () => {
  inWorld(checked(), (world) => {
    serving(world);
    world.advance(1);
    expect([probesAt(world.a), probesAt(world.b)]).toEqual([1, 1]);
    world.advance(9_998);
    expect([probesAt(world.a), probesAt(world.b)]).toEqual([10, 10]);
    world.advance(2);
    expect([probesAt(world.a), probesAt(world.b)]).toEqual([11, 11]);
  });
});

test("jitter moves each check, and none out of its bounds", () => {
  inWorld(checked({ jitter: 0.5 }), (world) => {
    const times: number[] = [];
    world.a.answerAll(() => (times.push(world.platform.clock.time), answerText("ok")));
    world.b.answerAll(() => answerText("ok"));
    const began = world.platform.clock.time;
    for (let i = 0; i < 60_000; i++) world.advance(1);
    expect(times[0]! - began).toBeLessThanOrEqual(501);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(499);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1502);
    expect(new Set(gaps).size).toBeGreaterThan(20);
    expect(gaps.length).toBeGreaterThan(50);
  });
});

test("a target is down after `fall` checks in a row, and up after `rise`, and one that says otherwise begins anew", () => {
  inWorld(checked({ fall: 3, rise: 2 }), (world) => {
    const statuses = serving(world);
    const step = (status: number): string[] => {
      statuses["a"] = status;
      world.advance(1000);
      return asked(world);
    };
    expect([503, 503, 200, 503, 503].map(step)).toEqual(Array.from({ length: 5 }, () => ["a", "b"]));
    expect(told(world)).toEqual([]);
    expect(step(503)).toEqual(["b"]);
    expect(told(world)).toEqual(["warn: up http://a.test: down: 3 checks in a row failed: status 503"]);
    expect([200, 503, 200].map(step)).toEqual(Array.from({ length: 3 }, () => ["b"]));
    expect(step(200)).toEqual(["a", "b"]);
    expect(told(world)).toEqual(["info: up http://a.test: up: 2 checks in a row passed"]);
  });
});

/** How a check fails. */
const FAILURES: readonly (readonly [
  why: string,
  health: Partial<HealthOptions>,
  make: (a: FakeTarget, onProbe: (act: (connection: FakeTargetConnection) => void) => void) => void,
])[] = [
  ["connection_refused", {}, (a) => (a.reception = "ECONNREFUSED")],
  ["dns_error", {}, (a) => (a.reception = "ENOTFOUND")],
  ["connection_timeout", {}, (a) => (a.reception = "hang")],
  ["http_response_timeout", {}, (_, on) => on(() => undefined)],
  ["status 204", { status: 200 }, (_, on) => on((each) => each.send(answerText("", [], 204)))],
  ["status 301", {}, (_, on) => on((each) => each.send(answerText("", [], 301)))],
  ["unexpected body", { body: "all well" }, (_, on) => on((each) => each.send(answerText("all is not well")))],
  [
    "unexpected body",
    { body: "all well" },
    (_, on) => on((each) => each.send("HTTP/1.1 200 OK\r\n\r\n" + "x".repeat(70_000))),
  ],
  ["connection_read_timeout", { body: "ok" }, (_, on) => on((each) => each.send("HTTP/1.1 200 OK\r\n\r\no"))],
  [
    "http_response_incomplete",
    { body: "ok" },
    (_, on) =>
      on((each) => {
        each.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\no");
        each.end();
      }),
  ],
  ["connection_terminated", {}, (_, on) => on((each) => each.reset())],
  ["http_protocol_error", {}, (_, on) => on((each) => each.send("SSH-2.0-OpenSSH\r\n\r\n"))],
  ["connection_refused", { tcp: true }, (a) => (a.reception = "ECONNREFUSED")],
  ["connection_timeout", { tcp: true }, (a) => (a.reception = "hang")],
];

test.each(FAILURES)("%s: a check fails (%j)", (why, health, make) => {
  inWorld(checked({ fall: 2, timeout: "400ms", ...health }), (world) => {
    serving(world);
    make(world.a, (act) => {
      world.a.onConnection = (connection) => (connection.onData = () => act(connection));
    });
    world.advance(1600);
    expect(told(world)).toEqual([`warn: up http://a.test: down: 2 checks in a row failed: ${why}`]);
    // Nothing is left of a check: neither its connection nor its attempt to connect.
    expect([world.a.open.length, world.platform.network.hanging.length]).toEqual([0, 0]);
    expect(asked(world)).toEqual(["b"]);
  });
});

test.each([
  ["a status of the class", {}, answerText("", [], 299)],
  ["one of several statuses", { status: [401, "3xx"] as const }, answerText("", [], 302)],
  ["the text, in several pieces", { body: "all well" }, "HTTP/1.1 200 OK\r\n\r\nit is all w|ell"],
  ["the text, and an end that never comes", { body: "well" }, "HTTP/1.1 200 OK\r\n\r\nit is all well "],
  ["a text beyond ASCII", { body: "grün" }, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ngr\xc3\xbcn"],
  ["no answer's content, however long", {}, "HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nit begins"],
  ["interim answers first", {}, `HTTP/1.1 103 Early Hints\r\n\r\n|${answerText("ok")}`],
])("a check passes with %s", (_, health, answer) => {
  inWorld(checked({ fall: 1, ...health } as Partial<HealthOptions>), (world) => {
    for (const target of [world.a, world.b]) {
      target.onConnection = (connection) => {
        connection.onData = () => {
          const parts = answer.split("|");
          for (const part of parts) connection.send(Uint8Array.from(part, (letter) => letter.charCodeAt(0)));
        };
      };
    }
    world.advance(3500);
    expect(told(world)).toEqual([]);
    expect([world.a.connections.length, world.a.open.length]).toEqual([4, 0]);
  });
});

test("tcp: a connection is enough, and nothing is sent", () => {
  inWorld(checked({ tcp: true }), (world) => {
    world.advance(5500);
    expect(world.a.connections.map(({ received, ending }) => [received, ending])).toEqual(
      Array.from({ length: 6 }, () => ["", "fin"]),
    );
    expect(told(world)).toEqual([]);
  });
});

test("never two checks of a target at once, however slow it is", () => {
  inWorld(checked({ timeout: "1s" }, ["http://a.test"]), (world) => {
    let most = 0;
    world.a.onConnection = () => (most = Math.max(most, world.a.open.length));
    world.advance(10_500);
    expect([most, world.a.connections.length]).toEqual([1, 11]);
    told(world);
  });
});

describe("what a check sends", () => {
  test.each([
    ["upstream", "http://a.test", "a.test"],
    ["upstream", "http://a.test:8081", "a.test:8081"],
    ["upstream", "http://[2001:db8::1]:8081", "[2001:db8::1]:8081"],
    ["client", "http://a.test:8081", "a.test:8081"],
    ["api.internal:99", "http://a.test:8081", "api.internal:99"],
  ])("with host %j a check of %s has the Host that requests have (GW-26)", (host, url, expected) => {
    inWorld(toUpstream({ targets: [url], host, health: { path: PATH, jitter: 0 } }), (world) => {
      const target = Object.values(world.targets)[0]!;
      serving(world);
      world.advance(1);
      world.client().send(`GET /it HTTP/1.1\r\nHost: ${expected}\r\n\r\n`);
      world.settle();
      const hosts = target.requests.map(({ fields }) => fields.find(([name]) => name === "Host")![1]);
      expect(hosts).toEqual([expected, expected]);
    });
  });

  test("its own method, path, host and fields", () => {
    const own = {
      method: "HEAD",
      path: "/up?deep=1",
      host: "check.test",
      headers: { "X-Key": "k", "user-agent": "me" },
    };
    inWorld(checked(own as Partial<HealthOptions>, ["http://a.test"]), (world) => {
      world.advance(1);
      expect(world.a.last.received).toBe(
        "HEAD /up?deep=1 HTTP/1.1\r\nHost: check.test\r\nX-Key: k\r\nuser-agent: me\r\n\r\n",
      );
      told(world);
    });
  });

  test("who it is, unless the config says otherwise", () => {
    inWorld(checked({}, ["http://a.test"]), (world) => {
      world.advance(1);
      expect(world.a.last.received).toBe("GET /healthz HTTP/1.1\r\nHost: a.test\r\nUser-Agent: sluice-health\r\n\r\n");
    });
  });
});

test("when all are down the answer is 503 at once, with the time of the next check, and nobody is asked", () => {
  inWorld(checked({ fall: 1, interval: "2500ms" }), (world) => {
    const statuses = serving(world);
    statuses["a"] = statuses["b"] = 500;
    world.advance(10);
    expect(told(world)).toHaveLength(2);
    const before = world.platform.network.attempts.length;
    const { answer } = world.ask("GET", "/it");
    expect(answer).toMatchObject({ status: 503, complete: true });
    expect(JSON.parse(answer.body)).toMatchObject({ code: "destination_unavailable" });
    expect(Object.fromEntries(answer.fields)).toMatchObject({ "Retry-After": "3" });
    expect(world.platform.network.attempts.length).toBe(before);
  });
});

test('with start: "down" a target waits for one check that passes', () => {
  inWorld(checked({ start: "down", rise: 5, jitter: 0.5 }), (world) => {
    const statuses = serving(world);
    statuses["b"] = 503;
    expect(world.ask("GET", "/it").statuses).toEqual([503]);
    world.advance(600);
    expect(told(world)).toEqual(["info: up http://a.test: up: its first check passed"]);
    expect(asked(world)).toEqual(["a"]);
    world.advance(10_000);
    expect(told(world)).toEqual([]);
    statuses["b"] = 200;
    world.advance(3000);
    expect(asked(world)).toEqual(["a"]);
    world.advance(6000);
    expect(asked(world)).toEqual(["a", "b"]);
    told(world);
  });
});

describe("another config takes over (GW-35)", () => {
  const three = [...TARGETS, "http://c.test"];

  test("what is known of targets that stay holds, and what goes is not checked any more", () => {
    inWorld(checked({ fall: 2 }), (world) => {
      serving(world)["b"] = 503;
      world.advance(3500);
      expect(told(world)).toHaveLength(1);
      world.reload(checked({ fall: 2 }, three));
      world.targets["c"]!.answerAll(() => answerText("ok"));
      expect(asked(world, 6)).toEqual(["a", "c"]);
      world.advance(5000);
      expect([probesAt(world.targets["c"]!), told(world)]).toEqual([5, []]);
      const before = [world.a, world.b].map(probesAt);
      world.reload(checked({ fall: 2 }, ["http://a.test"]));
      world.advance(5000);
      expect([world.a, world.b].map(probesAt)).toEqual([before[0]! + 5, before[1]!]);
    });
  });

  test("checks come no more often, however often that happens, even where they have changed", () => {
    inWorld(checked(), (world) => {
      serving(world);
      for (let i = 0; i < 100; i++) {
        world.advance(97);
        const again = checked(i % 2 === 0 ? { fall: 5 } : {});
        world.reload(i % 3 === 0 ? again : { ...again, routes: { [`r${i}`]: { match: "/*", to: "up" } } });
      }
      expect(Math.abs(probesAt(world.a) - 10)).toBeLessThanOrEqual(1);
    });
  });

  test("a target that was down is picked again when nobody checks it any more", () => {
    inWorld(checked({ fall: 1 }), (world) => {
      serving(world)["b"] = 503;
      world.advance(10);
      expect(asked(world)).toEqual(["a"]);
      world.reload(toUpstream({ targets: TARGETS }));
      expect(asked(world)).toEqual(["a", "b"]);
      world.reload(checked({ fall: 1, start: "down" }));
      world.reload(toUpstream({ targets: TARGETS }));
      expect(asked(world)).toEqual(["a", "b"]);
      told(world);
    });
  });

  test("an exchange of the former config that goes on keeps no checks alive", () => {
    inWorld(checked(), (world) => {
      serving(world);
      world.a.answerAll(({ target }) => (target === PATH ? answerText("ok") : undefined));
      world.b.answerAll(({ target }) => (target === PATH ? answerText("ok") : undefined));
      const client = world.ask("GET", "/long");
      world.advance(1000);
      world.reload(toUpstream({ targets: TARGETS }));
      const before = probesAt(world.a);
      world.advance(5000);
      expect(probesAt(world.a)).toBe(before);
      client.reset();
      world.settle();
    });
  });
});

test("over HTTP/2 it asks by fetch, as traffic does", () => {
  const platform = new FakePlatform();
  const seen: string[] = [];
  let status = 200;
  platform.fetch = (request, over) => {
    seen.push(`${request.method} ${request.url} ${request.headers.get("user-agent")} ${String(over.http2)}`);
    return Promise.resolve(new Response("ok", { status }));
  };
  const plan = planOf(checkedH2(["https://a.test"]));
  const gateway = createGateway(plan, platform);
  platform.clock.advance(1500);
  expect(seen).toEqual(Array(2).fill("GET https://a.test/healthz sluice-health true"));
  status = 500;
  platform.clock.advance(1000);
  expect(platform.notices.map(({ text }) => text)).toEqual(["up https://a.test: down: a check failed: status 500"]);
  gateway.close();
  platform.clock.advance(10_000);
  expect([platform.clock.timers, seen.length]).toEqual([0, 3]);
});

function checkedH2(targets: string[]): object {
  const health = { path: PATH, interval: "1s", jitter: 0, fall: 1 };
  return toUpstream({ targets, protocol: "h2", health } as never);
}

test("where nothing runs in the background it is told that nothing is checked", () => {
  const platform = Object.assign(new FakePlatform(), { runtime: "workers" as never, connect: undefined as never });
  createGateway(planOf(checked()), platform);
  expect(platform.notices.map(({ level, text }) => `${level}: ${text}`)).toEqual([
    "warn: upstreams.up.health: nothing runs in the background on this runtime, targets are not checked",
  ]);
  expect(platform.clock.timers).toBe(0);
});

test("targets that are found while it runs are checked from then on, and those that have gone are not", () => {
  const name = "orders.internal";
  const health = { path: PATH, interval: "1s", jitter: 0, fall: 1, start: "down" } as const;
  inWorld(toUpstream({ targets: { dns: `http://${name}:8080` }, health }), (world) => {
    const { network, names } = world.platform;
    const [one, two] = ["10.0.0.1", "10.0.0.2"].map((address) => new FakeTarget(network, `${address}:8080`)) as [
      FakeTarget,
      FakeTarget,
    ];
    one.answerAll(({ target }) => answerText("one", [], target === PATH ? 500 : 200));
    two.answerAll(() => answerText("two"));
    names.hosts.set(name, ["10.0.0.1"]);
    world.advance(60_000);
    // It joined while nobody had checked it: nothing but checks has come to it.
    expect(world.ask("GET", "/it").statuses).toEqual([503]);
    expect(one.requests.map(({ target }) => target)).toEqual(one.requests.map(() => PATH));
    expect(probesAt(one)).toBeGreaterThan(10);
    names.hosts.set(name, ["10.0.0.2"]);
    world.advance(20_000);
    const before = probesAt(one);
    expect(world.ask("GET", "/it").answer.body).toBe("two");
    world.advance(10_000);
    expect([probesAt(one), probesAt(two) > 10]).toEqual([before, true]);
    told(world);
  });
});
