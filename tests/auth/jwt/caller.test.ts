// What a good token says of its caller: subject, scopes, consumer, claims; and where in a request it may stand.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import type { Scheme, Verdict } from "../../../src/auth/scheme.ts";
import type { ClaimsSchema } from "../../../src/config/auth/claims-schema.ts";
import type { JwtOptions } from "../../../src/config/auth/jwt.ts";
import type { Identity } from "../../../src/config/auth/options.ts";
import { GatewayError } from "../../../src/errors.ts";
import { issuerKey } from "../../support/tokens.ts";
import { type JwtRig, outcome, refusal, withFile } from "./rig.ts";

const CONSUMERS = {
  acme: { groups: ["partner"], subjects: { token: ["client-7", "u-1"] } },
  beta: { subjects: { token: ["u-2"] } },
};

async function callerOf(claims: object, options: Partial<JwtOptions<ClaimsSchema<object>>> = {}): Promise<Identity> {
  const rig = withFile(options, undefined, { consumers: CONSUMERS });
  const verdict = await rig.judge(rig.good(claims));
  if (verdict instanceof GatewayError) throw verdict;
  return verdict as Identity;
}

describe("scopes", () => {
  test.each<[claims: object, scopes: string[]]>([
    [{}, []],
    [{ scope: "a b" }, ["a", "b"]],
    [{ scope: "" }, []],
    [{ scope: "  a  b " }, ["a", "b"]],
    [{ scope: ["a", "b c"] }, ["a", "b c"]],
    [{ scp: ["a", "b"] }, ["a", "b"]],
    [{ scp: "a b" }, ["a", "b"]],
    [{ scope: "a", scp: ["b"] }, ["a"]],
    [{ scope: 1 }, []],
    [{ scope: ["a", 1, null] }, ["a"]],
    [{ scope: { a: true } }, []],
  ])("of %j are %j", async (claims, scopes) => {
    expect((await callerOf(claims)).scopes).toEqual(scopes);
  });

  test("may stand in another claim", async () => {
    expect((await callerOf({ scope: "a", permissions: ["b"] }, { scopeClaim: "permissions" })).scopes).toEqual(["b"]);
    const deep = { realm_access: { roles: ["c"] } };
    expect((await callerOf(deep, { scopeClaim: "realm_access.roles" })).scopes).toEqual(["c"]);
  });
});

describe("the consumer", () => {
  test.each<[claims: object, consumer: string | undefined]>([
    [{ sub: "u-1" }, "acme"],
    [{ sub: "u-2" }, "beta"],
    [{ sub: "u-2", client_id: "client-7" }, "beta"],
    [{ sub: "u-3", client_id: "client-7" }, "acme"],
    [{ sub: "u-3", azp: "client-7" }, "acme"],
    [{ sub: undefined, azp: "client-7" }, "acme"],
    [{ sub: ["u-1"] }, undefined],
    [{ sub: "u-3" }, undefined],
  ])("of %j is %s", async (claims, consumer) => {
    expect((await callerOf(claims)).consumer?.name).toBe(consumer!);
  });
});

describe("a schema of the claims", () => {
  const schema = v.looseObject({ sub: v.string(), role: v.picklist(["admin", "user"]), since: v.optional(v.number()) });

  test("lets pass what fits it, and gives what it makes of it", async () => {
    expect((await callerOf({ role: "admin" }, { claims: schema })).claims).toMatchObject({ role: "admin" });
    const upper = v.pipe(
      v.looseObject({ role: v.string() }),
      v.transform(({ role }) => ({ ROLE: role.toUpperCase() })),
    );
    const caller = await callerOf({ role: "admin", scope: "a" }, { claims: upper });
    expect(caller).toMatchObject({ claims: { ROLE: "ADMIN" }, subject: "u", scopes: ["a"] });
  });

  test("refuses what does not, and tells the operator which claims", async () => {
    const rig = withFile({ claims: schema });
    const verdict = await rig.judge(rig.good({ role: "root", since: "x" }));
    expect(refusal(verdict)).toEqual({
      code: "invalid_credentials",
      message: "the claims do not fit the schema: role, since",
    });
    expect(rig.scheme.challenge(verdict as GatewayError)).toEqual([
      'Bearer realm="sluice", error="invalid_token", error_description="The claims of the token are not what is wanted here."',
    ]);
  });

  test("may be asynchronous, and one that throws opens nothing", async () => {
    const later = v.objectAsync({
      role: v.pipeAsync(
        v.string(),
        v.checkAsync((role) => Promise.resolve(role === "a")),
      ),
    });
    expect((await callerOf({ role: "a" }, { claims: later })).claims).toEqual({ role: "a" });
    const broken = v.pipe(
      v.looseObject({}),
      v.transform((): object => {
        throw new Error("broken");
      }),
    );
    const rig = withFile({ claims: broken });
    expect(refusal(await rig.judge(rig.good()))).toMatchObject({ code: "authentication_unavailable" });
  });
});

describe("where a token stands:", () => {
  const ask = (rig: JwtRig, ...fields: [string, string][]): Promise<Verdict> =>
    Promise.resolve(rig.judgeFields(fields));
  const ACCEPTED = "accepted u";

  test("in Authorization, Bearer in any case, or it is of another scheme", async () => {
    const rig = withFile();
    const good = rig.good();
    for (const word of ["Bearer", "bearer", "BEARER"]) {
      expect(outcome(await ask(rig, ["Authorization", `${word} ${good}`]))).toBe(ACCEPTED);
    }
    expect(await ask(rig, ["Authorization", "Basic YTpi"])).toBeUndefined();
    expect(await ask(rig, ["X-Token", good])).toBeUndefined();
    expect(await ask(rig, ["Cookie", `token=${good}`])).toBeUndefined();
    expect(await ask(rig)).toBeUndefined();
    const twice = await ask(rig, ["Authorization", `Bearer ${good}`], ["Authorization", `Bearer ${good}`]);
    expect(refusal(twice)).toMatchObject({ code: "malformed_credentials" });
    expect(rig.scheme.credentialFields).toEqual(["authorization"]);
    expect(rig.scheme.forwards).toBe(true);
  });

  test("in a field of its own, alone or behind Bearer", async () => {
    const rig = withFile({ header: "X-Assertion" });
    const good = rig.good();
    expect(outcome(await ask(rig, ["x-assertion", good]))).toBe(ACCEPTED);
    expect(outcome(await ask(rig, ["X-Assertion", `Bearer ${good}`]))).toBe(ACCEPTED);
    expect(await ask(rig, ["Authorization", `Bearer ${good}`])).toBeUndefined();
    expect(await ask(rig, ["X-Assertion", ""])).toBeUndefined();
    expect(refusal(await ask(rig, ["X-Assertion", good], ["X-Assertion", good]))).toMatchObject({
      code: "malformed_credentials",
    });
    expect(rig.scheme.credentialFields).toEqual(["x-assertion"]);
  });

  test("in a cookie, where the field is not there", async () => {
    const rig = withFile({ cookie: "session" });
    const good = rig.good();
    expect(outcome(await ask(rig, ["Cookie", `a=b; session=${good}; c=d`]))).toBe(ACCEPTED);
    expect(outcome(await ask(rig, ["Cookie", "a=b"], ["Cookie", `session=${good}`]))).toBe(ACCEPTED);
    expect(outcome(await ask(rig, ["Cookie", `session=${good}; session=${good}`]))).toBe(ACCEPTED);
    for (const other of [
      `Session=${good}`,
      `xsession=${good}`,
      `session`,
      `session=`,
      `x="; session=${good}`.slice(0, 3),
    ]) {
      expect(await ask(rig, ["Cookie", other])).toBeUndefined();
    }
    expect(refusal(await ask(rig, ["Cookie", `session=${good}; session=other`]))).toMatchObject({
      code: "malformed_credentials",
    });
    expect(outcome(await ask(rig, ["Authorization", "Bearer x.y.z"], ["Cookie", `session=${good}`]))).toContain(
      "base64url",
    );
  });
});

describe("the challenge", () => {
  const challenge = (scheme: Scheme, refusal?: GatewayError): unknown => scheme.challenge(refusal);

  test("says no error when no token came, and else which", async () => {
    const rig = withFile({ realm: "orders" });
    expect(challenge(rig.scheme)).toEqual(['Bearer realm="orders"']);
    const said = async (text: string): Promise<unknown> =>
      challenge(rig.scheme, (await rig.judge(text)) as GatewayError);
    const words = (error: string, description: string): string[] => [
      `Bearer realm="orders", error="${error}", error_description="${description}"`,
    ];
    expect(await said(rig.good({ exp: rig.seconds - 60 }))).toEqual(words("invalid_token", "The token has expired."));
    expect(await said(rig.good({ nbf: rig.seconds + 60 }))).toEqual(
      words("invalid_token", "The token is not valid yet."),
    );
    expect(await said(rig.good({ aud: "x" }))).toEqual(words("invalid_token", "The token is for another audience."));
    expect(await said(rig.good({ at_hash: "x" }))).toEqual(
      words("invalid_token", "The token is an ID token, not an access token."),
    );
    expect(await said(rig.good({}, { kid: 'a"b' }))).toEqual(words("invalid_token", "The token is not valid."));
    expect(await said("x.y.z")).toEqual(words("invalid_token", "The token is not valid."));
    expect(await said("")).toEqual(words("invalid_request", "The Bearer token is malformed."));
    expect(rig.scheme.scopeChallenge!(["a", "b"])).toBe(
      'Bearer realm="orders", error="insufficient_scope", scope="a b"',
    );
  });

  test("says where the resource is described", () => {
    const rig = withFile({ resource: "https://api.test/orders" });
    const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"';
    expect(challenge(rig.scheme)).toEqual([`Bearer realm="sluice", ${metadata}`]);
    expect(rig.scheme.scopeChallenge!(["a"])).toContain(metadata);
  });
});

describe("a token that is bound to its holder", () => {
  test.each([
    ["by a key", { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }],
    ["by a certificate", { "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }],
    ["in a way that nobody knows", { x: 1 }],
    ["by no object", "x"],
  ])("%s is no Bearer token, known or not", async (_, cnf) => {
    const rig = withFile();
    const bound = rig.good({ cnf });
    for (let i = 0; i < 2; i++) {
      expect(outcome(await rig.judge(bound))).toStartWith("the token is bound to its holder");
    }
  });
});

describe("options", () => {
  test.each<[options: Partial<JwtOptions<ClaimsSchema<object>>>, claims: object, header: object, accepted: boolean]>([
    [{ audience: false }, { aud: "anything" }, {}, true],
    [{ audience: false }, { aud: undefined }, {}, true],
    [{ audience: ["a", "b"] }, { aud: "b" }, {}, true],
    [{ audience: ["a", "b"] }, { aud: ["c"] }, {}, false],
    [{ issuer: false }, { iss: "https://anybody.test" }, {}, true],
    [{ issuer: false }, { iss: undefined }, {}, true],
    [{ typ: "at+jwt" }, {}, {}, false],
    [{ typ: "at+jwt" }, {}, { typ: "JWT" }, false],
    [{ typ: "at+jwt" }, {}, { typ: "application/AT+JWT" }, true],
    [{ typ: ["x+jwt", "JWT"] }, {}, { typ: "X+jwt" }, true],
    [{ typ: ["x+jwt", "JWT"] }, {}, { typ: "at+jwt" }, false],
    [{ idTokens: true }, { at_hash: "x", nonce: "y" }, {}, true],
    [{}, { at_hash: "x" }, { typ: "at+jwt" }, true],
    [{}, { nonce: "x", scope: "a" }, {}, true],
    [{}, { nonce: "x", typ: "Bearer" }, {}, true],
    [{ requiredClaims: ["tenant"] }, {}, {}, false],
    [{ requiredClaims: ["tenant"] }, { tenant: null }, {}, true],
    [{ requiredClaims: ["toString"] }, {}, {}, false],
    [{ leeway: "0s" as never }, { exp: -1 }, {}, false],
    [{ leeway: "1m" }, { exp: -59 }, {}, true],
    [{ leeway: "1m" }, { exp: -60 }, {}, false],
  ])("%j with %j and %j: %p", async (options, claims, header, accepted) => {
    const rig = withFile(options);
    const { exp } = claims as { exp?: number };
    const all = exp === undefined ? claims : { ...claims, exp: rig.seconds + exp };
    expect(outcome(await rig.judge(rig.good(all, header))).startsWith("accepted")).toBe(accepted);
  });

  test("forward: false keeps the token from the upstream", () => {
    expect(withFile({ forward: false }).scheme.forwards).toBe(false);
  });
});

test("a key that the runtime cannot use opens nothing", async () => {
  const bad = { ...issuerKey("ec", "EC P-256").jwk, y: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
  const rig = withFile({}, [bad]);
  expect(refusal(await rig.judge(rig.good()))).toMatchObject({ code: "authentication_unavailable" });
  expect(rig.platform.notices).toMatchObject([{ level: "error" }]);
});
