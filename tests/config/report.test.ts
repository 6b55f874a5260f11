// How faults are told: to people in one line each, to machines as JSON.
import { describe, expect, test } from "bun:test";
import { faultJson, formatFault, formatPath, sentenceOf, placeFaults } from "../../src/config/report.ts";
import { nearestOf } from "../../src/config/nearest.ts";
import { faults } from "./support.ts";

const SOURCE = `export default {
  upstreams: { orders: { targets: ["http://a"] }, users: { targets: ["http://b"] } },
  routes: {
    orders: { match: "/api/orders/*", to: "oders" },
    users: { match: "/users", to: "users", lgo: false },
  },
  listen: { port: 99999 },
};
`;
const OPTIONS = {
  upstreams: { orders: { targets: ["http://a"] }, users: { targets: ["http://b"] } },
  routes: {
    orders: { match: "/api/orders/*", to: "oders" },
    users: { match: "/users", to: "users", lgo: false },
  },
  listen: { port: 99_999 },
};

test("people read file, line, column, path, what was found, what was wanted, the nearest right name", () => {
  const lines = placeFaults(faults(OPTIONS), "gateway.config.ts", SOURCE).map(([fault, place]) =>
    formatFault(fault, place),
  );
  expect(lines).toEqual([
    'gateway.config.ts:4:39  routes.orders.to: "oders" is not an upstream. Upstreams: orders, users. Did you mean "orders"?',
    expect.stringContaining('gateway.config.ts:5:44  routes.users.lgo: "lgo" is not an option.') as never,
    "gateway.config.ts:7:13  listen.port: 99999 is not a whole number from 0 to 65535.",
  ]);
});

test("machines read the same in parts", () => {
  const [first] = placeFaults(faults(OPTIONS), "gateway.config.ts", SOURCE);
  expect(JSON.parse(JSON.stringify(faultJson(...first!)))).toEqual({
    file: "gateway.config.ts",
    line: 4,
    column: 39,
    path: "routes.orders.to",
    keys: ["routes", "orders", "to"],
    found: '"oders"',
    wanted: "an upstream",
    nearest: "orders",
    hint: "Upstreams: orders, users.",
    message: '"oders" is not an upstream. Upstreams: orders, users. Did you mean "orders"?',
  });
});

test("without a source there is no line, and the whole config has no path", () => {
  const [fault, place] = placeFaults(faults(5), "config.json", undefined)[0]!;
  expect(formatFault(fault, place)).toBe("config.json  5 is not an object of options.");
  expect(faultJson(fault, place)).not.toHaveProperty("line");
  expect(formatFault(fault, { file: "a.ts", line: 3 })).toBe("a.ts:3  5 is not an object of options.");
});

test.each([
  [[], ""],
  [["routes", "a-b", "match", 0], "routes.a-b.match.0"],
  [["routes", "a.b", "x y"], 'routes["a.b"]["x y"]'],
  [[""], '[""]'],
  [["$x", "_y"], "$x._y"],
])("the path %j is written %s", (path, text) => expect(formatPath(path)).toBe(text));

describe("a message", () => {
  test("stays on its line, whatever the config holds", () => {
    const routes = {
      ["a\nb\u2028c\x1b[31m"]: { match: "/x\n\x1b[31m", answer: {} },
      b: { match: 'y\r\n"', answer: {} },
    };
    for (const fault of faults({ routes, "k\ne\x7fy": 1 })) {
      const line = formatFault(fault, { file: "f" });
      expect(line).not.toMatch(/[\0-\x1f\x7f\u2028\u2029]/);
    }
  });

  test("shows no more than the beginning of a long text", () => {
    const [fault] = faults({ routes: { a: { match: "x".repeat(100_000), answer: {} } } });
    expect(sentenceOf(fault!).length).toBeLessThan(300);
  });
});

test.each([
  ["oders", ["orders", "users"], "orders"],
  ["ORDERS", ["orders", "users"], "orders"],
  ["idel", ["idle", "maxIdle"], "idle"],
  ["prt", ["port", "host"], "port"],
  ["timeout", ["timeouts", "targets"], "timeouts"],
  ["zzz", ["orders", "users"], undefined],
  ["", ["a"], undefined],
  ["x", [], undefined],
  ["a".repeat(1e6), ["b"], undefined],
])("the nearest to %s in %j is %s", (name, names, nearest) => expect(nearestOf(name, names)).toBe(nearest as never));
