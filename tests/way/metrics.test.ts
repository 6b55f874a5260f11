// Metrics of the whole gateway: what is counted is what happened, and nobody from outside decides how much is kept.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import { redis } from "../../src/config/limit/redis.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import { prometheusText } from "../../src/record/prometheus.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";
import { readMetrics, seriesIn, sumOf } from "../support/metrics-text.ts";

const hashOf = (key: string): `sha256:${string}` =>
  `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;

/** What stands there now: the sum of the samples of a name with these labels. */
const told = (world: World, name: string, labels: Record<string, string> = {}): number =>
  sumOf(readMetrics(textOf(world)), name, labels);
const textOf = (world: World): string => prometheusText(world.metrics.collect(), "prometheus");

const DURATION = "http_server_request_duration_seconds";
const admin = {};

function story(options: GatewayOptions, tell: (world: World) => void): void {
  inWorld({ ...options, admin }, (world) => {
    // Each on a connection of its own, so that no story grows with the square of its requests.
    world.a.answerAll(() => answerText("hello", ["Connection: close"]));
    tell(world);
  });
}

const ROUTES: GatewayOptions = {
  upstreams: { up: { targets: ["http://a.test"] } },
  consumers: { acme: { keys: [hashOf("acme-key")] } },
  auth: { key: apiKey() },
  limits: { few: { limit: 3, window: "1m", by: "route" } },
  routes: {
    items: { match: ["/items/:id", "/old-items/:id"], to: "up", auth: "none" },
    keyed: { match: "/keyed", to: "up", auth: "key" },
    limited: { match: "/limited", to: "up", auth: "none", limits: "few" },
    fixed: { match: "/fixed", auth: "none", answer: { status: 503, body: "no" } },
  },
};

describe("an exchange is counted", () => {
  test.each([
    [
      "by its route and the match that fitted",
      "GET",
      "/old-items/7",
      { http_route: "/old-items/:id", sluice_route: "items" },
    ],
    ["by its status", "GET", "/items/7", { http_response_status_code: "200", error_type: "" }],
    ["by its method", "DELETE", "/items/7", { http_request_method: "DELETE" }],
    ["as one of others when nobody knows its method", "PROPFIND", "/items/7", { http_request_method: "_OTHER" }],
    ["without a route when there is none", "GET", "/nowhere", { sluice_route: "", error_type: "route_not_found" }],
    ["with what went wrong in the gateway's words", "GET", "/keyed", { error_type: "authentication_required" }],
    ["with its status where an answer tells of a failure", "GET", "/fixed", { error_type: "503" }],
  ])("%s", (_, method, path, labels: Record<string, string>) => {
    story(ROUTES, (world) => {
      world.ask(method, path);
      const wanted = Object.entries(labels).filter(([, value]) => value !== "");
      const absent = Object.entries(labels).flatMap(([name, value]) => (value === "" ? [name] : []));
      const samples = readMetrics(textOf(world))
        .get(DURATION)!
        .samples.filter(({ name }) => name.endsWith("_count"));
      expect(samples).toHaveLength(1);
      expect(samples[0]!.value).toBe(1);
      expect(samples[0]!.labels).toMatchObject(Object.fromEntries(wanted));
      for (const name of absent) expect(samples[0]!.labels).not.toHaveProperty(name);
    });
  });

  test("when no head could be read", () => {
    story(ROUTES, (world) => {
      const client = world.client();
      client.send("not a request\r\n\r\n");
      world.settle();
      expect(told(world, `${DURATION}_count`, { error_type: "http_request_error" })).toBe(1);
      expect(told(world, "http_server_active_requests")).toBe(0);
    });
  });

  test("when its client leaves before the answer", () => {
    inWorld({ ...toUpstream(), admin }, (world) => {
      const client = world.ask("GET", "/");
      expect(told(world, "http_server_active_requests")).toBe(1);
      client.reset();
      world.settle();
      expect(
        told(world, `${DURATION}_count`, { error_type: "client_disconnect", http_response_status_code: "499" }),
      ).toBe(1);
      expect(told(world, "http_server_active_requests")).toBe(0);
    });
  });

  test("with the time it took, in seconds", () => {
    inWorld({ ...toUpstream(), admin }, (world) => {
      world.ask("GET", "/");
      world.advance(300);
      world.a.last.answer(200, "late");
      world.settle();
      expect(told(world, `${DURATION}_sum`)).toBeCloseTo(0.3);
      expect(told(world, `${DURATION}_bucket`, { le: "0.25" })).toBe(0);
      expect(told(world, `${DURATION}_bucket`, { le: "0.5" })).toBe(1);
    });
  });

  test("while it is under way, by its method and scheme", () => {
    inWorld({ ...toUpstream(), admin }, (world) => {
      const active = (method: string): number =>
        told(world, "http_server_active_requests", { http_request_method: method, url_scheme: "http" });
      expect([active("GET"), active("_OTHER")]).toEqual([0, 0]);
      world.ask("GET", "/");
      world.ask("POST", "/");
      world.ask("STRANGE", "/");
      world.ask("STRANGER", "/");
      expect([active("GET"), active("POST"), active("_OTHER")]).toEqual([1, 1, 2]);
      for (const connection of world.a.connections) connection.answer(200);
      world.settle();
      expect([active("GET"), active("POST"), active("_OTHER")]).toEqual([0, 0, 0]);
    });
  });

  test("with the content of both sides", () => {
    story(ROUTES, (world) => {
      world.ask("POST", "/items/1", ["Content-Length: 1000"], "x".repeat(1000));
      world.ask("GET", "/items/1");
      const labels = { sluice_route: "items", http_request_method: "POST", url_scheme: "http" };
      expect(told(world, "http_server_request_body_size_bytes_sum", labels)).toBe(1000);
      expect(told(world, "http_server_response_body_size_bytes_sum", labels)).toBe("hello".length);
    });
  });
});

describe("an attempt is counted", () => {
  const two = toUpstream({ targets: ["http://a.test", "http://b.test:81"] }, { admin });
  const attempts = (world: World): readonly { labels: Readonly<Record<string, string>>; value: number }[] =>
    readMetrics(textOf(world))
      .get("http_client_request_duration_seconds")!
      .samples.filter(({ name }) => name.endsWith("_count"));

  test("by its target, method and status", () => {
    inWorld(two, (world) => {
      world.b.answerAll(() => answerText("no", [], 404));
      world.a.answerAll(() => answerText("ok"));
      for (const method of ["GET", "PROPFIND"]) world.ask(method, "/");
      const common = { sluice_upstream: "up" };
      expect(attempts(world).map(({ labels, value }) => [labels, value])).toEqual([
        [
          {
            ...common,
            sluice_target: "http://a.test",
            server_address: "a.test",
            server_port: "80",
            http_request_method: "GET",
            http_response_status_code: "200",
          },
          1,
        ],
        [
          {
            ...common,
            sluice_target: "http://b.test:81",
            server_address: "b.test",
            server_port: "81",
            http_request_method: "_OTHER",
            http_response_status_code: "404",
            error_type: "404",
          },
          1,
        ],
      ]);
    });
  });

  test("each of an exchange: the one that failed and the one that was answered", () => {
    inWorld(two, (world) => {
      world.targets["a"]!.reception = "refuse";
      world.b.answerAll(() => answerText("ok"));
      world.ask("GET", "/");
      const told = attempts(world).map(({ labels }) => [labels["server_address"], labels["error_type"]]);
      expect(told).toEqual([
        ["a.test", "connection_refused"],
        ["b.test", undefined],
      ]);
      expect(told.length).toBe(2);
    });
  });

  test("with the time to the head of its answer", () => {
    inWorld({ ...toUpstream(), admin }, (world) => {
      world.ask("GET", "/");
      world.advance(300);
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
      world.advance(400);
      world.a.last.send("ok");
      world.settle();
      expect(told(world, "http_client_request_duration_seconds_sum")).toBeCloseTo(0.3);
      expect(told(world, `${DURATION}_sum`)).toBeCloseTo(0.7);
    });
  });

  test("with the connections that are open", () => {
    inWorld({ ...toUpstream(), admin }, (world) => {
      const open = (state: string): number =>
        told(world, "http_client_open_connections", {
          ...{ sluice_target: "http://a.test", server_address: "a.test", server_port: "80" },
          http_connection_state: state,
        });
      world.ask("GET", "/");
      world.ask("GET", "/");
      expect([open("active"), open("idle")]).toEqual([2, 0]);
      for (const connection of world.a.connections) connection.answer(200);
      world.settle();
      expect([open("active"), open("idle")]).toEqual([0, 2]);
    });
  });
});

test("whether a target may be picked is told of each", () => {
  const targets = ["http://a.test", { url: "http://b.test", weight: 0 }];
  inWorld({ ...toUpstream({ targets }), admin }, (world) => {
    const up = (target: string): number => told(world, "sluice_upstream_up", { upstream: "up", target });
    expect([up("http://a.test"), up("http://b.test")]).toEqual([1, 0]);
  });
});

test("another plan goes on counting where the one before stopped", () => {
  inWorld({ ...ROUTES, admin }, (world) => {
    world.a.answerAll(() => answerText("hello"));
    for (let count = 0; count < 4; count++) world.ask("GET", "/limited");
    world.ask("GET", "/items/1");
    const slow = world.client();
    slow.request("POST", "/items/1", ["Content-Length: 3"], "x");
    world.settle();
    world.reload({
      ...ROUTES,
      admin,
      routes: { ...ROUTES.routes, more: { match: "/more", auth: "none", answer: {} } },
    });
    expect(told(world, "http_server_active_requests")).toBe(1);
    world.ask("GET", "/limited");
    world.ask("GET", "/items/2");
    world.ask("GET", "/more");
    slow.send("xx");
    world.settle();
    expect(told(world, "http_server_active_requests")).toBe(0);
    expect(told(world, `${DURATION}_count`, { sluice_route: "items" })).toBe(3);
    expect(told(world, "sluice_limit_decisions_total", { decision: "allowed" })).toBe(3);
    expect(told(world, "sluice_limit_decisions_total", { decision: "refused" })).toBe(2);
    expect(told(world, "sluice_connections_open")).toBe(9);
    expect(told(world, "sluice_limit_entries")).toBe(1);
    world.reload(ROUTES);
    expect(told(world, `${DURATION}_count`)).toBe(9);
    expect(told(world, "sluice_limit_entries")).toBe(1);
  });
});

test("what limits decide is counted by limit, from zero on", () => {
  story(ROUTES, (world) => {
    const decisions = (): number[] =>
      ["allowed", "refused", "observed"].map((decision) =>
        told(world, "sluice_limit_decisions_total", { limit: "few", decision }),
      );
    expect(decisions()).toEqual([0, 0, 0]);
    for (let count = 0; count < 5; count++) world.ask("GET", "/limited");
    expect(decisions()).toEqual([3, 2, 0]);
    expect(told(world, "sluice_limit_entries")).toBe(1);
    expect(told(world, "sluice_limit_evictions_total")).toBe(0);
    world.advance(61_000);
    expect(told(world, "sluice_limit_entries")).toBe(0);
  });
});

test("limits in observe mode count what they would have refused", () => {
  const limits = { few: { limit: 1, window: "1m", by: "route", mode: "observe" } } as const;
  story({ ...ROUTES, limits }, (world) => {
    for (let count = 0; count < 3; count++) world.ask("GET", "/limited");
    expect(told(world, "sluice_limit_decisions_total", { decision: "observed" })).toBe(2);
    expect(told(world, "sluice_observed_refusals_total", { route: "limited", policy: "limits.few" })).toBe(2);
  });
});

test("entries that made place are counted", () => {
  const limits = { few: { limit: 3, window: "1h" } } as const;
  const options = {
    ...ROUTES,
    limits,
    limiting: { capacity: 1024 },
    listen: { trustedProxies: ["0.0.0.0/0", "::/0"] },
  };
  story(options, (world) => {
    for (let at = 0; at < 1500; at++) {
      world.ask("GET", "/limited", [`X-Forwarded-For: 192.0.${at >> 8}.${at & 255}`]);
    }
    const [entries, capacity] = ["sluice_limit_entries", "sluice_limit_capacity"].map((name) => told(world, name));
    expect(capacity).toBe(1024);
    expect(told(world, "sluice_limit_evictions_total")).toBe(1500 - entries!);
    expect(entries).toBeLessThanOrEqual(1024);
  });
});

test("bounds on what is under way count who has a place, who waits and who is refused", () => {
  const inFlight = { one: { max: 1, by: "route", queue: 1, wait: "10s" } } as const;
  const options = toUpstream({}, { inFlight, routes: { all: { match: "/*", to: "up", inFlight: "one" } }, admin });
  inWorld(options, (world) => {
    const decided = (decision: string): number =>
      told(world, "sluice_in_flight_decisions_total", { bound: "one", decision });
    for (let count = 0; count < 3; count++) world.ask("GET", "/");
    expect([decided("allowed"), decided("refused"), told(world, "sluice_in_flight_waiting")]).toEqual([1, 1, 1]);
    world.a.answerAll(() => answerText("ok"));
    world.a.last.answer(200);
    world.settle();
    expect([decided("allowed"), decided("refused"), told(world, "sluice_in_flight_waiting")]).toEqual([2, 1, 0]);
  });
});

test("what schemes say is counted: who was known, who showed nothing, whose credentials are not good", () => {
  story(ROUTES, (world) => {
    for (const key of ["acme-key", undefined, "wrong", "wronger"]) {
      world.ask("GET", "/keyed", key === undefined ? [] : [`X-API-Key: ${key}`]);
    }
    const outcomes = ["accepted", "absent", "refused", "unavailable"].map((outcome) =>
      told(world, "sluice_auth_decisions_total", { scheme: "key", outcome }),
    );
    expect(outcomes).toEqual([1, 1, 2, 0]);
  });
});

test("connections that are open, and those that were closed at once", () => {
  inWorld({ ...toUpstream(), listen: { maxConnections: 2 }, admin }, (world) => {
    world.client();
    world.client();
    world.settle();
    expect(told(world, "sluice_connections_open")).toBe(2);
    world.client();
    world.settle();
    expect(told(world, "sluice_connections_refused_total")).toBe(1);
    world.platform.notices.length = 0;
  });
});

test("lines of the log that were lost", () => {
  inWorld({ ...toUpstream(), admin }, (world) => {
    world.platform.lost = 3;
    expect(told(world, "sluice_log_lines_dropped_total", { sink: "stdout" })).toBe(3);
  });
});

test("faults that were made on purpose", () => {
  const routes = { all: { match: "/*", answer: {}, faults: { abort: { status: 503, share: 1 } } } } as const;
  inWorld({ routes, admin }, (world) => {
    world.ask("GET", "/");
    expect(told(world, "sluice_faults_injected_total", { route: "all", fault: "abort" })).toBe(1);
  });
});

test("copies for mirrors are counted, and are no exchanges", async () => {
  const upstreams = { up: { targets: ["http://a.test"] }, copy: { targets: ["http://b.test"] } };
  const routes = { all: { match: "/*", to: "up", mirror: { to: "copy" } } } as const;
  await inWorldOf({ upstreams, routes, admin }, async (world) => {
    world.a.answerAll(() => answerText("ok"));
    world.b.answerAll(() => answerText("ok"));
    const copies = (outcome: string): number =>
      told(world, "sluice_mirror_copies_total", { route: "all", upstream: "copy", outcome });
    expect([copies("answered"), copies("failed"), copies("dropped"), copies("unfit")]).toEqual([0, 0, 0, 0]);
    world.ask("GET", "/");
    await world.rest();
    expect([copies("answered"), copies("failed"), copies("dropped"), copies("unfit")]).toEqual([1, 0, 0, 0]);
    expect(told(world, `${DURATION}_count`)).toBe(1);
  });
});

test("retries are counted by their reason", () => {
  const retries = { attempts: 2, on: [503] } as const;
  inWorld(
    {
      ...toUpstream({ targets: ["http://a.test", "http://b.test"] }),
      admin,
      routes: { all: { match: "/*", to: "up", retries } },
    },
    (world) => {
      world.a.answerAll(() => answerText("no", [], 503));
      world.b.answerAll(() => answerText("ok"));
      world.ask("GET", "/");
      world.advance(1000);
      expect(told(world, "sluice_upstream_retries_total", { upstream: "up", reason: "status" })).toBe(1);
      expect(told(world, "http_client_request_duration_seconds_count")).toBe(2);
      expect(told(world, `${DURATION}_count`)).toBe(1);
    },
  );
});

describe("while the store of counts cannot decide, what came of exchanges is counted:", () => {
  test.each([
    ["local", "local", "enforce"],
    ["refused", "refuse", "enforce"],
    ["observed", "refuse", "observe"],
  ] as const)("%s", async (outcome, onStoreError, mode) => {
    const limits = { few: { limit: 3, window: "1m", by: "route", mode } } as const;
    const limiting = { store: redis("redis://redis.test", { onStoreError }) };
    const routes = { all: { match: "/*", answer: {}, limits: "few" } } as const;
    await inWorldOf({ limits, limiting, routes, admin }, async (world) => {
      world.platform.fakeRedis.commanded = (command) => command.refuse("broken");
      world.settle();
      world.ask("GET", "/");
      await world.rest();
      for (const each of ["local", "refused", "observed"]) {
        const count = told(world, "sluice_limit_store_errors_total", { outcome: each });
        expect([each, count]).toEqual([each, each === outcome ? 1 : 0]);
      }
      world.platform.notices.length = 0;
    });
  });
});

test("overload is counted", () => {
  inWorld({ ...toUpstream(), overload: { maxInFlight: 1 }, admin }, (world) => {
    expect(told(world, "sluice_overload_refusals_total")).toBe(0);
    world.ask("GET", "/");
    world.ask("GET", "/");
    world.a.last.answer(200);
    world.advance(10_000);
    expect(told(world, "sluice_overload_refusals_total")).toBe(1);
    world.platform.notices.length = 0;
  });
});

describe("strangers do not grow what is kept (GW-52):", () => {
  const THOUSANDS = 3000;
  test.each([
    ["paths that no route has", (at: number) => ["GET", `/nope/q9z${at}.php`, []] as const],
    ["values of a path parameter", (at: number) => ["GET", `/items/q9z${at}`, []] as const],
    ["methods", (at: number) => [`Q9Z${at}`, "/items/1", []] as const],
    ["hosts", (at: number) => ["GET", `http://q9z${at}.test/items/1`, []] as const],
    ["queries and agents", (at: number) => ["GET", `/items/1?q9z${at}`, [`User-Agent: q9z${at}`]] as const],
    ["keys", (at: number) => ["GET", "/keyed", [`X-API-Key: q9z${at}`]] as const],
    ["addresses", (at: number) => ["GET", "/limited", [`X-Forwarded-For: 192.0.${at >> 8}.${at & 255}`]] as const],
    ["heads that cannot be read", (at: number) => [`B\u0001D${at}`, "/", []] as const],
  ])("%s by the thousand", (_, requestOf) => {
    story({ ...ROUTES, listen: { trustedProxies: ["0.0.0.0/0", "::/0"] } }, (world) => {
      const ask = (at: number): void => {
        const [method, path, fields] = requestOf(at);
        world.ask(method, path, fields).end();
      };
      for (let at = 0; at < 10; at++) ask(at);
      const before = seriesIn(readMetrics(textOf(world)));
      for (let at = 10; at < THOUSANDS; at++) ask(at);
      const text = textOf(world);
      expect(seriesIn(readMetrics(text))).toBe(before);
      expect(text).not.toMatch(/q9z|192\.0\./i);
      expect(told(world, `${DURATION}_count`)).toBe(THOUSANDS);
    });
  });
});

test("a config without admin counts nothing", () => {
  inWorld(ROUTES, (world) => {
    world.a.answerAll(() => answerText("hello"));
    world.ask("GET", "/limited");
    expect(world.metrics.collect()).toEqual([]);
  });
});
