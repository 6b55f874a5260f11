// Rewrites: whole segments, the client's spelling, never a dot segment.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MEANINGS, type GatewayError } from "../../src/errors.ts";
import { dotsIn, readTarget } from "../../src/http/target.ts";
import { readPattern, type Pattern } from "../../src/route/pattern.ts";
import { compileRewrite, type RewritePath } from "../../src/route/rewrite.ts";

function pattern(text: string): Pattern {
  const read = readPattern(text);
  if (typeof read === "string") throw new Error(read);
  return read;
}

function strip(prefix: string, on = "/*"): RewritePath | string {
  return compileRewrite({ kind: "strip-prefix", prefix }, pattern(on));
}

function replace(template: string, on: string): RewritePath | string {
  return compileRewrite({ kind: "replace", template }, pattern(on));
}

function compiled(rewrite: RewritePath | string): RewritePath {
  if (typeof rewrite === "string") throw new Error(rewrite);
  return rewrite;
}

describe("GW-05: a prefix is stripped once, at the start, in whole segments", () => {
  const table: [prefix: string, path: string, result: string][] = [
    ["/api", "/api", "/"],
    ["/api", "/api/", "/"],
    ["/api", "/api/x", "/x"],
    ["/api", "/api/x/api/y", "/x/api/y"],
    ["/api", "/api/api/y", "/api/y"],
    ["/api", "/apiadmin/x", "/apiadmin/x"],
    ["/api", "/api%2e/admin/s", "/api%2e/admin/s"],
    ["/api", "/%61pi/a%2Fb", "/a%2Fb"],
    ["/api", "/%61%70i", "/"],
    ["/api", "/api//x", "//x"],
    ["/api", "/api//evil.test/x", "//evil.test/x"],
    ["/api", "//api/x", "//api/x"],
    ["/api", "/API/x", "/API/x"],
    ["/api", "/", "/"],
    ["/api/", "/api/x", "/x"],
    ["/a/b", "/a/b/c", "/c"],
    ["/a/b", "/a%2Fb/c", "/a%2Fb/c"],
    ["/ø", "/%C3%B8/x", "/x"],
    ["/ø", "/\xc3\xb8/x", "/x"],
    ["/a%2Fb", "/a%2fb/x", "/x"],
    ["/", "/x", "/x"],
  ];
  for (const [prefix, path, result] of table) {
    test(`${prefix} of ${path} leaves ${result}`, () => expect(compiled(strip(prefix))(path)).toBe(result));
  }

  const faults: [prefix: string, on: string, message: RegExp][] = [
    ["api", "/api/*", /begins with "\/"/],
    ["/:v", "/api/*", /literal segments only/],
    ["/*", "/api/*", /literal segments only/],
    ["/a/../b", "/*", /dot segments/],
    ["/api", "/other/*", /never there/],
    ["/api/v1", "/api", /never there/],
  ];
  for (const [prefix, on, message] of faults)
    test(`${prefix} on ${on} is a fault`, () => expect(strip(prefix, on)).toMatch(message));

  test("a prefix may stand where the pattern has parameters or a rest", () => {
    for (const on of ["/api/*", "/:v/x", "/*", "/api"]) expect(strip("/api", on)).toBeFunction();
  });
});

describe("GW-01: a replaced path takes what matched as the client spelled it", () => {
  const table: [on: string, template: string, path: string, result: string][] = [
    ["/users/:id", "/v2/people/:id", "/users/a%2Fb", "/v2/people/a%2Fb"],
    ["/users/:id", "/v2/:id/:id.json", "/users/%E9", "/v2/%E9/%E9.json"],
    ["/a/:x/:y", "/:y/:x", "/a/1/\xc3\xb8", "/\xc3\xb8/1"],
    ["/old/*", "/new/*", "/old", "/new"],
    ["/old/*", "/new/*", "/old/", "/new/"],
    ["/old/*", "/new/*", "/old/x//y%2F", "/new/x//y%2F"],
    ["/old/*", "/*", "/old", "/"],
    ["/old/*", "/*", "/old//evil.test", "//evil.test"],
    ["/old/*", "/*/tail", "/old/x", "/x/tail"],
    ["/*", "/base/*", "/", "/base/"],
    ["/:t/*", "/*/of/:t", "/a/b/c", "/b/c/of/a"],
    ["/x", "/é b%20c%", "/x", "/%C3%A9%20b%20c%25"],
    ["/x", "/v1/items:cancel", "/x", "/v1/items:cancel"],
    ["/:id", "/a-:id-:idx", "/7", "/a-7-:idx"],
    ["/:a/:ab", "/:ab/:a", "/1/2", "/2/1"],
  ];
  for (const [on, template, path, result] of table) {
    test(`${path} by ${on} to ${template} is ${result}`, () =>
      expect(compiled(replace(template, on))(path)).toBe(result));
  }

  const faults: [on: string, template: string, message: RegExp][] = [
    ["/x", "y", /does not begin/],
    ["/x", "/y?q", /holds a query/],
    ["/x", "/y#q", /fragment/],
    ["/x", "/a/../b", /dot segment/],
    ["/x", "/a/%2e", /dot segment/],
    ["/x", "/*", /nothing to take/],
    ["/x/*", "/a*", /stands alone/],
    ["/x/:id", "/:name", /`:name` is no parameter.*`:id`/],
  ];
  for (const [on, template, message] of faults)
    test(`${template} on ${on} is a fault`, () => expect(replace(template, on)).toMatch(message));
});

test("GW-05: harmless pieces that make a dot segment or NUL together are refused with 400", () => {
  const rewrite = compiled(replace("/files/:a:b/x", "/:a/:b"));
  expect(rewrite("/1/2")).toBe("/files/12/x");
  for (const path of ["/%2/e", "/.%2/E", "/%/2e", "/%0/0"]) {
    let error: GatewayError | undefined;
    try {
      rewrite(path);
    } catch (thrown) {
      error = thrown as GatewayError;
    }
    expect(error?.code).toBe("http_request_error");
    expect(MEANINGS[error!.code].status).toBe(400);
  }
});

test("for every path: a rewrite begins with a slash, holds no dot segment, and is read again as it is", () => {
  const path = fc
    .array(fc.constantFrom("/", "/", ".", "%2e", "%2E", "%", "2", "e", "a", "b", "%61", "%2f", "\xff"), {
      maxLength: 16,
    })
    .map((parts) => readTarget(`/${parts.join("")}`))
    .filter((read) => typeof read !== "string")
    .map((read) => read.path);
  const rewrites = [strip("/a"), strip("/a/b"), replace("/x/*", "/*"), replace("/*", "/*"), replace("/.a/*/b", "/*")];
  fc.assert(
    fc.property(path, fc.constantFrom(...rewrites.map(compiled)), (from, rewrite) => {
      const result = rewrite(from);
      expect(result[0]).toBe("/");
      expect(result.split("/").every((segment) => dotsIn(segment) === 0)).toBe(true);
      expect(readTarget(result)).toEqual({ path: result, query: "" });
    }),
    { numRuns: 2000 },
  );
});
