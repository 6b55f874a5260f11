// What right options come out as: the defaults that options.ts documents, and every option in its place.
import type { LogPlan } from "../../src/config/log/plan.ts";
import { describe, expect, test } from "bun:test";
import { defineGateway, env } from "../../src/mod.ts";
import { Secret } from "../../src/config/secrets.ts";
import { CREDENTIAL_FIELDS, CREDENTIAL_PARAMETERS } from "../../src/record/redact.ts";
import { HELLO, planOf, routeOf, upstreamOf, withListen } from "./support.ts";

const TLS = { serverName: undefined, ca: undefined, cert: undefined, key: undefined, verify: true };
const TIMEOUTS = {
  connectMs: 5_000,
  sendMs: 60_000,
  firstByteMs: 60_000,
  idleMs: 300_000,
  wholeMs: 0,
  deadlineFields: [],
};

const LOG = {
  to: [{ kind: "stdout", format: "auto" }],
  members: { request: [], response: [], set: [], remove: [] },
  only: undefined,
  sample: [],
  redactQuery: CREDENTIAL_PARAMETERS,
  redactFields: CREDENTIAL_FIELDS,
} as const satisfies LogPlan;

describe("without options", () => {
  test("the gateway has the documented defaults", () => {
    expect(planOf({ routes: { hello: HELLO } })).toEqual({
      name: "sluice",
      listen: {
        port: 8080,
        host: "0.0.0.0",
        trustedProxies: [],
        maxTarget: 16 * 1024,
        maxHead: 64 * 1024,
        headMs: 10_000,
        keepAliveMs: 75_000,
        bodyMs: 30_000,
        sendMs: 60_000,
        halfClose: "ask",
        maxConnections: 16_384,
        tls: undefined,
        http2: undefined,
      },
      upstreams: {},
      auth: {
        consumers: [],
        keys: undefined,
        schemes: [],
        identity: { consumer: undefined, clientCert: false, headers: [], token: undefined, owned: [] },
      },
      limits: { fields: "draft", capacity: 131_072, store: undefined, snapshot: undefined, limits: [] },
      inFlight: [],
      overload: undefined,
      routes: [
        {
          name: "hello",
          matches: [{ path: "/", methods: [], hosts: [], headers: [], query: [] }],
          auth: [],
          allow: undefined,
          limits: [],
          inFlight: [],
          maxBody: undefined,
          cors: undefined,
          faults: undefined,
          mirrors: [],
          use: [],
          destination: { kind: "answer", answer: { status: 200, body: "hello" } },
          requestFields: undefined,
          responseFields: undefined,
          log: true,
        },
      ],
      log: LOG,
      admin: undefined,
      tracing: undefined,
      otlp: undefined,
      serverTiming: false,
      logLevel: "info",
      workers: 1,
      reload: { gate: undefined },
      shutdown: { delayMs: 0, graceMs: 25_000 },
    });
  });

  test("an upstream has the documented defaults", () => {
    expect(upstreamOf({})).toEqual({
      name: "orders",
      targets: [
        {
          url: "http://127.0.0.1:9001",
          secure: false,
          host: "127.0.0.1",
          port: 9001,
          authority: "127.0.0.1:9001",
          weight: 1,
        },
      ],
      balance: { kind: "round-robin" },
      slowStartMs: undefined,
      ejection: { failures: 5, timeMs: 30_000, maxTimeMs: 300_000, maxShare: 0.5 },
      health: undefined,
      breaker: undefined,
      protocol: "http1",
      host: "upstream",
      timeouts: TIMEOUTS,
      retries: undefined,
      hedge: undefined,
      idleMs: 4_000,
      maxIdle: 256,
      maxAgeMs: 300_000,
      maxConnections: 4_096,
      waitMs: 5_000,
      maxWaiting: 1_024,
      maxHead: 64 * 1024,
      tls: TLS,
    });
  });

  test("a route to an upstream has the upstream's clocks, and lets WebSocket pass", () => {
    const plan = planOf({
      upstreams: { orders: { targets: ["http://a"], timeouts: { idle: "1h" } } },
      routes: { it: { match: "/*", to: "orders" } },
    });
    expect(plan.routes[0]!.destination).toEqual({
      kind: "upstream",
      upstream: plan.upstreams["orders"]!,
      rewrite: undefined,
      timeouts: { ...TIMEOUTS, idleMs: 3_600_000 },
      retries: undefined,
      hedge: undefined,
      upgrade: ["websocket"],
    });
    const { destination } = plan.routes[0]!;
    expect(destination.kind === "upstream" && destination.upstream).toBe(plan.upstreams["orders"]!);
  });

  test("an option that is undefined is one that was left out", () => {
    const written = { name: undefined, listen: { port: undefined, timeouts: undefined }, upstreams: undefined };
    expect(planOf({ ...written, routes: { hello: { ...HELLO, to: undefined, log: undefined } } })).toEqual(
      planOf({ routes: { hello: HELLO } }),
    );
  });
});

describe("with options", () => {
  test("defineGateway gives back what it took", () => {
    const options = { routes: { hello: { match: "/", answer: { body: "hello" } } } } as const;
    expect(defineGateway(options)).toBe(options as never);
  });

  test("the listener is as they say", () => {
    const plan = planOf(
      withListen({
        port: 0,
        host: "::",
        trustedProxies: ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"],
        maxTarget: "8KiB",
        maxHead: "1MB",
        timeouts: { head: "1s", keepAlive: "2s", body: "3s", send: "4s" },
        halfClose: "leave",
        maxConnections: 1,
        tls: undefined,
        http2: { maxStreams: 7, h2c: true },
      }),
    );
    expect(plan.listen).toEqual({
      port: 0,
      host: "::",
      trustedProxies: ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"],
      maxTarget: 8_192,
      maxHead: 1_000_000,
      headMs: 1_000,
      keepAliveMs: 2_000,
      bodyMs: 3_000,
      sendMs: 4_000,
      halfClose: "leave",
      maxConnections: 1,
      tls: undefined,
      http2: { maxStreams: 7, h2c: true },
    });
  });

  test("an upstream is as they say", () => {
    const plan = upstreamOf({
      protocol: "http1",
      balance: "round-robin",
      ejection: { failures: 2, time: "1s", maxTime: "2s", maxShare: 0.1 },
      health: {
        path: "/up/../ok?a=b",
        interval: "2s",
        rise: 3,
        fall: 4,
        jitter: 0,
        start: "down",
        panic: 0.2,
        status: [204, "3xx"],
      },
      host: "client",
      timeouts: { connect: "1s", firstByte: "2s", idle: "3s" },
      keepAlive: { idle: "4s", maxIdle: 0, maxAge: "6s" },
      connections: { max: 7, wait: "0s", maxWaiting: 0 },
      maxHead: "9B",
      tls: { serverName: "a.test", verify: false },
    });
    expect(plan).toMatchObject({
      ejection: { failures: 2, timeMs: 1_000, maxTimeMs: 2_000, maxShare: 0.1 },
      health: {
        kind: "http",
        path: "/ok?a=b",
        intervalMs: 2_000,
        timeoutMs: 1_000,
        rise: 3,
        fall: 4,
        jitter: 0,
        start: "down",
        panic: 0.2,
        statuses: [204, 3],
        body: undefined,
        fields: [],
      },
      host: "client",
      timeouts: { connectMs: 1_000, firstByteMs: 2_000, idleMs: 3_000 },
      idleMs: 4_000,
      maxIdle: 0,
      maxAgeMs: 6_000,
      maxConnections: 7,
      waitMs: 0,
      maxWaiting: 0,
      maxHead: 9,
      tls: { ...TLS, serverName: "a.test", verify: false },
    });
  });

  test.each([
    ["upstream", "upstream"],
    ["client", "client"],
    ["api.test", { fixed: "api.test" }],
    ["api.test:8080", { fixed: "api.test:8080" }],
    ["[::1]:8080", { fixed: "[::1]:8080" }],
  ] as const)("the Host field %j is %j", (host, wanted) => expect(upstreamOf({ host }).host).toEqual(wanted));

  test("checks have the documented defaults", () => {
    const common = { intervalMs: 3_000, timeoutMs: 1_000, rise: 2, fall: 3, jitter: 0.1, start: "up", panic: 0 };
    const http = {
      kind: "http",
      method: "GET",
      path: "/",
      statuses: [2],
      body: undefined,
      host: undefined,
      fields: [],
    };
    expect(upstreamOf({ health: { path: "/" } }).health as unknown).toEqual({ ...common, ...http });
    expect(upstreamOf({ health: { tcp: true } }).health as unknown).toEqual({ ...common, kind: "tcp" });
    expect(upstreamOf({ health: { tcp: true, interval: "400ms" } }).health).toMatchObject({ timeoutMs: 400 });
    expect(upstreamOf({ health: { path: "/", status: 418, headers: { a: "b" } } }).health).toMatchObject({
      statuses: [418],
      fields: [["a", "b"]],
    });
  });

  test("a breaker has the documented defaults", () => {
    const defaults = { errors: 0.5, slow: undefined, minimum: 20, windowMs: 10_000, openMs: 5_000, probes: 3 };
    expect(upstreamOf({ breaker: {} }).breaker).toEqual(defaults);
    expect(upstreamOf({ breaker: { slow: { over: "2s" } } }).breaker?.slow).toEqual({ overMs: 2_000, share: 0.5 });
    const own = { errors: 0.1, slow: { over: "1s", share: 0.8 }, minimum: 1, window: "1m", open: "2s", probes: 7 };
    expect(upstreamOf({ breaker: own }).breaker).toEqual({
      errors: 0.1,
      slow: { overMs: 1_000, share: 0.8 },
      minimum: 1,
      windowMs: 60_000,
      openMs: 2_000,
      probes: 7,
    });
  });

  test("ejection can be off", () => expect(upstreamOf({ ejection: false }).ejection).toBeUndefined());

  test("a route sets some clocks and keeps the upstream's others", () => {
    const { destination } = routeOf({
      match: "/",
      to: "orders",
      timeouts: { firstByte: "1ms", idle: "2ms" },
      upgrade: ["MQTT/5", "x"],
    });
    expect(destination).toMatchObject({
      timeouts: { ...TIMEOUTS, firstByteMs: 1, idleMs: 2 },
      upgrade: ["mqtt/5", "x"],
    });
  });

  test("rewrite, redirect, answer and handler become the destination", () => {
    const handler = (): Response => new Response();
    const destination = (route: object): unknown => routeOf({ match: "/a/:id/*", ...route }).destination;
    expect(destination({ to: "orders", rewrite: { stripPrefix: "/a" } })).toMatchObject({
      rewrite: { kind: "strip-prefix", prefix: "/a" },
    });
    expect(destination({ to: "orders", rewrite: { replace: "/b/:id/*" } })).toMatchObject({
      rewrite: { kind: "replace", template: "/b/:id/*" },
    });
    expect(destination({ redirect: { to: "/b/:id" } })).toEqual({ kind: "redirect", to: "/b/:id", status: 308 });
    expect(destination({ redirect: { to: "https://a.test/*", status: 301 } })).toMatchObject({ status: 301 });
    expect(destination({ handler })).toEqual({ kind: "handler", handler });
    expect(destination({ answer: { status: 410, headers: { "X-A": "b" }, body: [1] } })).toEqual({
      kind: "answer",
      answer: { status: 410, headers: { "X-A": "b" }, body: [1] },
    });
  });

  const ANY = { methods: [], hosts: [], headers: [], query: [] };
  test.each<[unknown, unknown[]]>([
    ["/a/:id", [{ ...ANY, path: "/a/:id" }]],
    ["GET /a", [{ ...ANY, path: "/a", methods: ["GET"] }]],
    ["GET|post|GET /a b", [{ ...ANY, path: "/a b", methods: ["GET", "POST"] }]],
    ["PROPFIND /*", [{ ...ANY, path: "/*", methods: ["PROPFIND"] }]],
    ["//a//", [{ ...ANY, path: "//a//" }]],
    [
      ["/a", { path: "/b", method: ["GET", "PUT"] }],
      [
        { ...ANY, path: "/a" },
        { ...ANY, path: "/b", methods: ["GET", "PUT"] },
      ],
    ],
    [{ path: "/", host: "API.Example.com" }, [{ ...ANY, path: "/", hosts: ["api.example.com"] }]],
    [
      { path: "/", host: ["*.A.test", "127.0.0.1", "::1", "[::2]"] },
      [{ ...ANY, path: "/", hosts: ["*.a.test", "127.0.0.1", "[::1]", "[::2]"] }],
    ],
    [
      { path: "/", headers: { "X-A": "B", Upgrade: true } },
      [
        {
          ...ANY,
          path: "/",
          headers: [
            ["x-a", "B"],
            ["upgrade", true],
          ],
        },
      ],
    ],
    [
      { path: "/", query: { V: "2", w: true, x: "" } },
      [
        {
          ...ANY,
          path: "/",
          query: [
            ["V", "2"],
            ["w", true],
            ["x", ""],
          ],
        },
      ],
    ],
  ])("match %j", (match, wanted) => {
    expect(routeOf({ match, answer: {} }).matches).toEqual(wanted as never);
  });

  test("fields are removed by lower-case names and set as written", () => {
    const route = routeOf({
      ...HELLO,
      headers: {
        request: { set: { "X-A": "b", "x-empty": "", "x-utf": "é–" }, remove: ["Cookie", "Connection"] },
        response: { set: { Host: "fine here" } },
      },
    });
    expect(route.requestFields).toEqual({
      remove: ["cookie", "connection"],
      set: [
        ["X-A", "b"],
        ["x-empty", ""],
        ["x-utf", "é–"],
      ],
    });
    expect(route.responseFields).toEqual({ remove: [], set: [["Host", "fine here"]] });
    expect(routeOf({ ...HELLO, headers: { request: { remove: [] }, response: {} } }).requestFields).toBeUndefined();
  });

  test("the log is on, off, or as its options say, and routes may leave it", () => {
    const log = (log: unknown): unknown => planOf({ log, routes: { hello: HELLO } }).log;
    expect(log(false)).toBe(false);
    expect(log(true)).toEqual(log(undefined));
    expect(log(true)).toEqual(LOG);
    expect(log({ format: "json", redactQuery: ["Pin", "token"] })).toEqual({
      ...LOG,
      to: [{ kind: "stdout", format: "json" }],
      redactQuery: [...CREDENTIAL_PARAMETERS, "pin"],
    });
    const chosen = {
      fields: { request: ["Referer", "referer"], response: ["Content-Type"], set: { a: 1 }, remove: ["url.scheme"] },
      only: { status: ["4xx", 302], minDuration: "250ms", retried: true },
      sample: { share: 0.1, status: "2xx", route: "hello" },
    };
    expect(log(chosen)).toEqual({
      ...LOG,
      members: { request: ["referer"], response: ["content-type"], set: [["a", 1]], remove: ["url.scheme"] },
      only: { statuses: [4, 302], minMs: 250, retried: true },
      sample: [{ share: 0.1, statuses: [2], routes: ["hello"] }],
    });
    expect(routeOf({ ...HELLO, log: false }).log).toBe(false);
    expect(planOf({ log: false, routes: { hello: HELLO } }).routes[0]!.log).toBe(false);
  });

  test("PEM files are read and a private key does not print itself", () => {
    const cert = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    const key = "-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n";
    const files = { "ca.pem": cert, "tls/client.key": key };
    const { tls } = upstreamOf({ tls: { ca: "ca.pem", cert, key: "tls/client.key" } }, { files });
    expect(tls).toMatchObject({ ca: cert, cert });
    expect(tls.key).toBeInstanceOf(Secret);
    expect(tls.key!.reveal()).toBe(key);
    expect(JSON.stringify(tls) + Bun.inspect(tls)).not.toContain("MC4C");
    const rsa = "-----BEGIN RSA PRIVATE KEY-----\nMC4C\n-----END RSA PRIVATE KEY-----";
    const fromEnv = upstreamOf(
      { tls: { cert: env("CERT"), key: env("KEY") } },
      { env: { CERT: "c.pem", KEY: rsa }, files: { "c.pem": cert } },
    );
    expect(fromEnv.tls.key!.reveal()).toBe(rsa);
    expect(fromEnv.tls.key!.source).toBe("KEY");
  });

  test.each([
    ["http://127.0.0.1:9001", false, "127.0.0.1", 9001, "127.0.0.1:9001"],
    ["http://a.test", false, "a.test", 80, "a.test"],
    ["http://a.test:80/", false, "a.test", 80, "a.test"],
    ["https://A.Test:443", true, "a.test", 443, "a.test"],
    ["HTTPS://a.test:80", true, "a.test", 80, "a.test:80"],
    ["http://a.test:443", false, "a.test", 443, "a.test:443"],
    ["http://[::1]:9001", false, "::1", 9001, "[::1]:9001"],
    ["https://[2001:DB8:0:0::1]", true, "2001:db8::1", 443, "[2001:db8::1]"],
    ["http://[::ffff:127.0.0.1]:9", false, "127.0.0.1", 9, "127.0.0.1:9"],
    ["http://orders_v1.internal:1", false, "orders_v1.internal", 1, "orders_v1.internal:1"],
    ["http://localhost:65535", false, "localhost", 65_535, "localhost:65535"],
    ["http://xn--bcher-kva.test", false, "xn--bcher-kva.test", 80, "xn--bcher-kva.test"],
    ["http://3com.test", false, "3com.test", 80, "3com.test"],
  ] as const)("the target %s", (url, secure, host, port, authority) => {
    expect(upstreamOf({ targets: [url] }).targets).toEqual([{ url, secure, host, port, authority, weight: 1 }]);
    const weighted = upstreamOf({
      targets: [
        { url, weight: 3 },
        { url: "http://other", weight: 0 },
      ],
    }).targets;
    expect(weighted[0]).toEqual({ url, secure, host, port, authority, weight: 3 });
  });

  test("names of upstreams and routes that objects have by birth are names like any other", () => {
    const plan = planOf({
      upstreams: { constructor: { targets: ["http://a"] }, toString: { targets: ["http://b"] } },
      routes: { hasOwnProperty: { match: "/", to: "toString" }, prototype: { match: "/p", to: "constructor" } },
    });
    expect(plan.routes.map(({ name }) => name)).toEqual(["hasOwnProperty", "prototype"]);
    expect(plan.routes[0]!.destination).toMatchObject({ upstream: { targets: [{ host: "b" }] } });
    expect(Object.keys(plan.upstreams)).toEqual(["constructor", "toString"]);
  });
});
