// `sluice routes` and `sluice plan`: what runs, as people and machines see it.
import { expect, test } from "bun:test";
import pico from "picocolors";
import { planText } from "../../src/cli/plan.ts";
import { routesJson, routesTable } from "../../src/cli/routes.ts";
import { tableText } from "../../src/cli/table.ts";
import { apiKey, defineGateway, env } from "../../src/mod.ts";
import { planOf } from "../config/support.ts";

const PLAIN = pico.createColors(false);

const routes = {
  orders: { match: "/api/orders/*", to: "orders", auth: "key", limits: "few", rewrite: { stripPrefix: "/api" } },
  beta: {
    match: { path: "/api/orders/*", method: "GET", headers: { "x-beta": true, authorization: "secret-word" } },
    split: [
      { to: "orders", weight: 9 },
      { to: "canary", weight: 1 },
    ],
    auth: ["key"],
    allow: { groups: ["partner"], except: { addresses: ["10.0.0.0/8"] } },
  },
  hosted: { match: { path: "/*", host: ["*.shop.test", "shop.test"] }, redirect: { to: "/shop" }, auth: "none" },
  about: { match: "GET|HEAD /about", answer: { status: 201 }, auth: "none", log: false },
};

const options = (routes: object): object =>
  defineGateway({
    upstreams: {
      orders: { targets: ["http://127.0.0.1:9001"] },
      canary: { targets: ["http://127.0.0.1:9002"] },
    },
    consumers: { acme: { groups: ["partner"], password: env("PASSWORD") } },
    auth: { key: apiKey() },
    limits: { few: { limit: 3, window: "90s" } },
    routes,
  } as never);
const world = { env: { PASSWORD: "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy" } };
const plan = planOf(options(routes), world);

test("routes stand in the order in which they are tried, each with its policies", () => {
  expect(`\n${tableText(routesTable(plan), undefined, PLAIN)}\n`).toBe(`
ROUTE   METHODS    HOST         PATH           WHEN                               TO                  AUTH  ALLOW                              LIMITS  ALSO
hosted  any        shop.test    /*                                                redirect 308 /shop
hosted  any        *.shop.test  /*                                                redirect 308 /shop
about   GET, HEAD  any          /about                                            answer 201                                                           no log
beta    GET        any          /api/orders/*  x-beta, authorization: [redacted]  9 orders, 1 canary  key   groups partner, except 10.0.0.0/8
orders  any        any          /api/orders/*                                     orders              key                                      few     strip /api
`);
});

test("the same whatever the order of the file, for machines too", () => {
  const turned = planOf(options(Object.fromEntries(Object.entries(routes).toReversed())), world);
  expect(routesTable(turned)).toEqual(routesTable(plan));
  expect(routesJson(turned)).toEqual(routesJson(plan));
  expect(routesJson(plan)[0]).toEqual({
    ...{ name: "hosted", host: "shop.test", methods: [], path: "/*", conditions: [] },
    ...{ kind: "redirect", to: "redirect 308 /shop", auth: [], allow: "", limits: [], inFlight: [], also: [] },
  });
  expect(planText(turned, PLAIN)).toBe(planText(plan, PLAIN));
});

test("hosts are no column where all routes take any", () => {
  expect(tableText(routesTable(planOf({ routes: { a: { match: "/a", answer: {} } } })), undefined, PLAIN)).toBe(
    "ROUTE  METHODS  PATH  TO\na      any      /a    answer 200",
  );
});

test("the plan tells every setting on a line, aligned, with defaults, and no secret", () => {
  const text = planText(plan, PLAIN);
  const lines = text.split("\n");
  expect(text).toMatch(/^shutdown\.grace +25s$/m);
  expect(lines).toContain("limits.limits.few.span.window  90s");
  expect(text).toMatch(/^upstreams\.orders\.timeouts\.connect +5s$/m);
  expect(text).toMatch(/^upstreams\.orders\.timeouts\.whole +none$/m);
  expect(text).toMatch(/^upstreams\.orders\.timeouts\.header +none$/m);
  expect(text).not.toMatch(/^\S+(?:Ms|Seconds) /m);
  expect(text).toMatch(/^upstreams\.orders\.breaker +none$/m);
  expect(text).toMatch(/^routes\.orders\.destination\.upstream +orders$/m);
  expect(text).toMatch(/^routes\.beta\.matches\.0\.path +\/api\/orders\/\*$/m);
  expect(text).not.toContain("$2b$");
  expect(text).not.toContain("secret-word");
  for (const part of text.split("\n\n")) {
    const columns = part.split("\n").map((line) => /^\S+ +/.exec(line)?.[0].length);
    expect(new Set(columns).size).toBe(1);
  }
});
