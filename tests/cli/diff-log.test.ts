// `sluice diff --log`: what two configs make of logged requests, by the stages that serve; and never a guess.
import { afterAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { comparisonOf, type Difference } from "../../src/cli/diff/compare.ts";
import { readRequest } from "../../src/cli/diff/logged-request.ts";
import { SILENT } from "../../src/cli/explain/rehearsal.ts";
import type { Plan } from "../../src/config/plan.ts";
import { apiKey, basic, jwt } from "../../src/mod.ts";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { planOf } from "../config/support.ts";

const edge = bunPlatform({ lines: SILENT });
const hash = (key: string): string => `sha256:${new Bun.CryptoHasher("sha256").update(key).digest("hex")}`;
const TOKEN = jwt({ issuer: "https://id.test", audience: "up" });

/** Routes beside upstreams, consumers and schemes. */
function config(routes: object, more: object = {}): Plan {
  return planOf({
    upstreams: { one: { targets: ["http://127.0.0.1:1"] }, two: { targets: ["http://127.0.0.1:2"] } },
    consumers: { acme: { keys: [hash("a")], groups: ["partner"] }, beta: { keys: [hash("b"), hash("b2")] } },
    auth: { key: apiKey(), token: TOKEN },
    routes,
    ...more,
  });
}

const NONE = { auth: "none" };
const ONE = { match: "/a/:id", to: "one", ...NONE };

/** A line of the form json. */
const line = (more: object = {}): string =>
  JSON.stringify({
    time: "2026-01-01T00:00:00.000Z",
    request_id: "id",
    "http.request.method": "GET",
    "url.path": "/a/1",
    "url.scheme": "http",
    "server.address": "gw.test",
    "http.response.status_code": 200,
    "client.address": "203.0.113.7",
    duration: 0.1,
    ...more,
  });

async function compared(before: Plan, after: Plan, text: string): Promise<Difference | undefined> {
  const comparison = comparisonOf(before, after, edge);
  try {
    const request = readRequest(text);
    if (typeof request !== "object") throw new Error(`no request: ${text}`);
    return await comparison.compare(request);
  } finally {
    comparison.close();
  }
}

/** What changes, as "verdict: passes → 404", and why it cannot be told. */
async function told(before: Plan, after: Plan, more: object = {}): Promise<string[]> {
  const { changes = [], doubts = [] } = (await compared(before, after, line(more))) ?? {};
  return [
    ...changes.map((each) => `${each.what}: ${each.before} → ${each.after}`),
    ...doubts.map((doubt) => `? ${doubt}`),
  ];
}

const acme = { "sluice.route": "r", "sluice.auth.scheme": "key", "sluice.consumer": "acme" };
const beta = { ...acme, "sluice.consumer": "beta" };
const when = (header: object): object => ({ when: { header } });

const cases: readonly (readonly [promise: string, before: Plan, after: Plan, more: object, told: string[]])[] = [
  ["another upstream", config({ r: ONE }), config({ r: { ...ONE, to: "two" } }), {}, ["leadsTo: one → two"]],
  ["another route", config({ r: ONE }), config({ q: ONE }), {}, ["route: r → q"]],
  [
    "a route that is gone",
    config({ r: ONE }),
    config({ q: { ...ONE, match: "/b" } }),
    {},
    ["route: r → none", "verdict: passes → 404 route_not_found"],
  ],
  [
    "a route that comes",
    config({ q: { ...ONE, match: "/b" } }),
    config({ r: ONE, q: { ...ONE, match: "/b" } }),
    {},
    ["route: none → r", "verdict: 404 route_not_found → passes", "leadsTo:  → one"],
  ],
  [
    "a method that no route takes any more",
    config({ r: ONE }),
    config({ r: { ...ONE, match: "POST /a/:id" } }),
    {},
    ["route: r → none", "verdict: passes → 405 method_not_allowed"],
  ],
  [
    "a host",
    config({ r: ONE }),
    config({ r: ONE, h: { match: { path: "/a/*", host: "gw.test" }, to: "one", ...NONE } }),
    {},
    ["route: r → h"],
  ],
  [
    "a rewrite",
    config({ r: ONE }),
    config({ r: { ...ONE, rewrite: { replace: "/b/:id" } } }),
    {},
    ["path: as it came → as /b/:id"],
  ],
  [
    "a rewrite that comes to the same",
    config({ r: ONE }),
    config({ r: { ...ONE, rewrite: { replace: "/a/:id" } } }),
    {},
    [],
  ],
  [
    "a redirect",
    config({ r: { match: "/a/*", redirect: { to: "/b/*" }, ...NONE } }),
    config({ r: { match: "/a/*", redirect: { to: "/c/*" }, ...NONE } }),
    {},
    ["leadsTo: redirect 308 /b/* → redirect 308 /c/*"],
  ],
  [
    "a fixed answer of the same status",
    config({ r: { match: "/a/*", answer: { body: "x" }, ...NONE } }),
    config({ r: { match: "/a/*", answer: { body: "y" }, ...NONE } }),
    {},
    ["leadsTo: answer 200 → answer 200 (another)"],
  ],
  [
    "a bound of content",
    config({ r: ONE }),
    config({ r: { ...ONE, maxBody: "10B" } }),
    { "http.request.body.size": 11 },
    ["verdict: passes → 413 content_too_large"],
  ],
  [
    "content within a bound",
    config({ r: ONE }),
    config({ r: { ...ONE, maxBody: "10B" } }),
    { "http.request.body.size": 10 },
    [],
  ],
  [
    "an address that may not call",
    config({ r: ONE }),
    config({ r: { ...ONE, allow: { addresses: ["10.0.0.0/8"] } } }),
    {},
    ["verdict: passes → 403 access_denied (allow.addresses)"],
  ],
  [
    "a consumer that may not call",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key", allow: { groups: ["partner"] } } }),
    beta,
    ["verdict: passes as beta → 403 access_denied (allow.groups)"],
  ],
  [
    "a consumer that may",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key", allow: { groups: ["partner"] } } }),
    acme,
    [],
  ],
  [
    "a rule that only observes",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key", allow: { groups: ["partner"], mode: "observe" } } }),
    beta,
    ["verdict: passes as beta → passes as beta; allow would refuse: access_denied"],
  ],
  [
    "a route that opens",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: ONE }),
    acme,
    ["verdict: passes as acme → passes"],
  ],
  [
    "a route that asks for credentials of which the log tells nothing",
    config({ r: ONE }),
    config({ r: { ...ONE, auth: "key" } }),
    { "sluice.route": "r" },
    ["verdict: passes → asks for key", "? the log tells of no credentials"],
  ],
  [
    "a route that asks for credentials of another scheme",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "token" } }),
    acme,
    ["verdict: passes as acme → asks for token", "? it was known by key, which the route does not ask"],
  ],
  [
    "one scheme more",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: ["token", "key"] } }),
    acme,
    [],
  ],
  [
    "a scheme that is another",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key" } }, { auth: { key: apiKey({ header: "x-key" }), token: TOKEN } }),
    acme,
    ["verdict: passes as acme → asks for key", "? auth.key is another"],
  ],
  [
    "a consumer that is gone",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key" } }, { consumers: { beta: { keys: [hash("b")] } } }),
    acme,
    ["verdict: passes as acme → asks for key", "? there is no consumer acme"],
  ],
  [
    "a consumer with a key less",
    config({ r: { ...ONE, auth: "key" } }),
    config({ r: { ...ONE, auth: "key" } }, { consumers: { beta: { keys: [hash("b")] } } }),
    beta,
    ["verdict: passes as beta → asks for key", "? consumer beta lacks credentials that it had"],
  ],
  [
    "a consumer with a key more",
    config({ r: { ...ONE, auth: "key" } }),
    config(
      { r: { ...ONE, auth: "key" } },
      { consumers: { acme: { keys: [hash("a"), hash("c")], groups: ["partner"] } } },
    ),
    acme,
    [],
  ],
  [
    "scopes, which no log tells",
    config({ r: { ...ONE, auth: "token" } }),
    config({ r: { ...ONE, auth: "token", allow: { scope: "read" } } }),
    { "sluice.route": "r", "sluice.auth.scheme": "token" },
    ["verdict: passes as a caller of token → passes as a caller of token, if allowed by scope read"],
  ],
  [
    "shares by lot",
    config({
      r: {
        match: "/a/*",
        split: [
          { to: "one", weight: 9 },
          { to: "two", weight: 1 },
        ],
        ...NONE,
      },
    }),
    config({
      r: {
        match: "/a/*",
        split: [
          { to: "one", weight: 1 },
          { to: "two", weight: 1 },
        ],
        ...NONE,
      },
    }),
    { "sluice.upstream": "one" },
    ["leadsTo: 9 one, 1 two → 1 one, 1 two"],
  ],
  [
    "shares by address: only those whose place moves",
    config({
      r: {
        match: "/a/*",
        split: [
          { to: "one", weight: 1000 },
          { to: "two", weight: 1 },
        ],
        splitBy: "address",
        ...NONE,
      },
    }),
    config({
      r: {
        match: "/a/*",
        split: [
          { to: "one", weight: 1 },
          { to: "two", weight: 1000 },
        ],
        splitBy: "address",
        ...NONE,
      },
    }),
    { "sluice.upstream": "one" },
    ["leadsTo: one → two"],
  ],
  [
    "a branch for a consumer",
    config({ r: { ...ONE, auth: "key" } }),
    config({
      r: {
        match: "/a/*",
        auth: "key",
        split: [
          { to: "one", weight: 1 },
          { to: "two", when: { consumer: "acme" } },
        ],
      },
    }),
    acme,
    ["leadsTo: one → two"],
  ],
  [
    "a preflight that nobody answers any more",
    config({ r: { ...ONE, match: "GET /a/:id", cors: { origins: ["*"] } } }),
    config({ r: { ...ONE, match: "GET /a/:id" } }),
    { "http.request.method": "OPTIONS", "sluice.route": "r" },
    ["route: r → none", "verdict: preflight answered → 405 method_not_allowed"],
  ],
];

describe("what changes for a logged request", () => {
  test.each(cases)("%s", async (_, before, after, more, expected) => {
    expect(await told(before, after, more)).toEqual(expected);
  });
});

describe("fields that the log does not tell", () => {
  const versions = (to: string): Plan =>
    config({
      plain: { match: "/a/*", to: "one", ...NONE },
      second: { match: { path: "/a/*", headers: { "x-version": "2" } }, to, ...NONE },
    });

  test("where the route is logged, it tells", async () => {
    expect(await told(versions("one"), versions("two"), { "sluice.route": "second" })).toEqual(["leadsTo: one → two"]);
    expect(await told(versions("one"), versions("two"), { "sluice.route": "plain" })).toEqual([]);
  });

  test("where it is not, that is said", async () => {
    expect(await told(versions("one"), versions("two"))).toEqual([
      "leadsTo: one → two",
      "? the log does not tell x-version",
    ]);
  });

  test("where the field is logged, it tells", async () => {
    expect(await told(versions("one"), versions("two"), { "http.request.header.x-version": ["2"] })).toEqual([
      "leadsTo: one → two",
    ]);
    expect(await told(versions("one"), versions("two"), { "http.request.header.x-version": ["1"] })).toEqual([]);
  });

  test("where the old config logs the field, and the line has none, it did not come", async () => {
    const before = { ...versions("one"), log: config({ r: ONE }, { log: { fields: { request: ["x-version"] } } }).log };
    expect(await told(before, versions("two"))).toEqual([]);
  });

  test("branches by cookie and field go by the upstream that is logged", async () => {
    const split = (to: object): Plan =>
      config({ r: { match: "/a/*", split: [{ to: "one", weight: 1 }, to], ...NONE } });
    const before = split({ to: "two", when: { cookie: { beta: true } } });
    const after = split({ to: "two", ...when({ "x-beta": "1" }) });
    expect(await told(before, after, { "sluice.route": "r", "sluice.upstream": "one" })).toEqual([
      "leadsTo: one → two",
      "? the log does not tell cookie beta",
      "? the log does not tell x-beta",
    ]);
  });

  test("a parameter whose value is masked", async () => {
    const by = (to: string): Plan =>
      config({
        plain: { match: "/a/*", to: "one", ...NONE },
        code: { match: { path: "/a/*", query: { code: "7" } }, to, ...NONE },
      });
    expect(await told(by("one"), by("two"), { "url.query": "code=REDACTED" })).toEqual([
      "leadsTo: one → two",
      "? the log does not tell ?code",
    ]);
    expect(await told(by("one"), by("two"), { "url.query": "code=8" })).toEqual([]);
  });

  test("more than can be tried are not guessed", async () => {
    const routes = Object.fromEntries(
      Array.from({ length: 70 }, (_, i) => [
        `r${i}`,
        { match: { path: "/a/*", headers: { "x-v": String(i) } }, to: "one", ...NONE },
      ]),
    );
    expect(await told(config(routes), config(routes))).toEqual(["? its routes ask for more than the log tells"]);
  });
});

test("the forms of a line tell the same", async () => {
  const [before, after] = [config({ r: ONE }), config({ r: { ...ONE, allow: { addresses: ["10.0.0.0/8"] } } })];
  const ecs = {
    ...{
      "@timestamp": "2026-01-01T00:00:00.000Z",
      "event.duration": 1e6,
      "http.request.method": "GET",
      "url.path": "/a/1",
    },
    ...{ "url.domain": "gw.test", "url.scheme": "http", "client.ip": "203.0.113.7" },
  };
  const caddy = {
    ...{ ts: 1_767_225_600, duration: 0.1, status: 200 },
    request: {
      client_ip: "203.0.113.7",
      method: "GET",
      host: "gw.test:80",
      uri: "/a/1",
      headers: { "User-Agent": ["x"] },
    },
  };
  const expected = await compared(before, after, line());
  expect(expected?.changes).toHaveLength(1);
  for (const form of [ecs, caddy]) expect(await compared(before, after, JSON.stringify(form))).toEqual(expected!);
});

describe("a config differs from itself by nothing", () => {
  const everything = (): Plan =>
    config(
      {
        r: {
          ...ONE,
          auth: ["key", "token"],
          allow: { any: [{ groups: ["partner"] }, { scope: "a" }], when: () => true },
        },
        s: { match: { path: "/a/:id/*", headers: { "x-v": "1" } }, to: "two", ...NONE, rewrite: { replace: "/:id" } },
        b: { match: "/b/*", auth: "basic", to: "one", cors: { origins: ["https://a.test"] }, maxBody: "1KiB" },
        h: { match: "POST /h", handler: () => new Response("h"), ...NONE },
        lot: {
          match: "/lot",
          split: [
            { to: "one", weight: 1 },
            { to: "two", weight: 2, when: { cookie: { c: true } } },
          ],
          ...NONE,
        },
        by: {
          match: "/by",
          split: [
            { to: "one", weight: 1 },
            { to: "two", weight: 2 },
          ],
          splitBy: { header: "x-u" },
          ...NONE,
        },
        go: { match: { path: "/go/*", query: { code: "1" } }, redirect: { to: "/b/*" }, ...NONE },
      },
      { auth: { key: apiKey(), token: TOKEN, basic: basic({ mode: "observe" }) } },
    );
  const comparison = comparisonOf(everything(), everything(), edge);
  afterAll(() => comparison.close());

  const some = <T>(...values: T[]): fc.Arbitrary<T | undefined> => fc.constantFrom(undefined, ...values);
  const members = fc.record({
    "http.request.method": fc.oneof(fc.constantFrom("GET", "POST", "OPTIONS", "HEAD", "TRACE"), fc.string()),
    "url.path": fc.oneof(
      fc.constantFrom("/a/1", "/a/1/2", "/b/x", "/h", "/lot", "/by", "/go/1", "/.well-known/jwks.json", "*"),
      fc.webPath(),
      fc.string(),
    ),
    "url.query": fc.oneof(some("code=REDACTED", "code=1&code=REDACTED", "x"), fc.string()),
    "server.address": fc.oneof(some("gw.test", "::1"), fc.string()),
    "client.address": fc.oneof(some("10.0.0.1", "2001:db8::1"), fc.string()),
    "url.scheme": some("http", "https"),
    "sluice.route": some("r", "s", "b", "gone"),
    "sluice.upstream": some("one", "two", "gone"),
    "sluice.auth.scheme": some("key", "token", "basic", "gone"),
    "sluice.consumer": some("acme", "beta", "gone"),
    "http.request.body.size": some(0, 10_000),
    "http.request.header.x-v": some(["1"], ["2", "1"]),
    "http.request.header.cookie": some(["REDACTED"]),
  });

  test("whatever the log", async () => {
    await fc.assert(
      fc.asyncProperty(members, async (more) => {
        const request = readRequest(line(more));
        if (typeof request !== "object") return;
        expect(await comparison.compare(request)).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });
});

test.each([
  ["not JSON", "GET / 200"],
  ["no line of an access log", '{"msg":"started"}'],
  ["a list", "[1]"],
])("a line that is %s is none", (_, text) => {
  expect(readRequest(text)).toBeUndefined();
});

test("a target that was cut is told apart, and so is a request of which no head came", () => {
  expect(readRequest(line({ "http.request.method": "" }))).toBe("headless");
  expect(readRequest(line({ "url.path": `/${"a".repeat(2047)}\u2026` }))).toBe("cut");
});
