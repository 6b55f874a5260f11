// What a caller must be: each condition alone, together, as one of several, and when it cannot be decided.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { allowStage } from "../../src/auth/allow.ts";
import { claimFits, claimOf } from "../../src/auth/claims.ts";
import type { AllowOptions, Identity } from "../../src/config/auth/options.ts";
import type { AllowPlan } from "../../src/config/auth/plan.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Exchange } from "../../src/exchange.ts";
import { planOf } from "../config/support.ts";
import { callOf, identity } from "./callers.ts";
import { apiKey } from "../../src/config/auth/api-key.ts";

function compile(allow: AllowOptions): AllowPlan {
  const plan = planOf({
    consumers: { acme: { groups: ["partner", "eu"] }, beta: { groups: ["us"] } },
    auth: { token: apiKey() },
    routes: { r: { match: "/things/:id", auth: "token", allow, answer: {} } },
  });
  return plan.routes[0]!.allow!;
}

const challenge = (scheme: string, scopes: readonly string[]): string => `${scheme} scope="${scopes.join(" ")}"`;

/** "passes", or why not. */
async function judge(allow: AllowOptions, x: Exchange): Promise<GatewayError | "passes"> {
  try {
    await allowStage(compile(allow), challenge)(x);
    return "passes";
  } catch (thrown) {
    return thrown as GatewayError;
  }
}

const ACME = identity({ consumer: { name: "acme", groups: ["partner", "eu"] } });
const BETA = identity({ consumer: { name: "beta", groups: ["us"] } });
const nobody = undefined;
const claims = (is: Record<string, unknown>): Identity => identity({ claims: is });
const scopes = (...names: string[]): Identity => identity({ scopes: names });

const PASSES: readonly (readonly [string, AllowOptions, Identity | undefined, Parameters<typeof callOf>[1]?])[] = [
  ["no condition, nobody", {}, nobody],
  ["its consumer", { consumers: ["beta", "acme"] }, ACME],
  ["its group", { groups: ["us", "eu"] }, ACME],
  ["one scope", { scope: "a" }, scopes("b", "a")],
  ["all of several scopes", { scope: ["a", "b"] }, scopes("b", "a", "c")],
  ["a claim of this value", { claims: { tenant: "x" } }, claims({ tenant: "x" })],
  ["a claim of one of these values", { claims: { tenant: ["w", "x"] } }, claims({ tenant: "x" })],
  ["a list that holds the value", { claims: { roles: "admin" } }, claims({ roles: ["user", "admin"] })],
  ["a claim inside an object", { claims: { "realm.roles": "a" } }, claims({ realm: { roles: ["a"] } })],
  ["a claim whose name is a URL", { claims: { "https://x.test/t": 1 } }, claims({ "https://x.test/t": 1 })],
  ["a flag", { claims: { email_verified: true } }, claims({ email_verified: true })],
  ["an address in the range", { addresses: ["10.0.0.0/8", "192.0.2.0/24"] }, nobody],
  ["a method, HEAD where GET may", { methods: ["get"] }, nobody, { method: "HEAD" }],
  [
    "a function that says true",
    { when: (x) => x.params !== undefined && x.header("X-A") === "b" },
    nobody,
    { fields: [["x-a", "b"]] },
  ],
  ["a function that promises true", { when: () => Promise.resolve(true) }, nobody],
  ["who is not excepted", { except: { consumers: ["beta"], groups: ["us"], addresses: ["10.0.0.1"] } }, ACME],
  ["nobody where consumers are excepted", { except: { consumers: ["beta"] } }, nobody],
  ["one of several rules", { any: [{ groups: ["us"] }, { scope: "a" }] }, scopes("a")],
  ["rules beside a condition", { methods: ["GET"], any: [{ consumers: ["acme"] }] }, ACME],
];

describe("passes", () => {
  test.each(PASSES)("%s", async (_, allow, who, is) => {
    expect(await judge(allow, callOf(who, is))).toBe("passes");
  });
});

const REFUSED: readonly (readonly [
  string,
  AllowOptions,
  Identity | undefined,
  string,
  Parameters<typeof callOf>[1]?,
])[] = [
  ["another consumer", { consumers: ["acme"] }, BETA, "allow.consumers: consumer beta is none of them"],
  [
    "nobody where consumers are named",
    { consumers: ["acme"] },
    nobody,
    "allow.consumers: an unknown caller is none of them",
  ],
  ["a subject that is no consumer", { groups: ["eu"] }, identity(), "allow.groups: subject s-1 is in none of eu"],
  ["another group", { groups: ["eu"] }, BETA, "allow.groups: consumer beta is in none of eu"],
  ["a missing claim", { claims: { tenant: "x" } }, claims({}), "allow.claims.tenant: the token has no such claim"],
  [
    "another value, which is not told",
    { claims: { tenant: "x" } },
    claims({ tenant: "y" }),
    "allow.claims.tenant: the token has another value",
  ],
  [
    "a number written as text",
    { claims: { level: 1 } },
    claims({ level: "1" }),
    "allow.claims.level: the token has another value",
  ],
  [
    "a text that only holds the value",
    { claims: { role: "admin" } },
    claims({ role: "no-admin" }),
    "allow.claims.role: the token has another value",
  ],
  [
    "what every object has",
    { claims: { "constructor.name": "Object" } },
    claims({}),
    "allow.claims.constructor.name: the token has no such claim",
  ],
  ["claims where nobody is known", { claims: { a: 1 } }, nobody, "allow.claims.a: nobody is known to call"],
  ["an address outside", { addresses: ["10.0.0.0/8"] }, ACME, "allow.addresses: 192.0.2.1 is in none of them"],
  [
    "an address that is none",
    { addresses: ["0.0.0.0/0"] },
    ACME,
    "allow.addresses:  is in none of them",
    { client: "" },
  ],
  ["another method", { methods: ["GET"] }, ACME, "allow.methods: POST is none of GET, HEAD", { method: "POST" }],
  [
    "a method in another case",
    { methods: ["GET"] },
    ACME,
    "allow.methods: get is none of GET, HEAD",
    { method: "get" },
  ],
  ["an excepted consumer", { except: { consumers: ["beta"] } }, BETA, "allow.except.consumers: the consumer is beta"],
  ["an excepted group", { except: { groups: ["us"] } }, BETA, "allow.except.groups: consumer beta is in us"],
  [
    "an excepted address",
    { except: { addresses: ["192.0.2.0/24"] } },
    ACME,
    "allow.except.addresses: 192.0.2.1 is one of them",
  ],
  ["a function that says false", { when: () => false }, ACME, "allow.when: it did not return true"],
  [
    "a function that says something true-like",
    { when: (() => 1) as never },
    ACME,
    "allow.when: it did not return true",
  ],
  ["a function that says nothing", { when: (() => undefined) as never }, ACME, "allow.when: it did not return true"],
  [
    "none of several rules",
    { any: [{ groups: ["us"] }, { consumers: ["beta"] }] },
    ACME,
    "allow.any[0].groups: consumer acme is in none of us; allow.any[1].consumers: consumer acme is none of them",
  ],
  [
    "the condition beside rules",
    { methods: ["PUT"], any: [{ consumers: ["acme"] }] },
    ACME,
    "allow.methods: GET is none of PUT",
  ],
];

describe("is refused with 403", () => {
  test.each(REFUSED)("%s", async (_, allow, who, message, is) => {
    const refusal = await judge(allow, callOf(who, is));
    expect(refusal).toBeInstanceOf(GatewayError);
    const { code, message: said, publicDetail, fields } = refusal as GatewayError;
    expect({ code, said, publicDetail, fields }).toEqual({
      code: "access_denied",
      said: message,
      publicDetail: undefined,
      fields: [],
    });
  });
});

test("a missing scope is said to the client with all that are wanted", async () => {
  const refusal = (await judge({ scope: ["a", "b"] }, callOf(scopes("a")))) as GatewayError;
  expect(refusal.code).toBe("insufficient_scope");
  expect(refusal.message).toBe("allow.scope: subject s-1 lacks b");
  expect(refusal.fields).toEqual([["WWW-Authenticate", 'token scope="a b"']]);
});

describe("is refused with 503", () => {
  const boom = new RangeError("no database");
  test.each([
    [
      "a function that throws",
      {
        when: () => {
          throw boom;
        },
      },
    ],
    ["a function that rejects", { when: () => Promise.reject(boom) }],
    [
      "such a function in one of several rules",
      { any: [{ groups: ["us"] as const }, { when: () => Promise.reject(boom) }] },
    ],
  ] as const)("%s", async (_, allow) => {
    const refusal = (await judge(allow as AllowOptions, callOf(ACME))) as GatewayError;
    expect(refusal.code).toBe("authorization_unavailable");
    expect(refusal.message).toEndWith(".when: it failed with RangeError: no database");
  });
});

test("a rule that holds is not spoilt by one that cannot be decided", async () => {
  const allow: AllowOptions = { any: [{ when: () => Promise.reject(new Error("x")) }, { groups: ["eu"] }] };
  expect(await judge(allow, callOf(ACME))).toBe("passes");
});

test("in observe mode nothing is refused, and what would have been is noted", async () => {
  const x = callOf(BETA);
  expect(await judge({ groups: ["eu"], mode: "observe" }, x)).toBe("passes");
  expect(x.observations.map(({ policy, error }) => [policy, error.code])).toEqual([["allow", "access_denied"]]);
});

test("a claim fits exactly when it or one of its members is one of the values", () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
  fc.assert(
    fc.property(fc.oneof(value, fc.array(value)), fc.array(value), (claim, values) => {
      const held = Array.isArray(claim) ? claim : [claim];
      expect(claimFits(claim, values)).toBe(held.some((each) => values.some((other) => other === each)));
    }),
  );
});

test("a claim is found under its own name before dots look into objects", () => {
  expect(claimOf({ "a.b": 1, a: { b: 2 } }, "a.b")).toBe(1);
  expect(claimOf({ a: { b: { c: 3 } } }, "a.b.c")).toBe(3);
  expect(claimOf({ a: [{ b: 1 }] }, "a.0.b")).toBeUndefined();
  expect(claimOf({ a: "text" }, "a.length")).toBeUndefined();
  expect(claimOf({}, "__proto__")).toBeUndefined();
});
