// What is made of the answer of an introspection endpoint: good, refused, or no answer at all.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NoAnswer } from "../../src/auth/introspection/endpoint.ts";
import { type GoodToken, judge } from "../../src/auth/introspection/judgement.ts";
import { GatewayError } from "../../src/errors.ts";

const NOW = Date.UTC(2026, 10, 25, 12);
const seconds = NOW / 1000;
const ANY = { audience: [], issuer: undefined };
const OURS = { audience: ["orders", "https://api.test"], issuer: "https://login.test" };

const judged = (answer: object, plan: Parameters<typeof judge>[1] = ANY): GoodToken | GatewayError =>
  judge(answer as Readonly<Record<string, unknown>>, plan, NOW);

/** The answer is taken: what it says. */
function good(answer: object, plan?: Parameters<typeof judge>[1]): GoodToken {
  const result = judged({ active: true, ...answer }, plan);
  if (result instanceof GatewayError) throw result;
  return result;
}

describe("an answer is good", () => {
  test("that says no more than that the token is active", () => {
    expect(good({})).toEqual({
      claims: { active: true },
      subjects: [],
      scopes: [],
      expiresAt: Infinity,
      confirmation: undefined,
    });
  });

  test("and names the caller by sub, username and client_id, in this order", () => {
    expect(good({ client_id: "c", username: "u", sub: "s" }).subjects).toEqual(["s", "u", "c"]);
    expect(good({ client_id: "c", username: "u" }).subjects).toEqual(["u", "c"]);
    expect(good({ client_id: "c", sub: "" }).subjects).toEqual(["c"]);
  });

  test.each([
    ["a b", ["a", "b"]],
    ["a", ["a"]],
    ["", []],
    [" a  b ", ["a", "b"]],
  ])("with the scopes %p", (scope, scopes) => {
    expect(good({ scope }).scopes).toEqual(scopes);
  });

  test("also with null for what it does not say", () => {
    expect(good({ sub: null, exp: null, aud: null, cnf: null, username: "u" })).toEqual({
      claims: { active: true, username: "u" },
      subjects: ["u"],
      scopes: [],
      expiresAt: Infinity,
      confirmation: undefined,
    });
  });

  const TIMES = [
    ["until it expires", { exp: seconds + 0.5 }],
    ["from the moment on which it is good", { nbf: seconds }],
    ["though our clock is a bit late", { nbf: seconds + 30 }],
  ] as const;
  test.each(TIMES)("%s", (_, answer) => {
    expect(good(answer).claims).toMatchObject(answer);
  });

  test.each([["orders"], [["orders"]], [["x", "https://api.test"]]])("whose aud is %j", (aud) => {
    expect(good({ aud, iss: "https://login.test" }, OURS).claims).toMatchObject({ aud });
  });

  test.each([{ token_use: "access_token" }, { token_use: "access" }, { typ: "Bearer" }, { token_type: "Bearer" }])(
    "of the use %j",
    (use) => {
      expect(good(use).claims).toMatchObject(use);
    },
  );

  test("and says to what the token is bound, also when it does not say how", () => {
    expect(good({ cnf: { jkt: "x" } }).confirmation).toEqual({ jkt: "x" });
    expect(good({ cnf: { jkt: "x" }, token_type: "DPoP" }).confirmation).toEqual({ jkt: "x" });
    expect(good({ token_type: "DPoP" }).confirmation).toEqual({});
    expect(good({ token_type: "dpop" }).confirmation).toEqual({});
    expect(good({ cnf: "x" }).confirmation).toBe("x");
  });
});

describe("a token is refused", () => {
  const REFUSED: readonly (readonly [what: string, answer: object, plan: Parameters<typeof judge>[1]])[] = [
    ["that is not active", { active: false }, ANY],
    ["that is not active, whatever else is said", { active: false, sub: "s", exp: seconds + 60 }, ANY],
    ["that has expired", { exp: seconds - 1 }, ANY],
    ["that expires now", { exp: seconds }, ANY],
    ["that is not good yet", { nbf: seconds + 31 }, ANY],
    ["of another issuer", { iss: "https://evil.test", aud: "orders" }, OURS],
    ["of an issuer that only begins alike", { iss: "https://login.test/", aud: "orders" }, OURS],
    ["of no issuer", { aud: "orders" }, OURS],
    ["for another audience", { iss: "https://login.test", aud: "other" }, OURS],
    ["for other audiences", { iss: "https://login.test", aud: ["other", "Orders"] }, OURS],
    ["for no audience", { iss: "https://login.test" }, OURS],
    ["for an empty list of audiences", { iss: "https://login.test", aud: [] }, OURS],
    ["that refreshes, as Hydra says", { token_use: "refresh_token" }, ANY],
    ["that identifies, as Cognito says", { token_use: "id" }, ANY],
    ["that refreshes, as Keycloak says", { typ: "Refresh" }, ANY],
    ["that refreshes offline, as Keycloak says", { typ: "Offline" }, ANY],
    ["that identifies, as Keycloak says", { typ: "ID" }, ANY],
  ];
  test.each(REFUSED)("%s", (_, answer, plan) => {
    const result = judged({ active: true, ...answer }, plan);
    expect(result).toBeInstanceOf(GatewayError);
    expect((result as GatewayError).code).toBe("invalid_credentials");
  });
});

describe("an answer is none", () => {
  const NONE: readonly (readonly [what: string, answer: object])[] = [
    ["without active", {}],
    ["whose active is a text", { active: "true" }],
    ["whose active is a number", { active: 1 }],
    ["whose active is null", { active: null }],
    ["whose active is in a list", { active: [true] }],
    ["whose Active is written large", { Active: true }],
    ...["scope", "client_id", "username", "token_type", "sub", "iss"].flatMap((name) =>
      [7, true, ["x"], {}].map(
        (value) => [`whose ${name} is ${JSON.stringify(value)}`, { active: true, [name]: value }] as const,
      ),
    ),
    ...["exp", "nbf", "iat"].flatMap((name) =>
      ["1", true, [1], {}].map(
        (value) => [`whose ${name} is ${JSON.stringify(value)}`, { active: true, [name]: value }] as const,
      ),
    ),
  ];
  test.each(NONE)("%s", (_, answer) => {
    expect(() => judged(answer)).toThrow(NoAnswer);
  });

  test.each([[7], [true], [{}], [[7]], [["orders", 7]]])("whose aud is %j where it counts", (aud) => {
    expect(() => judged({ active: true, iss: "https://login.test", aud }, OURS)).toThrow(NoAnswer);
  });
});

test("nothing but true for active lets a token pass, whatever else an answer holds", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (rest, active) => {
      fc.pre(active !== true);
      let result: unknown;
      try {
        result = judged({ ...rest, active });
      } catch (thrown) {
        result = thrown;
      }
      expect(result).toBeInstanceOf(Error);
    }),
  );
});
