// Limits as users write them: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { faultLines, planOf } from "../support.ts";

const routes = { r: { match: "/", answer: {} } };

test("a limit has the documented defaults", () => {
  const plan = planOf({ limits: { few: { limit: 3, window: "1m" } }, routes });
  expect(plan.limits).toEqual({
    fields: "draft",
    capacity: 131_072,
    store: undefined,
    snapshot: undefined,
    limits: [
      {
        name: "few",
        limit: 3,
        span: { windowMs: 60_000 },
        by: { kind: "address" },
        cost: 1,
        counts: undefined,
        observe: false,
        shared: false,
      },
    ],
  });
});

test("statuses count by themselves or by their class", () => {
  const { limits } = planOf({ limits: { few: { limit: 3, window: "1m", statuses: ["4xx", 503] } }, routes }).limits;
  const counts = limits[0]!.counts!;
  expect([200, 400, 429, 499, 500, 503].filter((status) => counts(status))).toEqual([400, 429, 499, 503]);
});

test("a quota knows its time zone by one name", () => {
  const { limits } = planOf({ limits: { few: { limit: 3, per: "month", timeZone: "europe/berlin" } }, routes }).limits;
  expect(limits[0]!.span).toEqual({ per: "month", timeZone: "Europe/Berlin" });
});

describe("is a fault that says so", () => {
  const WRONG: readonly (readonly [what: string, limit: object, message: RegExp])[] = [
    ["neither window nor quota", { limit: 1 }, /^limits\.few: .*exactly one of window, per/],
    ["both", { limit: 1, window: "1m", per: "day" }, /exactly one of window, per/],
    ["a window under a second", { limit: 1, window: "500ms" }, /^limits\.few\.window/],
    ["no limit at all", { window: "1m" }, /^limits\.few\.limit/],
    ["a limit of nothing", { limit: 0, window: "1m" }, /a whole number from 1 to 1000000/],
    ["half a request", { limit: 1.5, window: "1m" }, /a whole number from 1/],
    ["a time zone that is none", { limit: 1, per: "day", timeZone: "Berlin" }, /the name of a time zone/],
    ["a time zone of a window", { limit: 1, window: "1m", timeZone: "UTC" }, /A window has no midnight/],
    ["an unknown word to count by", { limit: 1, window: "1m", by: "adress" }, /Did you mean "address"\?$/],
    [
      "two things to count by",
      { limit: 1, window: "1m", by: { header: "a", claim: "b" } },
      /exactly one of header, claim/,
    ],
    ["a cost that is none", { limit: 1, window: "1m", cost: -1 }, /a whole number from 0/],
    ["a cost over the limit", { limit: 1, window: "1m", cost: 2 }, /Not one request would be let through/],
    ["a status that is none", { limit: 1, window: "1m", statuses: [99] }, /is not a status/],
    ["a class that is none", { limit: 1, window: "1m", statuses: ["6xx"] }, /is not a status/],
    ["an unknown option", { limit: 1, windw: "1m", window: "1m" }, /Did you mean "window"\?$/],
  ];
  test.each(WRONG)("%s", (_, limit, message) => {
    const lines = faultLines({ limits: { few: limit }, routes });
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
  });

  test("a name that no limit has", () => {
    const wrong = { r: { match: "/", answer: {}, limits: ["fw"] } };
    expect(faultLines({ limits: { few: { limit: 1, window: "1m" } }, routes: wrong })).toEqual([
      'routes.r.limits.0: "fw" is not a limit. Limits: few. Did you mean "few"?',
    ]);
  });

  test("settings that are none", () => {
    expect(faultLines({ limiting: { capacity: 10 }, routes })[0]!).toMatch(
      /^limiting\.capacity: 10 is not a whole number/,
    );
    expect(faultLines({ limiting: { fields: true }, routes })[0]!).toMatch(/^limiting\.fields/);
  });
});

describe("maxBody", () => {
  const most = (options: object): (number | undefined)[] => planOf(options).routes.map(({ maxBody }) => maxBody);

  test("is the gateway's, unless the route says otherwise", () => {
    const route = (more: object): object => ({ match: "/", answer: {}, ...more });
    expect(most({ routes: { a: route({}) } })).toEqual([undefined]);
    expect(most({ maxBody: "1KiB", routes: { a: route({}) } })).toEqual([1024]);
    expect(most({ maxBody: "1KiB", routes: { a: route({ maxBody: "5GiB" }) } })).toEqual([5 * 1024 ** 3]);
    expect(most({ maxBody: "1KiB", routes: { a: route({ maxBody: false }) } })).toEqual([undefined]);
  });

  test.each([[true], ["0B"], ["1 MB"], [1024], ["unlimited"]])("%p is a fault", (maxBody) => {
    expect(faultLines({ maxBody, routes })[0]!).toMatch(/^maxBody: /);
  });
});

test.each([
  [{}, /^overload\.maxInFlight/],
  [{ maxInFlight: 0 }, /a whole number from 1/],
  [{ maxInFlight: 1, exempt: ["ready"] }, /^overload\.exempt\.0: "ready" is not a path/],
  [{ maxInFlight: 1, exempt: ["/*"] }, /is not a path/],
  [{ maxInFlight: 1, exempt: ["/a*"] }, /is not a path/],
  [{ maxInFlight: 1, retryAfter: "10ms" }, /^overload\.retryAfter/],
])("overload %j is a fault that says so", (overload, message) => {
  const lines = faultLines({ overload, routes });
  expect(lines).toHaveLength(1);
  expect(lines[0]!).toMatch(message);
});

test("a bound for exchanges under way has the documented defaults", () => {
  expect(planOf({ inFlight: { few: { max: 3 } }, routes }).inFlight).toEqual([
    { name: "few", max: 3, by: { kind: "address" }, queue: 0, waitMs: 1000, observe: false },
  ]);
});

test.each([
  [{}, /^inFlight\.few\.max/],
  [{ max: 0 }, /a whole number from 1/],
  [{ max: 1, by: "upstreams" }, /^inFlight\.few\.by/],
  [{ max: 1, queue: -1 }, /^inFlight\.few\.queue/],
  [{ max: 1, queue: 1, wait: 5 }, /Give the unit/],
  [{ max: 1, by: "upstrem" }, /Did you mean "upstream"\?$/],
  [{ max: 1, wait: "5s" }, /^inFlight\.few\.wait: .*Nobody waits without a `queue`/],
])("a bound %j is a fault that says so", (few, message) => {
  const lines = faultLines({ inFlight: { few }, routes });
  expect(lines).toHaveLength(1);
  expect(lines[0]!).toMatch(message);
});

test("a name that no bound has is a fault", () => {
  const wrong = { r: { match: "/", answer: {}, inFlight: "fw" } };
  expect(faultLines({ inFlight: { few: { max: 1 } }, routes: wrong })).toEqual([
    'routes.r.inFlight: "fw" is not a bound of inFlight. Bounds: few. Did you mean "few"?',
  ]);
});

test("a bound by upstream on a route that leads to none is a fault", () => {
  const inFlight = { few: { max: 1, by: "upstream" }, other: { max: 1 } };
  const upstreams = { up: { targets: ["http://a.test"] } };
  const right = {
    r: { match: "/", to: "up", inFlight: ["other", "few"] },
    s: { match: "/s", answer: {}, inFlight: "other" },
  };
  planOf({ upstreams, inFlight, routes: right });
  const wrong = { r: { match: "/", answer: {}, inFlight: ["other", "few"] } };
  expect(faultLines({ inFlight, routes: wrong })).toEqual([
    'routes.r.inFlight: "few" is not a bound for a route without to. It counts by upstream, and this route leads to none: count by "route".',
  ]);
});

test("bounds of a route stand in the order of the config, whatever the order of the route", () => {
  const inFlight = { one: { max: 1 }, two: { max: 1 } };
  const [route] = planOf({ inFlight, routes: { r: { match: "/", answer: {}, inFlight: ["two", "one"] } } }).routes;
  expect(route!.inFlight.map(({ name }) => name)).toEqual(["one", "two"]);
});
