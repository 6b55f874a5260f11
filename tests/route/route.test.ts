// The stage: what it sets on an exchange, and how it says that no route takes it.
import { describe, expect, test } from "bun:test";
import type { RoutePlan } from "../../src/config/plan.ts";
import type { GatewayError } from "../../src/errors.ts";
import type { Exchange } from "../../src/exchange.ts";
import { readTarget } from "../../src/http/target.ts";
import { routeStage } from "../../src/route/route.ts";
import { exchange, match, redirect, route, to } from "./plans.ts";

/** Sends a target through the stage, as the way does. */
function sendThrough(routes: readonly RoutePlan[], method: string, target: string): Exchange | GatewayError | string {
  const read = readTarget(target);
  if (typeof read === "string") return read;
  const x = exchange(method, read.path, read.query);
  try {
    routeStage(routes).find(x);
    return x;
  } catch (error) {
    return error as GatewayError;
  }
}

/** What the upstream would see, or the code of the refusal. */
function outcome(routes: readonly RoutePlan[], target: string): string {
  const result = sendThrough(routes, "GET", target);
  if (typeof result === "string") return "refused";
  if (result instanceof Error) return result.code;
  return `${result.route!.name} ${result.forwardTarget ?? result.path + result.query}`;
}

describe("GW-05: stripped and guarded prefixes, whatever the spelling", () => {
  const routes = [
    route("api", "/api/*", to("u", { kind: "strip-prefix", prefix: "/api" })),
    route("admin", "/admin/*", to("u")),
  ];
  const table: [target: string, outcome: string][] = [
    ["/api/x/api/y", "api /x/api/y"],
    ["/api", "api /"],
    ["/api/?q=1", "api /?q=1"],
    ["/api?q=1", "api /?q=1"],
    ["/apiadmin/x", "route_not_found"],
    ["/api%2e/admin/s", "route_not_found"],
    ["/api/%2e%2e/admin/s", "admin /admin/s"],
    ["/api/../admin/s", "admin /admin/s"],
    ["/api/%2e/admin/s", "api /admin/s"],
    ["/api/..%2fadmin/s", "api /..%2fadmin/s"],
    ["/api//x", "api //x"],
    ["/ADMIN/x", "route_not_found"],
    ["/%61dmin/x", "admin /%61dmin/x"],
    ["/admin/a%0Ab", "admin /admin/a%0Ab"],
    ["/admin/a%0Db", "admin /admin/a%0Db"],
    ["/admin/a%E2%80%A8b", "admin /admin/a%E2%80%A8b"],
    ["/admin/a%00b", "refused"],
    ["/admin/a%20b", "admin /admin/a%20b"],
  ];
  for (const [target, result] of table)
    test(`${target}: ${result}`, () => expect(outcome(routes, target)).toBe(result));
});

describe("GW-01, GW-02, GW-04: without a rewrite the target is what the client sent", () => {
  const routes = [route("meta", "/files/:name/meta", to("u")), route("all", "/*", to("u"))];
  const table: [target: string, name: string][] = [
    ["/files/a%2Fb/meta", "meta"],
    ["/p/a%7Cb", "all"],
    ["/p/%E9", "all"],
    ["/ocsp/MFQw//a+b//Cg==", "all"],
    ["//evil.test/x", "all"],
    ["/r?to=//x.test/y", "all"],
    ["/echo?", "all"],
    ["/echo?a=%zz&b=%", "all"],
  ];
  for (const [target, name] of table) test(target, () => expect(outcome(routes, target)).toBe(`${name} ${target}`));
});

test("the exchange learns route, match, parameters, upstream and the new target", () => {
  const rewrite = { kind: "replace", template: "/v2/:id" } as const;
  const users = route("users", ["/people/:id", "GET /users/:id"], to("people", rewrite));
  const x = sendThrough([users], "HEAD", "/users/a%20b?q=%20") as Exchange;
  expect(x.route).toBe(users);
  expect(x.match).toBe(users.matches[1]!);
  expect({ ...x.params }).toEqual({ id: "a b" });
  expect(x.upstream?.name).toBe("people");
  expect(x.forwardTarget).toBe("/v2/a%20b?q=%20");
});

test("each match of a route has its own rewrite", () => {
  const routes = [route("two", ["/a/:id", "/b/c/:id"], to("u", { kind: "replace", template: "/:id" }))];
  expect(outcome(routes, "/a/1")).toBe("two /1");
  expect(outcome(routes, "/b/c/2")).toBe("two /2");
});

test("a route that forwards nowhere sets no upstream", () => {
  const x = sendThrough([route("gone", "/a", redirect("/b"))], "GET", "/a") as Exchange;
  expect([x.route?.name, x.upstream, x.forwardTarget]).toEqual(["gone", undefined, undefined]);
});

describe("404 and 405", () => {
  const routes = [
    route("read", "GET /a"),
    route("write", "PUT|DELETE /:x"),
    route("secret", match("POST /b", { headers: [["v", "1"]] })),
  ];
  const table: [method: string, target: string, code: string, allow: string | undefined][] = [
    ["GET", "/none/x", "route_not_found", undefined],
    ["POST", "/a", "method_not_allowed", "DELETE, GET, HEAD, PUT"],
    ["OPTIONS", "/a", "method_not_allowed", "DELETE, GET, HEAD, PUT"],
    ["GET", "/b", "method_not_allowed", "DELETE, PUT"],
    ["POST", "/b", "method_not_allowed", "DELETE, PUT"],
    ["__proto__", "/a", "method_not_allowed", "DELETE, GET, HEAD, PUT"],
  ];
  for (const [method, target, code, allow] of table) {
    test(`${method} ${target} is ${code}`, () => {
      const error = sendThrough(routes, method, target) as GatewayError;
      expect(error.code).toBe(code as GatewayError["code"]);
      expect(error.fields).toEqual(allow === undefined ? [] : [["Allow", allow]]);
    });
  }

  test("a path whose conditions fail under every method is 404", () => {
    expect(outcome([routes[2]!], "/b")).toBe("route_not_found");
  });
});

test("routes that cannot be compiled stop the start with their name", () => {
  expect(() => routeStage([route("bad", "/a", to("u", { kind: "replace", template: "/:no" }))])).toThrow(
    /`bad`, rewrite:.*`:no`/,
  );
});
