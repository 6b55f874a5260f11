// The interpreter of the checks, judged by hand: one that is always content would acquit the gateway.
import { describe, expect, test } from "bun:test";
import { failureOf, failuresOf, lookUp, type Setting } from "./checks.ts";
import { substitute, type Check, type Json } from "./format.ts";

const observed = {
  r: { status: 200, headers: { etag: ['"a"'], via: ["1.1 a", "1.1 b"], connection: ["close, X-Hop"] }, body: "hi" },
  u1: {
    requests: [
      { target: "/a", headers: { host: ["x"] }, framing_fields: ["content-length"], complete: true },
      { target: "/b", headers: {}, framing_fields: ["content-length", "transfer-encoding"], complete: false },
    ],
    arrivals: { "/a": 1 },
    tls: [{ sni: null }],
  },
  before: { rss: 10 },
  after: { rss: 25 },
  responses: [{ status: 400 }],
  none: [],
};
const setting: Setting = { observed, vars: { T: "/a" }, variant: "v" };
const holds = (on: string, op: string, value: Json = null): boolean =>
  failureOf({ on, op, value } as Check, setting) === undefined;

test("paths name values, members, last members, each member and differences", () => {
  expect(lookUp(observed, "u1.requests[-1].target").values).toEqual(["/b"]);
  expect(lookUp(observed, "u1.requests[*].target")).toEqual({ each: true, values: ["/a", "/b"] });
  expect(lookUp(observed, "u1.arrivals['/a']").values).toEqual([1]);
  expect(lookUp(observed, "after.rss - before.rss").values).toEqual([15]);
  expect(lookUp(observed, "r.headers[x-none]").values).toEqual([undefined]);
});

test("a path that nothing is known of fails", () => {
  expect(() => lookUp(observed, "r.colour")).toThrow("nothing is known of colour");
  expect(() => lookUp(observed, "u9.requests")).toThrow("nothing is known of u9");
});

test("an unknown operation fails", () => {
  expect(() => holds("r.status", "resembles", 200)).toThrow("unknown check operation resembles");
});

const table: [on: string, op: string, value: Json, holds: boolean][] = [
  ["r.status", "is", 200, true],
  ["r.status", "is", 201, false],
  ["r.status", "in", [400, 404], false],
  ["r.headers[etag]", "list_is", ['"a"'], true],
  ["r.headers[via]", "list_is", ["1.1 a"], false],
  ["r.headers[via]", "joined_is", "1.1 a, 1.1 b", true],
  ["r.headers[via]", "is", "1.1 a", false],
  ["r.headers[x-none]", "list_is", ["a"], false],
  ["r.headers[x-none]", "list_is_or_absent", ["a"], true],
  ["r.headers[x-none]", "absent", null, true],
  ["r.headers[etag]", "absent", null, false],
  ["r.headers[x-none]", "matches", "a", false],
  ["r.headers[x-none]", "not_matches", "a", true],
  ["r.headers[via]", "not_matches", "b$", false],
  ["r.headers[connection]", "not_contains_token", "x-hop", false],
  ["r.headers[connection]", "not_contains_token", "hop", true],
  ["u1.requests", "count", 2, true],
  ["u1.requests", "count_lte", 1, false],
  ["none", "count", 0, true],
  ["u1.requests[0].framing_fields", "max_one", "", true],
  ["u1.requests[1].framing_fields", "max_one", "", false],
  ["u1.requests[0].target", "is", "{{T}}", true],
  ["u1.requests[*].target", "in", ["/a"], false],
  ["u1.requests[*].complete", "not_true_for_variant", "v", false],
  ["u1.requests[*].complete", "not_true_for_variant", "other", true],
  ["u1.tls[*].sni", "in", [null], true],
  ["after.rss", "between", [20, 30], true],
  ["after.rss", "lte", 24, false],
  ["r.body", "lte", 24, false],
  ["responses", "first_status_in", [400], true],
  ["none", "first_status_in", [400], false],
  ["none", "first_status_in_or_closed", [400], true],
];
test.each(table)("%s %s %j: %p", (on, op, value, expected) => {
  expect(holds(on, op, value)).toBe(expected);
});

describe("expectations", () => {
  const yes: Check = { on: "r.status", op: "is", value: 200 };
  const no: Check = { on: "r.status", op: "is", value: 400 };
  test("all, any and never", () => {
    expect(failuresOf({ all: [yes, yes] }, setting)).toEqual([]);
    expect(failuresOf({ all: [yes, no] }, setting)).toHaveLength(1);
    expect(failuresOf({ any: [{ all: [no] }, { all: [yes] }] }, setting)).toEqual([]);
    expect(failuresOf({ any: [{ all: [no] }, { all: [yes, no] }] }, setting)).toHaveLength(1);
    expect(failuresOf({ never: [no] }, setting)).toEqual([]);
    expect(failuresOf({ never: [yes] }, setting)).toHaveLength(1);
  });
});

test("variables are replaced, keep their type, and fall back to their defaults", () => {
  expect(substitute("{{N}}", { N: 5 })).toBe(5);
  expect(substitute("a{{N}}b", { N: 5 })).toBe("a5b");
  expect(substitute("{{P|[]}}", {})).toEqual([]);
  expect(substitute("{{P|x}}", {})).toBe("x");
  expect(() => substitute("{{P}}", {})).toThrow("the variable P has no value");
});
