// Cross-origin calls: what a preflight is told, and what every answer carries.
import { describe, expect, test } from "bun:test";
import type { CorsOptions } from "../../src/config/auth/options.ts";
import { GatewayError } from "../../src/errors.ts";
import { Fields } from "../../src/http/fields.ts";
import { compileCors, isPreflight } from "../../src/respond/cors.ts";
import { callOf } from "../auth/callers.ts";
import { faultLines, planOf } from "../config/support.ts";

const APP = "https://app.test";

function compiled(options: CorsOptions): ReturnType<typeof compileCors> {
  const plan = planOf({ routes: { r: { match: "/", answer: {}, cors: options } } });
  return compileCors(plan.routes[0]!.cors!);
}

/** The fields of an answer to a page of this origin, as an object. */
function marked(
  options: CorsOptions,
  origin: string | undefined,
  before: [string, string][] = [],
): Record<string, string> {
  const fields = Fields.of(...before);
  compiled(options).mark(callOf(undefined, { fields: origin === undefined ? [] : [["Origin", origin]] }), fields);
  return Object.fromEntries(fields);
}

describe("an origin is allowed", () => {
  const ALLOWED = [
    [["https://app.test"], "https://app.test"],
    [["https://a.test", "http://localhost:5173"], "http://localhost:5173"],
    [["https://*.app.test"], "https://x.app.test"],
    [["https://*.app.test"], "https://x.y.app.test"],
    [["https://*.app.test:8443"], "https://x.app.test:8443"],
    [["*"], "https://anything.test"],
    [["*"], "null"],
  ] as const;
  test.each(ALLOWED)("by %j: %s", (origins, origin) => {
    const expected = origins[0] === "*" ? "*" : origin;
    expect(marked({ origins }, origin)["Access-Control-Allow-Origin"]).toBe(expected);
  });
});

describe("an origin is not allowed", () => {
  const OTHERS = [
    [["https://app.test"], "http://app.test"],
    [["https://app.test"], "https://app.test:8443"],
    [["https://app.test"], "https://app.test.evil.test"],
    [["https://app.test"], "https://xapp.test"],
    [["https://app.test"], "HTTPS://APP.TEST"],
    [["https://app.test"], "null"],
    [["https://app.test"], ""],
    [["https://*.app.test"], "https://app.test"],
    [["https://*.app.test"], "https://.app.test"],
    [["https://*.app.test"], "https://evil.test/.app.test"],
    [["https://*.app.test"], "https://evil.test#.app.test"],
    [["https://*.app.test"], "https://a@b.app.test"],
    [["https://*.app.test"], "https://x.app.test:8443"],
    [["https://*.app.test"], "http://x.app.test"],
    [["https://*.app.test"], "https://-evil"],
  ] as const;
  test.each(OTHERS)("by %j: %s", (origins, origin) => {
    expect(marked({ origins }, origin)["Access-Control-Allow-Origin"]).toBeUndefined();
  });
});

test("answers carry what scripts may see, and say that they differ by origin", () => {
  expect(marked({ origins: [APP], credentials: true, expose: ["X-A", "X-B"] }, APP)).toEqual({
    Vary: "Origin",
    "Access-Control-Allow-Origin": APP,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": "X-A, X-B",
  });
  expect(marked({ origins: [APP] }, undefined)).toEqual({ Vary: "Origin" });
  expect(marked({ origins: ["*"] }, undefined)).toEqual({});
});

test("what the upstream says of origins gives way, and its Vary is kept", () => {
  const before: [string, string][] = [
    ["Access-Control-Allow-Origin", "*"],
    ["Access-Control-Allow-Credentials", "true"],
    ["Vary", "Accept-Encoding"],
  ];
  expect(marked({ origins: [APP], expose: [] }, APP, before)).toEqual({
    Vary: "Accept-Encoding, Origin",
    "Access-Control-Allow-Origin": APP,
  });
  expect(marked({ origins: [APP] }, "https://evil.test", before)).toEqual({ Vary: "Accept-Encoding, Origin" });
  expect(marked({ origins: [APP] }, APP, [["Vary", "origin"]])["Vary"]).toBe("origin");
  expect(marked({ origins: [APP] }, APP, [["Vary", "*"]])["Vary"]).toBe("*");
});

describe("a preflight", () => {
  const preflight = (options: CorsOptions, fields: [string, string][]): Record<string, string> => {
    const x = callOf(undefined, {
      method: "OPTIONS",
      fields: [["Origin", APP], ["Access-Control-Request-Method", "PUT"], ...fields],
    });
    expect(isPreflight(x)).toBe(true);
    const answer = compiled(options).preflight(x, ["GET", "HEAD", "PUT"]);
    expect(answer.status).toBe(204);
    return Object.fromEntries(answer.fields);
  };

  test("is told the methods that routes take and the fields it asks for", () => {
    expect(preflight({ origins: [APP] }, [["Access-Control-Request-Headers", "authorization,x-a"]])).toEqual({
      "Access-Control-Allow-Methods": "GET, HEAD, PUT",
      "Access-Control-Allow-Headers": "authorization,x-a",
      "Access-Control-Max-Age": "600",
      Vary: "Access-Control-Request-Method, Access-Control-Request-Headers",
    });
  });

  test.each([
    ["that no route names, for one without methods takes it", "PATCH", "GET, HEAD, PUT, PATCH"],
    ["once", "PUT", "GET, HEAD, PUT"],
    ["but not what is no method", "A, DELETE", "GET, HEAD, PUT"],
  ])("is told the method it asks for, %s", (_, method, told) => {
    const x = callOf(undefined, {
      method: "OPTIONS",
      fields: [
        ["Origin", APP],
        ["Access-Control-Request-Method", method],
      ],
    });
    const { fields } = compiled({ origins: [APP] }).preflight(x, ["GET", "HEAD", "PUT"]);
    expect(fields.get("access-control-allow-methods")).toBe(told);
  });

  test("is told what the config says instead", () => {
    const options: CorsOptions = { origins: [APP], methods: ["get"], headers: ["X-A", "X-B"], maxAge: "1h" };
    expect(preflight(options, [["Access-Control-Request-Headers", "x-c"]])).toMatchObject({
      "Access-Control-Allow-Methods": "GET",
      "Access-Control-Allow-Headers": "X-A, X-B",
      "Access-Control-Max-Age": "3600",
    });
  });

  test("has nothing given back that is no list of names", () => {
    expect(preflight({ origins: [APP] }, [["Access-Control-Request-Headers", 'x-a; evil="1"']])).not.toHaveProperty(
      "Access-Control-Allow-Headers",
    );
  });

  test("of another origin is refused by the name of the policy", () => {
    const refused = (): unknown => preflight({ origins: ["https://other.test"] }, []);
    expect(refused).toThrow(GatewayError);
    expect(refused).toThrow("cors.origins");
  });

  test.each([
    ["without Origin", [["Access-Control-Request-Method", "GET"]], "OPTIONS"],
    ["without a method to ask for", [["Origin", APP]], "OPTIONS"],
    [
      "with another method",
      [
        ["Origin", APP],
        ["Access-Control-Request-Method", "GET"],
      ],
      "GET",
    ],
  ] as const)("is none %s", (_, fields, method) => {
    expect(isPreflight(callOf(undefined, { method, fields: fields.map(([name, value]) => [name, value]) }))).toBe(
      false,
    );
  });
});

test.each([
  [{ origins: [] }, "routes.r.cors.origins: an empty list is not a list of at least one origin."],
  [{ origins: ["app.test"] }, /^routes\.r\.cors\.origins\.0: "app.test" is not an origin/],
  [{ origins: ["https://app.test/"] }, /Browsers send "https:\/\/app.test"\.$/],
  [{ origins: ["https://app.test:443"] }, /Browsers send "https:\/\/app.test"\.$/],
  [{ origins: ["https://App.test"] }, /Browsers send "https:\/\/app.test"\.$/],
  [{ origins: ["https://*.app.test/"] }, /is not an origin/],
  [{ origins: ["null"] }, /Any page can have the origin "null"/],
  [{ origins: ["*"], credentials: true }, /Browsers refuse it/],
  [{ origins: [APP], methods: ["GE T"] }, /is not a method/],
  [{ origins: [APP], headers: ["a:b"] }, /is not a field name/],
  [{ origins: [APP], maxAge: 600 }, /Give the unit/],
] as const)("%j is a fault that says so", (cors, message) => {
  const lines = faultLines({ routes: { r: { match: "/", answer: {}, cors } } });
  expect(lines).toHaveLength(1);
  expect(lines[0]!).toMatch(message);
});
