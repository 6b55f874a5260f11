// Each kind of fault: found at its path, told in its words, and nothing beside it.
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { env } from "../../src/mod.ts";
import { faultLines, faults, HELLO, planOf, withListen, withRoute, withUpstream } from "./support.ts";

/** Options, the path of their only fault, words of its message. */
type Row = readonly [options: unknown, path: string, words: string];

function refuses(rows: readonly Row[]): void {
  test.each(
    rows.map(([options, path, words]) => [inspect(options, { breakLength: Infinity }), options, path, words] as const),
  )("%s", (_, options, path, words) => {
    const lines = faultLines(options);
    expect(lines).toHaveLength(1);
    expect(lines[0]!.split(": ")[0]!).toBe(path);
    expect(lines[0]).toContain(words);
  });
}

describe("a config that is no object of options", () => {
  const values = [undefined, null, 1, "text", [], () => ({}), new Date(), Symbol("x"), 1n, env("A")];
  test.each(values.map((value) => [value]))("%p", (options) => {
    expect(faults(options).map(({ path, wanted }) => [path, wanted])).toEqual([[[], "an object of options"]]);
  });
  test("an empty object lacks its routes", () => {
    expect(faultLines({})).toEqual(["routes: wanted an object of routes by name."]);
  });
});

describe("an unknown key", () => {
  refuses([
    [{ routes: { hello: HELLO }, listne: {} }, "listne", '"listne" is not an option. Options here: name, listen,'],
    [{ routes: { hello: HELLO }, upstream: {} }, "upstream", 'Did you mean "upstreams"?'],
    [withListen({ prt: 1 }), "listen.prt", 'Did you mean "port"?'],
    [withListen({ Port: 1 }), "listen.Port", 'Did you mean "port"?'],
    [withListen({ timeouts: { haed: "1s" } }), "listen.timeouts.haed", 'Did you mean "head"?'],
    [withUpstream({ balnce: 1 }), "upstreams.orders.balnce", 'Did you mean "balance"?'],
    [withUpstream({ timeouts: { conect: "1s" } }), "upstreams.orders.timeouts.conect", 'Did you mean "connect"?'],
    [withUpstream({ keepAlive: { idel: "1s" } }), "upstreams.orders.keepAlive.idel", 'Did you mean "idle"?'],
    [withUpstream({ connections: { mx: 1 } }), "upstreams.orders.connections.mx", 'Did you mean "max"?'],
    [withUpstream({ tls: { serverNam: "a" } }), "upstreams.orders.tls.serverNam", 'Did you mean "serverName"?'],
    [withUpstream({ targets: [{ url: "http://a", wieght: 1 }] }), "upstreams.orders.targets.0.wieght", '"weight"?'],
    [withRoute({ ...HELLO, mtach: "/" }), "routes.it.mtach", 'Did you mean "match"?'],
    [withRoute({ ...HELLO, match: { path: "/", metod: "GET" } }), "routes.it.match.metod", 'Did you mean "method"?'],
    [withRoute({ ...HELLO, headers: { requst: {} } }), "routes.it.headers.requst", 'Did you mean "request"?'],
    [withRoute({ ...HELLO, headers: { request: { sett: {} } } }), "routes.it.headers.request.sett", '"set"?'],
    [withRoute({ match: "/", answer: { stats: 200 } }), "routes.it.answer.stats", 'Did you mean "status"?'],
    [withRoute({ match: "/", redirect: { to: "/a", statu: 301 } }), "routes.it.redirect.statu", '"status"?'],
    [withRoute({ match: "/", to: "orders", timeouts: { idl: "1s" } }), "routes.it.timeouts.idl", '"idle"?'],
    [{ routes: { hello: HELLO }, log: { fromat: "json" } }, "log.fromat", 'Did you mean "format"?'],
    [{ routes: { hello: HELLO }, serverTimin: true }, "serverTimin", 'Did you mean "serverTiming"?'],
    [{ routes: { hello: HELLO }, shutdown: { grac: "1s" } }, "shutdown.grac", 'Did you mean "grace"?'],
    [{ routes: { hello: HELLO }, reload: { gat: "tests" } }, "reload.gat", 'Did you mean "gate"?'],
    [{ routes: { hello: HELLO }, ["x y\n"]: 1 }, String.raw`["x y\n"]`, String.raw`"x y\n" is not an option.`],
    [{ routes: { hello: HELLO }, completelyDifferent: 1 }, "completelyDifferent", "shutdown."],
    [JSON.parse('{"routes":{"hello":{"match":"/","answer":{}}},"__proto__":{"port":1}}'), "__proto__", "not an option"],
    [{ routes: { hello: HELLO }, constructor: 1 }, "constructor", "not an option"],
  ]);
  test("has no suggestion when nothing is near", () => {
    expect(faults({ routes: { hello: HELLO }, zzzzzzzz: 1 })[0]).not.toHaveProperty("nearest");
  });
});

describe("a name", () => {
  refuses([
    [{ routes: { "a b": HELLO } }, 'routes["a b"]', '"a b" is not a name.'],
    [{ routes: { "": HELLO } }, 'routes[""]', '"" is not a name.'],
    [{ routes: { _x: HELLO } }, "routes._x", "begins with a letter or digit"],
    [JSON.parse('{"routes":{"__proto__":{"match":"/","answer":{}}}}'), "routes.__proto__", "is not a name"],
    [{ routes: { ["x".repeat(65)]: HELLO } }, `routes.${"x".repeat(65)}`, "is not a name"],
    [
      { upstreams: { "a/b": { targets: ["http://a"] } }, routes: { hello: HELLO } },
      'upstreams["a/b"]',
      "is not a name",
    ],
    [{ routes: { hello: HELLO }, name: "1st" }, "name", '"1st" is not a name for Via'],
    [{ routes: { hello: HELLO }, name: "a b" }, "name", '"a b" is not a name for Via'],
    [{ routes: { hello: HELLO }, name: "x".repeat(65) }, "name", "is not a name for Via"],
    [{ routes: { hello: HELLO }, name: "" }, "name", '"" is not a name for Via'],
    [{ routes: { hello: HELLO }, name: 5 }, "name", "5 is not a name for Via"],
    [{ routes: {} }, "routes", "wanted at least one route"],
    [{ routes: [] }, "routes", "an empty list is not an object of routes by name"],
    [{ routes: [HELLO] }, "routes", "a list is not an object of routes by name"],
    [{ routes: { hello: HELLO }, upstreams: [] }, "upstreams", "is not an object of upstreams by name"],
    [{ routes: { hello: undefined } }, "routes.hello", "wanted an object of options"],
    [{ routes: { hello: "/x" } }, "routes.hello", '"/x" is not an object of options'],
  ]);
});

describe("a duration", () => {
  const head = (head: unknown): object => withListen({ timeouts: { head } });
  const HEAD = "listen.timeouts.head";
  refuses([
    [head("5x"), HEAD, '"5x" is not a duration such as "250ms", "30s" or "1.5h". Units are ms, s, m, h, d.'],
    [head("5"), HEAD, "Give the unit"],
    [head("5 s"), HEAD, 'Write "5s".'],
    [head("5S"), HEAD, 'Write "5s".'],
    [head("2 minutes"), HEAD, 'Write "2m".'],
    [head("10sec"), HEAD, 'Write "10s".'],
    [head(5), HEAD, '5 is not a duration such as "250ms", "30s" or "1.5h". Give the unit, such as "5s".'],
    [head(""), HEAD, '"" is not a duration'],
    [head("soon"), HEAD, '"soon" is not a duration'],
    [head("-5s"), HEAD, '"-5s" is not a duration'],
    [head(null), HEAD, "null is not a duration"],
    [head(["1s"]), HEAD, "a list is not a duration"],
    [head("0s"), HEAD, "a duration of at least 1ms"],
    [head("0.1ms"), HEAD, "a duration of at least 1ms"],
    [head("25d"), HEAD, "a duration of at most 24 days"],
    [head("2147483648ms"), HEAD, "a duration of at most 24 days"],
    [withListen({ timeouts: { keepAlive: "0s" } }), "listen.timeouts.keepAlive", "at least 1ms"],
    [withListen({ timeouts: { body: "0s" } }), "listen.timeouts.body", "at least 1ms"],
    [withListen({ timeouts: { send: "0s" } }), "listen.timeouts.send", "at least 1ms"],
    [withUpstream({ timeouts: { connect: "0s" } }), "upstreams.orders.timeouts.connect", "at least 1ms"],
    [withUpstream({ timeouts: { firstByte: "1" } }), "upstreams.orders.timeouts.firstByte", "Give the unit"],
    [withUpstream({ timeouts: { idle: "9w" } }), "upstreams.orders.timeouts.idle", "is not a duration"],
    [withUpstream({ keepAlive: { idle: "0s" } }), "upstreams.orders.keepAlive.idle", "at least 1ms"],
    [withUpstream({ keepAlive: { maxAge: "0s" } }), "upstreams.orders.keepAlive.maxAge", "at least 1ms"],
    [withUpstream({ connections: { wait: "x" } }), "upstreams.orders.connections.wait", "is not a duration"],
    [withRoute({ match: "/", to: "orders", timeouts: { idle: "0s" } }), "routes.it.timeouts.idle", "at least 1ms"],
    [{ routes: { hello: HELLO }, shutdown: { grace: "1y" } }, "shutdown.grace", "is not a duration"],
    [{ routes: { hello: HELLO }, shutdown: { drainDelay: "1y" } }, "shutdown.drainDelay", "is not a duration"],
    [{ routes: { hello: HELLO }, shutdown: { drainDelay: 5 } }, "shutdown.drainDelay", "Give the unit"],
    [{ routes: { hello: HELLO }, shutdown: { delay: "5s" } }, "shutdown.delay", "drainDelay, grace"],
  ]);
  test.each([
    ["nobody asks for readiness", {}, 0],
    ["a route answers it", { routes: { hello: HELLO, ready: { match: "/readyz", answer: "readiness" } } }, 5000],
    ["there is an admin listener", { admin: {} }, 5000],
    ["none is wanted", { admin: {}, shutdown: { drainDelay: "0s" } }, 0],
    ["one is wanted", { shutdown: { drainDelay: "3s" } }, 3000],
  ] as const)("the delay of a drain where %s", (_, more, delayMs) => {
    expect(planOf({ routes: { hello: HELLO }, ...more }).shutdown.delayMs).toBe(delayMs);
  });
  test.each(["2147483647ms", "24d"])("%s is the longest that is taken, and no grace is a grace", (grace) => {
    expect(planOf({ routes: { hello: HELLO }, shutdown: { grace } }).shutdown.graceMs).toBeGreaterThan(2e9);
    expect(planOf({ routes: { hello: HELLO }, shutdown: { grace: "0s" } }).shutdown.graceMs).toBe(0);
  });
});

describe("a size", () => {
  refuses([
    [withListen({ maxHead: "64" }), "listen.maxHead", "Give the unit"],
    [withListen({ maxHead: "64k" }), "listen.maxHead", 'Write "64KiB".'],
    [withListen({ maxHead: "64kib" }), "listen.maxHead", 'Write "64KiB".'],
    [withListen({ maxHead: "64 KiB" }), "listen.maxHead", 'Write "64KiB".'],
    [withListen({ maxHead: "64TiB" }), "listen.maxHead", "Units are B, KiB"],
    [withListen({ maxHead: 65536 }), "listen.maxHead", 'Give the unit, such as "65536B".'],
    [withListen({ maxHead: "0B" }), "listen.maxHead", "a size of at least 1B"],
    [withListen({ maxHead: "2GiB" }), "listen.maxHead", "a size of at most 1GiB"],
    [withListen({ maxTarget: {} }), "listen.maxTarget", "an object is not a size"],
    [withUpstream({ maxHead: "much" }), "upstreams.orders.maxHead", '"much" is not a size'],
  ]);
});

describe("the listener", () => {
  refuses([
    [withListen(8080), "listen", "8080 is not an object of options"],
    [withListen([]), "listen", "an empty list is not an object of options"],
    [withListen({ port: "8080" }), "listen.port", '"8080" is not a whole number from 0 to 65535'],
    [withListen({ port: -1 }), "listen.port", "-1 is not a whole number"],
    [withListen({ port: 65_536 }), "listen.port", "65536 is not a whole number"],
    [withListen({ port: 80.5 }), "listen.port", "80.5 is not a whole number"],
    [withListen({ port: NaN }), "listen.port", "NaN is not a whole number"],
    [withListen({ port: Infinity }), "listen.port", "Infinity is not a whole number"],
    [withListen({ host: "" }), "listen.host", '"" is not an address to bind'],
    [withListen({ host: "[::1]" }), "listen.host", "without brackets and port"],
    [withListen({ host: "127.0.0.1:80" }), "listen.host", "without brackets and port"],
    [withListen({ host: "http://a" }), "listen.host", "is not an address to bind"],
    [withListen({ host: "256.1.1.1" }), "listen.host", "is not an address to bind"],
    [withListen({ host: "127.1" }), "listen.host", "is not an address to bind"],
    [withListen({ host: env("HOST") }), "listen.host", 'env("HOST") is not an address to bind'],
    [withListen({ maxConnections: 0 }), "listen.maxConnections", "0 is not a whole number from 1"],
    [
      withListen({ halfClose: "anwser" }),
      "listen.halfClose",
      '"anwser" is not one of "ask", "answer", "leave". Did you mean "answer"?',
    ],
    [withListen({ halfClose: true }), "listen.halfClose", "true is not one of"],
    [{ routes: { hello: HELLO }, reload: { gate: "test" } }, "reload.gate", 'Did you mean "tests"?'],
    [{ routes: { hello: HELLO }, reload: { gate: true } }, "reload.gate", 'true is not one of "tests".'],
    [{ routes: { hello: HELLO }, reload: "tests" }, "reload", '"tests" is not an object of options'],
    [withListen({ trustedProxies: "10.0.0.0/8" }), "listen.trustedProxies", "is not a list of IP addresses"],
    ...[
      "10.0.0/8",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/-1",
      "::1/129",
      "fe80::1%eth0",
      "private",
      "",
      "10.0.0.1:80",
      "[::1]",
    ].map((range): Row => [
      withListen({ trustedProxies: ["::1", range] }),
      "listen.trustedProxies.1",
      "is not an IP address or a range",
    ]),
  ]);
});

describe("a target", () => {
  const target = (...targets: unknown[]): object => withUpstream({ targets });
  const AT = "upstreams.orders.targets.0";
  refuses([
    [target(), "upstreams.orders.targets", "an empty list is not a list of at least one target"],
    [withUpstream({ targets: "http://a" }), "upstreams.orders.targets", "is not a list of at least one target"],
    [withUpstream({ targets: Array(1) }), AT, "wanted the URL of a target"],
    [withUpstream({ targets: undefined }), "upstreams.orders.targets", "wanted a list of at least one target"],
    [target(null), AT, "null is not the URL of a target"],
    [target(9001), AT, "9001 is not the URL of a target"],
    [target(""), AT, "It begins with"],
    [target("127.0.0.1:9001"), AT, "It begins with"],
    [target("a.test"), AT, "It begins with"],
    [target("//a.test"), AT, "It begins with"],
    [target("http:/a.test"), AT, "It begins with"],
    [target(" http://a.test"), AT, "It begins with"],
    [target("ftp://a.test"), AT, 'The scheme is "http" or "https".'],
    [target("ws://a.test"), AT, "WebSocket passes through http targets"],
    [target("wss://a.test"), AT, "WebSocket passes through https targets"],
    [target("unix:///run/x"), AT, "The scheme is"],
    [target("http://a.test/x"), AT, "It holds a path, query or fragment"],
    [target("http://a.test//"), AT, "It holds a path, query or fragment"],
    [target("http://a.test?x"), AT, "It holds a path, query or fragment"],
    [target("http://a.test/?"), AT, "It holds a path, query or fragment"],
    [target("http://a.test#x"), AT, "It holds a path, query or fragment"],
    [target("http://u@a.test"), AT, "It holds user or password"],
    [target("http://"), AT, "It has no host."],
    [target("http://:80"), AT, "It has no host."],
    [target("http://a.test:"), AT, "from 1 to 65535"],
    [target("http://a.test:0"), AT, "from 1 to 65535"],
    [target("http://a.test:65536"), AT, "from 1 to 65535"],
    [target("http://a.test:080808"), AT, "from 1 to 65535"],
    [target("http://a.test:8o"), AT, "from 1 to 65535"],
    [target("http://a.test:-1"), AT, "from 1 to 65535"],
    [target("http://::1"), AT, "stands in brackets"],
    [target("http://::1:9001"), AT, "stands in brackets"],
    [target("http://[::1"), AT, "stands in brackets"],
    [target("http://[::1]x"), AT, "stands in brackets"],
    [target("http://[127.0.0.1]"), AT, "not an IPv6 address"],
    [target("http://[::g]"), AT, "not an IPv6 address"],
    [target("http://[fe80::1%25eth0]"), AT, "has a zone"],
    [target("http://a b"), AT, "neither a name nor an IP address"],
    [target("http://a\\b"), AT, "neither a name nor an IP address"],
    [target("http://256.1.1.1"), AT, "neither a name nor an IP address"],
    [target("http://127.1"), AT, "neither a name nor an IP address"],
    [target("http://0x7f000001"), AT, "neither a name nor an IP address"],
    [target("http://2130706433"), AT, "neither a name nor an IP address"],
    [target("http://-a.test"), AT, "neither a name nor an IP address"],
    [target("http://a..test"), AT, "neither a name nor an IP address"],
    [target(`http://${"a".repeat(64)}.test`), AT, "neither a name nor an IP address"],
    [target("http://*.test"), AT, "neither a name nor an IP address"],
    [target("http://a.test."), AT, 'The host ends in "."'],
    [target("http://bücher.test"), AT, "in ASCII"],
    [target("http://a.test\r\nx"), AT, "is not the URL of a target"],
    [target({ url: "http://a.test/x" }), `${AT}.url`, "It holds a path"],
    [target({ weight: 1 }), `${AT}.url`, "wanted the URL of a target"],
    [target({ url: "http://a", weight: -1 }), `${AT}.weight`, "-1 is not a whole number"],
    [target({ url: "http://a", weight: 0.5 }), `${AT}.weight`, "0.5 is not a whole number"],
    [target({ url: "http://a", weight: "2" }), `${AT}.weight`, '"2" is not a whole number'],
    [target({ url: "http://a", weight: 0 }), "upstreams.orders.targets", "wanted a target of weight above 0"],
    [
      target({ url: "http://a", weight: 0 }, { url: "http://b", weight: 0 }),
      "upstreams.orders.targets",
      "weight above 0",
    ],
    [target("http://a", "http://A:80/"), "upstreams.orders.targets.1", "It is targets.0 again"],
    [
      target("http://b", "http://[::1]", { url: "http://[0::1]:80" }),
      "upstreams.orders.targets.2.url",
      "targets.1 again",
    ],
    [target(env("NO_SUCH")), AT, "wanted a value for NO_SUCH"],
  ]);
  test("under protocol h2 is https, each that is not is told", () => {
    const options = withUpstream({
      protocol: "h2",
      targets: ["http://a", "https://b", { url: "http://c" }, "nonsense"],
    });
    expect(faults(options).map(({ path }) => path.slice(3).join("."))).toEqual(["3", "0", "2.url"]);
    expect(faultLines(options)[1]).toContain('wanted an https target, as protocol "h2" needs');
  });
  test("under protocol h2c is http, each that is not is told", () => {
    const options = withUpstream({ protocol: "h2c", targets: ["https://a", "http://b"] });
    expect(faultLines(options)).toEqual([
      'upstreams.orders.targets.0: wanted an http target, as protocol "h2c" needs. HTTP/2 over TLS is "h2".',
    ]);
  });
});

describe("an upstream", () => {
  const CERT = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
  const KEY = "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----";
  const ENCRYPTED = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----";
  const OLD = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIB\n-----END RSA PRIVATE KEY-----";
  const tls = (tls: unknown): object => withUpstream({ tls });
  const AT = "upstreams.orders.tls";
  refuses([
    [withUpstream({ balance: "least-bussy" }), "upstreams.orders.balance", 'Did you mean "least-busy"?'],
    [
      withUpstream({ balance: "hazard" }),
      "upstreams.orders.balance",
      '"hazard" is not one of "round-robin", "random",',
    ],
    [withUpstream({ slowStart: "500ms" }), "upstreams.orders.slowStart", "is not a duration of at least 1s"],
    [withUpstream({ slowStart: "2d" }), "upstreams.orders.slowStart", "is not a duration of at most 1d"],
    [withUpstream({ slowStart: 10 }), "upstreams.orders.slowStart", 'such as "10s"'],
    [withUpstream({ slowStart: "9s", balance: "first" }), "upstreams.orders.slowStart", "there are no shares"],
    [withUpstream({ breaker: true }), "upstreams.orders.breaker", "an object of options"],
    [withUpstream({ breaker: { errors: 50 } }), "upstreams.orders.breaker.errors", "a share from 0 to 1"],
    [withUpstream({ breaker: { slow: {} } }), "upstreams.orders.breaker.slow.over", "a duration such as"],
    [withUpstream({ breaker: { slow: { over: "1s", share: -1 } } }), "upstreams.orders.breaker.slow.share", "a share"],
    [withUpstream({ breaker: { minimum: 0 } }), "upstreams.orders.breaker.minimum", "a whole number from 1"],
    [withUpstream({ breaker: { window: "2h" } }), "upstreams.orders.breaker.window", "at most 1h"],
    [withUpstream({ breaker: { open: "1ms" } }), "upstreams.orders.breaker.open", "at least 100ms"],
    [withUpstream({ breaker: { probes: 0 } }), "upstreams.orders.breaker.probes", "a whole number from 1 to 1000"],
    [withUpstream({ breaker: { eror: 1 } }), "upstreams.orders.breaker.eror", 'Did you mean "errors"?'],
    [withUpstream({ health: {} }), "upstreams.orders.health.path", 'a path such as "/healthz"'],
    [withUpstream({ health: true }), "upstreams.orders.health", "an object of options"],
    [withUpstream({ health: { path: "healthz" } }), "upstreams.orders.health.path", 'a path such as "/healthz"'],
    [withUpstream({ health: { path: "/a b" } }), "upstreams.orders.health.path", 'a path such as "/healthz"'],
    [withUpstream({ health: { path: "/a#b" } }), "upstreams.orders.health.path", 'a path such as "/healthz"'],
    [withUpstream({ health: { path: "/", tcp: true } }), "upstreams.orders.health.path", '"path" is not an option'],
    [withUpstream({ health: { tcp: false } }), "upstreams.orders.health.tcp", "false is not true"],
    [withUpstream({ health: { path: "/", interval: "1ms" } }), "upstreams.orders.health.interval", "at least 100ms"],
    [withUpstream({ health: { path: "/", timeout: "4s" } }), "upstreams.orders.health.timeout", "at most `interval`"],
    [withUpstream({ health: { path: "/", rise: 0 } }), "upstreams.orders.health.rise", "from 1 to 100"],
    [withUpstream({ health: { path: "/", fall: 1.5 } }), "upstreams.orders.health.fall", "from 1 to 100"],
    [withUpstream({ health: { path: "/", jitter: 2 } }), "upstreams.orders.health.jitter", "a share from 0 to 1"],
    [withUpstream({ health: { path: "/", panic: "50%" } }), "upstreams.orders.health.panic", "a share from 0 to 1"],
    [withUpstream({ health: { path: "/", start: "on" } }), "upstreams.orders.health.start", '"up", "down"'],
    [withUpstream({ health: { path: "/", status: 99 } }), "upstreams.orders.health.status", "a status such as 404"],
    [withUpstream({ health: { path: "/", status: [] } }), "upstreams.orders.health.status", "a list of statuses"],
    [withUpstream({ health: { path: "/", method: "get" } }), "upstreams.orders.health.method", 'Did you mean "GET"?'],
    [withUpstream({ health: { path: "/", body: "" } }), "upstreams.orders.health.body", "a text that is not empty"],
    [withUpstream({ health: { path: "/", method: "HEAD", body: "ok" } }), "upstreams.orders.health.body", "to HEAD"],
    [withUpstream({ health: { path: "/", headers: { Host: "a" } } }), "upstreams.orders.health.headers.Host", "`host`"],
    [withUpstream({ health: { path: "/", host: "a b" } }), "upstreams.orders.health.host", "a host"],
    [withUpstream({ ejection: true }), "upstreams.orders.ejection", "true is not false or an object of options"],
    [withUpstream({ ejection: { failures: 0 } }), "upstreams.orders.ejection.failures", "from 1 to 1000"],
    [withUpstream({ ejection: { time: 30 } }), "upstreams.orders.ejection.time", 'such as "30s"'],
    [withUpstream({ ejection: { time: "10m" } }), "upstreams.orders.ejection.time", "at most `maxTime`"],
    [withUpstream({ ejection: { maxTime: "1ms" } }), "upstreams.orders.ejection.maxTime", "at least 100ms"],
    [withUpstream({ ejection: { maxShare: 50 } }), "upstreams.orders.ejection.maxShare", "a share from 0 to 1"],
    [withUpstream({ ejection: { tiem: "1s" } }), "upstreams.orders.ejection.tiem", 'Did you mean "time"?'],
    [withUpstream({ protocol: "http2" }), "upstreams.orders.protocol", 'Did you mean "http1"?'],
    ...["", "a b", "http://a", "a.test/x", "a:b", "a:99999", "::1", "[a]", "a,b", "a\r\nx: y"].map((host): Row => [
      withUpstream({ host }),
      "upstreams.orders.host",
      'is not "upstream", "client" or a host',
    ]),
    [withUpstream({ host: 1 }), "upstreams.orders.host", "1 is not"],
    [
      withUpstream({ keepAlive: { maxIdle: -1 } }),
      "upstreams.orders.keepAlive.maxIdle",
      "-1 is not a whole number from 0",
    ],
    [withUpstream({ connections: { max: 0 } }), "upstreams.orders.connections.max", "0 is not a whole number from 1"],
    [withUpstream({ connections: { maxWaiting: 1.5 } }), "upstreams.orders.connections.maxWaiting", "1.5 is not"],
    [tls({ cert: CERT }), AT, "wanted a key beside cert"],
    [tls({ key: KEY }), AT, "wanted a cert beside key"],
    [
      tls({ ca: "absent.pem" }),
      `${AT}.ca`,
      '"absent.pem" is not the path of a PEM file with a certificate, or its text.',
    ],
    [tls({ cert: "absent.pem", key: KEY }), `${AT}.cert`, "No such file can be read."],
    [
      tls({ cert: CERT, key: "absent.key" }),
      `${AT}.key`,
      '"absent.key" is not the path of a PEM file with a private key',
    ],
    [tls({ ca: "" }), `${AT}.ca`, "No such file"],
    [tls({ ca: KEY }), `${AT}.ca`, "It holds a private key and no certificate."],
    [tls({ cert: KEY, key: KEY }), `${AT}.cert`, "a PEM text is not"],
    [tls({ cert: CERT, key: CERT }), `${AT}.key`, "It holds a certificate and no private key."],
    [tls({ cert: CERT, key: ENCRYPTED }), `${AT}.key`, "without a passphrase"],
    [tls({ cert: CERT, key: OLD }), `${AT}.key`, "without a passphrase"],
    [tls({ ca: "-----BEGIN CERTIFICATE-----" }), `${AT}.ca`, "It holds no certificate in PEM."],
    [tls({ ca: 1 }), `${AT}.ca`, "is not the path of a PEM file"],
    [tls({ serverName: "a.test:443" }), `${AT}.serverName`, "is not a host name or IP address"],
    [tls({ serverName: "*.a.test" }), `${AT}.serverName`, "is not a host name or IP address"],
    [tls({ serverName: "a.test." }), `${AT}.serverName`, "is not a host name or IP address"],
    [tls({ verify: "false" }), `${AT}.verify`, '"false" is not true or false'],
    [tls(true), AT, "true is not an object of options"],
  ]);
});

const withLog = (log: object): object => ({ routes: { hello: HELLO }, log });

describe("the log", () => {
  refuses([
    [{ routes: { hello: HELLO }, log: "json" }, "log", '"json" is not an object of options'],
    [{ routes: { hello: HELLO }, log: { format: "jsno" } }, "log.format", 'Did you mean "json"?'],
    [{ routes: { hello: HELLO }, log: { redactQuery: "pin" } }, "log.redactQuery", "is not a list of names"],
    [
      { routes: { hello: HELLO }, log: { redactQuery: [""] } },
      "log.redactQuery.0",
      "is not the name of a query parameter",
    ],
    [withLog({ fields: { request: ["a b"] } }), "log.fields.request.0", 'A name has letters, digits and "-"'],
    [withLog({ fields: { response: "x" } }), "log.fields.response", "is not a list of field names"],
    [withLog({ fields: { remove: ["url.shceme"] } }), "log.fields.remove.0", 'Did you mean "url.scheme"?'],
    [withLog({ fields: { set: { "url.path": "x" } } }), 'log.fields.set["url.path"]', "writes this member itself"],
    [withLog({ fields: { set: { a: {} } } }), "log.fields.set.a", "is not a text, a number, true or false"],
    [withLog({ fields: { add: [] } }), "log.fields.add", "Options here: request, response, set, remove."],
    [withLog({ only: {} }), "log.only", "Without `only` all are written"],
    [withLog({ only: { status: "6xx" } }), "log.only.status", 'is not a status such as 404, or a class such as "4xx"'],
    [withLog({ only: { minDuration: 250 } }), "log.only.minDuration", 'Give the unit, such as "250s"'],
    [withLog({ only: { retried: false } }), "log.only.retried", "is not true"],
    [withLog({ sample: [{ status: "2xx" }] }), "log.sample.0.share", "wanted a share from 0 to 1"],
    [withLog({ sample: { share: 10 } }), "log.sample.share", "is not a share from 0 to 1"],
    [withLog({ sample: { share: 0.1, route: "helo" } }), "log.sample.route", 'Did you mean "hello"?'],
    [{ routes: { it: { ...HELLO, log: true } }, log: false }, "routes.it.log", "The access log is off for all"],
    [withRoute({ ...HELLO, log: "no" }), "routes.it.log", "is not true or false"],
    [{ routes: { hello: HELLO }, serverTiming: "yes" }, "serverTiming", '"yes" is not true or false'],
    [{ routes: { hello: HELLO }, logLevel: "warning" }, "logLevel", 'Did you mean "warn"?'],
    [{ routes: { hello: HELLO }, logLevel: 3 }, "logLevel", '3 is not one of "error", "warn", "info", "debug"'],
  ]);
});

test("all faults of a config are told at once, in each part and between the parts", () => {
  const lines = faultLines({
    nmae: "x",
    listen: { port: -1, timeouts: { head: "x", body: 1 } },
    upstreams: { a: { targets: ["nonsense", "http://b", "http://b"], tls: { cert: "x.pem" } }, b: {} },
    routes: { r: { match: ["/x/:id", "y"], to: "c", rewrite: { replace: "/:ib" } }, s: {} },
    log: { format: 1 },
  });
  expect(lines.map((line) => line.split(": ")[0]!).toSorted()).toEqual(
    [
      ...["nmae", "listen.port", "listen.timeouts.head", "listen.timeouts.body", "log.format"],
      ...[
        "upstreams.a.targets.0",
        "upstreams.a.targets.2",
        "upstreams.a.tls.cert",
        "upstreams.a.tls",
        "upstreams.b.targets",
      ],
      ...["routes.r.match.1", "routes.r.to", "routes.r.rewrite.replace", "routes.s.match", "routes.s"],
    ].toSorted(),
  );
});
