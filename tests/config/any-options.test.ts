// Whatever stands in a config: the resolver answers, completely or with faults, and shows no secret.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { env } from "../../src/mod.ts";
import { resolvePlan } from "../../src/config/resolve.ts";
import { faultJson, formatFault } from "../../src/config/report.ts";
import type { Resolved } from "../../src/config/fault.ts";

/** For tests that read some hundreds of configs: the runner's own limit is short where the machine has other work. */
const LIMIT_MS = 30_000;

const SECRET = "hush-4f1c2d";

/** A config that uses every option, as parts to be spoilt. */
const whole = (): Record<string, unknown> => ({
  name: "edge",
  listen: {
    port: 1,
    host: "::",
    trustedProxies: ["::1"],
    maxTarget: "1KiB",
    maxHead: "1KiB",
    timeouts: { head: "1s", keepAlive: "1s", body: "1s", send: "1s" },
    halfClose: "ask",
    maxConnections: 1,
  },
  upstreams: {
    orders: {
      targets: ["https://a", { url: "https://b", weight: 2 }],
      balance: "round-robin",
      slowStart: "10s",
      ejection: { failures: 2, time: "1s", maxTime: "2s", maxShare: 0.1 },
      breaker: { errors: 0.1, slow: { over: "1s", share: 0.8 }, minimum: 1, window: "1m", open: "2s", probes: 7 },
      health: {
        path: "/healthz",
        interval: "2s",
        timeout: "1s",
        rise: 1,
        fall: 1,
        body: "ok",
        headers: { "X-A": "b" },
      },
      protocol: "http1",
      host: "client",
      timeouts: { connect: "1s", firstByte: "1s", idle: "1s" },
      keepAlive: { idle: "1s", maxIdle: 1, maxAge: "1s" },
      connections: { max: 1, wait: "1s", maxWaiting: 1 },
      maxHead: "1KiB",
      tls: { serverName: "a", verify: true },
    },
    other: { targets: ["http://c"], fallback: { to: "third", on: [503] } },
    third: { targets: ["http://d"], fallback: { answer: { status: 503, body: "x" } } },
  },
  routes: {
    a: {
      match: ["GET /a/:id", { path: "/b/:id", method: "GET", host: "a.test", headers: { a: "b" }, query: { c: "d" } }],
      to: "orders",
      use: [],
      headers: { request: { set: { a: "b" }, remove: ["c"] }, response: { set: { a: "b" } } },
      rewrite: { replace: "/c/:id" },
      timeouts: { connect: "1s" },
      upgrade: ["websocket"],
      log: true,
    },
    b: { match: "/c", answer: { status: 200, headers: { a: "b" }, body: "x" } },
    c: { match: "/d", redirect: { to: "/e", status: 301 } },
    d: { match: "/f", to: "orders", rewrite: { stripPrefix: "/f" } },
    e: {
      match: "/g",
      split: [
        { to: "orders", weight: 1 },
        { to: "other", when: { header: { a: "b" }, cookie: { c: true } } },
      ],
      splitBy: { header: "a" },
      mirror: [{ to: "third", share: 0.5, maxInFlight: 1, maxBody: "1KiB", timeout: "1s" }],
      faults: { delay: { by: "1s", share: 0.5 }, abort: { status: 503 }, when: { header: { a: true } } },
    },
  },
  log: {
    format: "json",
    to: [
      "stdout",
      { file: "a", rotate: { size: "1MiB", keep: 2 }, format: "json" },
      { syslog: "udp://a", facility: "user", app: "a", format: "ecs" },
    ],
    fields: { request: ["a"], response: ["b"], set: {}, remove: ["url.scheme"] },
    only: { status: ["4xx"], minDuration: "1s", retried: true },
    sample: [{ share: 0.5, status: 200, route: "a" }],
    redactQuery: ["a"],
  },
  admin: { port: 2, host: "::1", names: ["a"] },
  reload: { gate: "tests" },
  shutdown: { drainDelay: "1s", grace: "1s" },
});

/** Paths to every value in it, lists and objects included. */
function paths(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...path, key]))];
}

const PATHS = paths(whole()).filter((path) => path.length > 0);

/** The whole config with other values at these paths. */
function spoilt(changes: readonly (readonly [path: readonly string[], value: unknown])[]): unknown {
  const options = whole();
  for (const [path, value] of changes) {
    let part: unknown = options;
    for (const key of path.slice(0, -1)) part = Object(part)[key] as unknown;
    if (typeof part === "object" && part !== null && !Object.isFrozen(part)) {
      (part as Record<string, unknown>)[path.at(-1)!] = value;
    }
  }
  return options;
}

const world = { env: () => undefined, file: () => undefined };

/** Either a plan or faults that can be told. */
function answers(resolved: Resolved): void {
  if (resolved.plan !== undefined) return expect(resolved.faults).toEqual([]);
  expect(resolved.faults.length).toBeGreaterThan(0);
  for (const fault of resolved.faults) {
    expect(fault.wanted).not.toBe("");
    expect(formatFault(fault, { file: "f" })).not.toContain("\n");
  }
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "/a/:id",
    "GET /",
    "http://a:1",
    "[::1]:80",
    "1s",
    "1KiB",
    "*",
    "/*",
    ":id",
    "a\r\nb",
    "a@b",
    "%",
    "\ud800",
  ),
  fc.stringMatching(/^[a-zA-Z0-9:/?#@[\]*.%|{} -]{0,24}$/),
);
const junk = fc.oneof(text, fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<unknown>, fc.anything({ maxDepth: 2 }));

describe("resolvePlan", () => {
  test("takes the config that the others are made from", () => {
    expect(resolvePlan(whole(), world).faults).toEqual([]);
    expect(PATHS.length).toBeGreaterThan(90);
  });

  test(
    "never throws on anything",
    () => {
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue() as fc.Arbitrary<unknown>, fc.anything()), (options) =>
          answers(resolvePlan(options, world)),
        ),
      );
    },
    LIMIT_MS,
  );

  test(
    "never throws on a config of which parts are anything",
    () => {
      const change = fc.tuple(fc.constantFrom(...PATHS), junk);
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) =>
          answers(resolvePlan(spoilt(changes), world)),
        ),
        { numRuns: 1500, includeErrorInReport: true },
      );
    },
    LIMIT_MS,
  );

  test(
    "tells a wrong kind of value at its own path, wherever it stands",
    () => {
      for (const path of PATHS) {
        if (path[path.length - 1] === "body") continue;
        const { faults } = resolvePlan(spoilt([[path, -1.5]]), world);
        expect(faults.map((fault) => fault.path.join("."))).toContain(path.join("."));
      }
    },
    LIMIT_MS,
  );

  test(
    "tells a key too many in every object",
    () => {
      const open = /\.(set|headers|query|upstreams|routes)$|^(upstreams|routes)$/;
      for (const path of PATHS) {
        const owner = path.slice(0, -1);
        if (
          /^\d+$/.test(path.at(-1)!) ||
          open.test(owner.join(".")) ||
          (owner.at(-1) === "headers" && owner.includes("match"))
        )
          continue;
        const { faults } = resolvePlan(spoilt([[[...owner, "zzzz"], 1]]), world);
        expect(faults.map((fault) => fault.path.join("."))).toContain([...owner, "zzzz"].join("."));
      }
    },
    LIMIT_MS,
  );

  test(
    "shows no secret in any fault, wherever env() stands and whatever it gives",
    () => {
      const secrets = fc.constantFrom(
        SECRET,
        `http://${SECRET}/x`,
        `http://u:${SECRET}@a`,
        `a\n${SECRET}`,
        `${SECRET}:99999`,
        `-----BEGIN ${SECRET}`,
        `/${SECRET}*`,
        `ü${SECRET}`,
      );
      const reference = fc.constantFrom(env("A"), env("B", { default: SECRET }), env("C"));
      const where = fc.constantFrom(
        ...PATHS,
        ["upstreams", "orders", "tls", "key"],
        ["upstreams", "orders", "tls", "cert"],
        ["upstreams", "orders", "tls", "ca"],
      );
      const changes = fc.array(
        fc.tuple(
          where,
          fc.oneof(
            reference,
            reference.map((value) => `x${value}`),
          ),
        ),
        { minLength: 1, maxLength: 4 },
      );
      fc.assert(
        fc.property(changes, secrets, secrets, (at, one, other) => {
          const reader = {
            env: (name: string) => (name === "A" ? one : name === "C_FILE" ? "c" : undefined),
            file: (path: string) => (path === "c" ? other : undefined),
          };
          const { plan, faults } = resolvePlan(spoilt(at), reader);
          expect(JSON.stringify(plan?.routes ?? null)).not.toContain(SECRET);
          for (const fault of faults) {
            expect(formatFault(fault, { file: "f" }) + JSON.stringify(faultJson(fault, { file: "f" }))).not.toContain(
              SECRET,
            );
          }
        }),
        { numRuns: 1500 },
      );
    },
    LIMIT_MS,
  );

  test.each([
    [{ upstreams: { orders: { targets: [`http://u:${SECRET}@a`] } } }],
    [{ upstreams: { orders: { targets: [`http://u:${SECRET}/x@a`] } } }],
    [{ upstreams: { orders: { targets: [`u:${SECRET}@a`] } } }],
    [{ upstreams: { orders: { targets: [{ url: `http://a/?key=${SECRET}` }] } } }],
    [{ upstreams: { orders: { targets: ["http://a"], tls: { key: SECRET } } } }],
    [
      {
        upstreams: {
          orders: { targets: ["http://a"], tls: { cert: "-----BEGIN", key: `-----BEGIN PRIVATE KEY-----\n${SECRET}` } },
        },
      },
    ],
    [{ routes: { a: { match: "/", answer: {}, headers: { request: { set: { authorization: `${SECRET}\n` } } } } } }],
    [{ routes: { a: { match: "/", answer: {}, headers: { request: { set: SECRET } } } } }],
    [{ routes: { a: { match: "/", answer: { headers: { "set-cookie": `${SECRET}\n` } } } } }],
    [{ routes: { a: { match: "/", answer: { status: 204, body: SECRET } } } }],
    [{ routes: { a: { match: { path: "/", headers: { "x-key": `${SECRET}\n` } }, answer: {} } } }],
    [{ routes: { a: { match: { path: "/", query: SECRET }, answer: {} } } }],
    [{ routes: { a: { match: "/", redirect: { to: `https://u:${SECRET}@a/:x` } } } }],
    [{ routes: { a: { match: "/", redirect: { to: `a.test/?key=${SECRET}` } } } }],
    [{ routes: { a: { match: "/", redirect: { to: `https://a\\b/?key=${SECRET}` } } } }],
  ])("shows no credential that is written in the config itself: %j", (options) => {
    const { faults } = resolvePlan({ routes: { hello: { match: "/", answer: {} } }, ...options }, world);
    expect(faults.length).toBeGreaterThan(0);
    for (const fault of faults) expect(JSON.stringify(faultJson(fault, { file: "f" }))).not.toContain(SECRET);
  });
});
