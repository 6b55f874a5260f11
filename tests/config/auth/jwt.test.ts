// The options of jwt: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { jwt, type JwtOptions, type JwtPlan } from "../../../src/config/auth/jwt.ts";
import { env, Secret } from "../../../src/config/secrets.ts";
import { issuerKey } from "../../support/tokens.ts";
import { faultLines, HELLO, planOf, resolve, type World } from "../support.ts";

const ISSUER = "https://login.example.com";
const RSA = issuerKey("k1");
const EC = issuerKey("ec", "EC P-256");
const KEYS = JSON.stringify({ keys: [RSA.jwk] });
const WORLD: World = {
  env: { ISSUER, KEY: RSA.pem, S: "s".repeat(32), SHORT: "s".repeat(31), EMPTY: "" },
  files: {
    "keys.json": KEYS,
    "rsa.pem": RSA.pem,
    "private.pem": RSA.privateKey.export({ type: "pkcs8", format: "pem" }),
    "pkcs1.pem": RSA.publicKey.export({ type: "pkcs1", format: "pem" }),
    "cert.pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "x25519.pem":
      "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAEWmhBMDpuVFbVqfrrXBWnGaUmOMPYlFXnVqDXJQ6Klc=\n-----END PUBLIC KEY-----\n",
    "short.pem": issuerKey("short", "RSA", 1024).pem,
    "broken.json": '{"keys":',
    "none.json": '{"keys":[]}',
    "secret.json": '{"keys":[{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}]}',
    "private.json": JSON.stringify({ keys: [RSA.privateKey.export({ format: "jwk" })] }),
  },
};

const withScheme = (options: object): object => ({
  auth: { token: jwt({ issuer: ISSUER, audience: "svc", ...options } as JwtOptions) },
  routes: { hello: { ...HELLO, auth: "token" } },
});

const schemeOf = (options: object, world = WORLD): JwtPlan =>
  planOf(withScheme(options), world).auth.schemes[0] as JwtPlan;

test("an issuer and an audience are all that must be said", () => {
  expect(schemeOf({})).toEqual({
    kind: "jwt",
    name: "token",
    observe: false,
    realm: "sluice",
    vouches: [],
    resource: undefined,
    dpop: undefined,
    issuer: ISSUER,
    audiences: ["svc"],
    keys: { from: "issuer", issuer: ISSUER },
    algorithms: undefined,
    types: ["at+jwt", "jwt", ""],
    idTokens: false,
    leewaySeconds: 30,
    requiredClaims: [],
    maxLength: 16_384,
    scopeClaims: ["scope", "scp"],
    claims: undefined,
    header: "authorization",
    cookie: undefined,
    forward: true,
    keySet: {
      timeoutMs: 5_000,
      cooldownMs: 30_000,
      refreshMs: 600_000,
      maxAgeMs: 86_400_000,
      tls: { serverName: undefined, ca: undefined, cert: undefined, key: undefined, verify: true },
    },
  });
});

test.each<[options: object, keys: object]>([
  [{ jwks: "https://x.test/keys" }, { from: "url", url: "https://x.test/keys" }],
  [{ jwks: "http://127.0.0.1:9/keys" }, { from: "url", url: "http://127.0.0.1:9/keys" }],
  [{ jwks: "http://localhost:9/keys" }, { from: "url", url: "http://localhost:9/keys" }],
  [{ jwks: "http://[::1]:9/keys" }, { from: "url", url: "http://[::1]:9/keys" }],
  [{ jwks: "keys.json" }, { from: "file", path: "keys.json", text: KEYS }],
  [{ publicKey: "rsa.pem" }, { from: "pem", pem: RSA.pem, algorithms: ["RS256"] }],
  [
    { publicKey: RSA.pem, algorithms: ["PS512"] },
    { from: "pem", pem: RSA.pem, algorithms: ["PS512"] },
  ],
  [{ publicKey: env("KEY") }, { from: "pem", pem: RSA.pem, algorithms: ["RS256"] }],
  [{ publicKey: EC.pem }, { from: "pem", pem: EC.pem, algorithms: ["ES256"] }],
  [{ publicKey: issuerKey("a", "EC P-384").pem }, { algorithms: ["ES384"] }],
  [{ publicKey: issuerKey("a", "EC P-521").pem }, { algorithms: ["ES512"] }],
  [{ publicKey: issuerKey("a", "OKP Ed25519").pem }, { algorithms: ["EdDSA", "Ed25519"] }],
  [{ issuer: "anything", publicKey: EC.pem }, { from: "pem" }],
  [{ issuer: false, publicKey: EC.pem }, { from: "pem" }],
  [
    { secret: env("S"), algorithms: ["HS256"] },
    { from: "secret", secret: expect.any(Secret) },
  ],
  [{ issuer: env("ISSUER") }, { from: "issuer", issuer: ISSUER }],
  [{ issuer: "http://127.0.0.1:8080/realms/a" }, { from: "issuer" }],
])("the keys of %j", (options, keys) => {
  expect(schemeOf(options).keys).toMatchObject(keys);
});

test("what is said otherwise", () => {
  const claims = v.object({ a: v.string() });
  const plan = schemeOf({
    audience: ["a", env("ISSUER")],
    typ: ["application/AT+jwt", "X"],
    leeway: "1500ms",
    scopeClaim: "roles",
    claims,
    header: "X-Token",
    mode: "observe",
    realm: "r",
    resource: "https://api.test",
    keySet: { timeout: "1s", cooldown: "2s", refresh: "3s", maxAge: "4s" },
  });
  expect(plan).toMatchObject({
    audiences: ["a", ISSUER],
    types: ["at+jwt", "x"],
    leewaySeconds: 1.5,
    scopeClaims: ["roles"],
    header: "x-token",
    observe: true,
    realm: "r",
    resource: { authorizationServers: [ISSUER] },
    keySet: { timeoutMs: 1000, cooldownMs: 2000, refreshMs: 3000, maxAgeMs: 4000 },
  });
  expect(plan.claims).toBe(claims);
  expect(schemeOf({ audience: false }).audiences).toBeUndefined();
});

describe("is refused:", () => {
  const PEM_HINT = /^auth\.token\.publicKey/;
  const WRONG: readonly (readonly [name: string, options: object, message: RegExp])[] = [
    ["no issuer", { issuer: undefined }, /^auth\.token\.issuer: wanted the `iss` that tokens must have, or false/],
    ["an issuer that is true", { issuer: true }, /^auth\.token\.issuer/],
    ["an empty issuer", { issuer: "" }, /^auth\.token\.issuer/],
    ["an issuer over http", { issuer: "http://login.example.com" }, /^auth\.token\.issuer: .*https/],
    ["an issuer that is no URL", { issuer: "login.example.com" }, /^auth\.token\.issuer: .*https/],
    ["an issuer with a query", { issuer: `${ISSUER}?a=b` }, /^auth\.token\.issuer/],
    ["an issuer with a password", { issuer: "https://a:b@login.example.com" }, /^auth\.token\.issuer/],
    ["any issuer, and no keys", { issuer: false }, /place of keys.*jwks, publicKey and secret/],
    ["no audience", { audience: undefined }, /^auth\.token\.audience: .*or false/],
    ["an audience that is true", { audience: true }, /^auth\.token\.audience/],
    ["an empty list of audiences", { audience: [] }, /^auth\.token\.audience/],
    ["an empty audience", { audience: [""] }, /^auth\.token\.audience\.0/],
    ["two places of keys", { jwks: "keys.json", publicKey: "rsa.pem" }, /^auth\.token\.publicKey: .*one place/],
    ["a key set over http", { jwks: "http://x.test/keys" }, /^auth\.token\.jwks: .*over https/],
    ["a key set of another scheme", { jwks: "ftp://x.test/keys" }, /^auth\.token\.jwks/],
    ["a file of keys that is not there", { jwks: "no.json" }, /^auth\.token\.jwks: .*No such file/],
    ["a file of keys that is broken", { jwks: "broken.json" }, /^auth\.token\.jwks: .*no JSON/],
    ["a file without keys", { jwks: "none.json" }, /^auth\.token\.jwks: .*no keys/],
    ["a file with a secret", { jwks: "secret.json" }, /^auth\.token\.jwks: .*keys\[0\] is a secret key/],
    ["a file without a key of the algorithm", { jwks: "keys.json", algorithms: ["ES256"] }, /^auth\.token\.jwks/],
    ["a private key", { publicKey: "private.pem" }, /openssl pkey -in key\.pem -pubout/],
    ["a key in PKCS #1", { publicKey: "pkcs1.pem" }, /openssl rsa -RSAPublicKey_in/],
    ["a certificate", { publicKey: "cert.pem" }, /openssl x509 -in cert\.pem -pubkey -noout/],
    ["a key for another use", { publicKey: "x25519.pem" }, PEM_HINT],
    ["a short RSA key", { publicKey: "short.pem" }, /at least 2048 bits/],
    ["a key that is no file", { publicKey: "no.pem" }, PEM_HINT],
    [
      "a key and another's algorithm",
      { publicKey: "rsa.pem", algorithms: ["ES256"] },
      /^auth\.token\.algorithms: .*RS256/,
    ],
    [
      "a secret in the config",
      { secret: "s".repeat(32), algorithms: ["HS256"] },
      /^auth\.token\.secret: .*env\("NAME"\)/,
    ],
    ["a secret that is not there", { secret: env("NO"), algorithms: ["HS256"] }, /^auth\.token\.secret: .*NO/],
    ["a short secret", { secret: env("SHORT"), algorithms: ["HS256"] }, /^auth\.token\.secret: .*32/],
    ["a secret that is short for its longest hash", { secret: env("S"), algorithms: ["HS256", "HS512"] }, /64/],
    ["a secret without algorithms", { secret: env("S") }, /algorithms beside secret/],
    ["a secret and RS256", { secret: env("S"), algorithms: ["HS256", "RS256"] }, /^auth\.token\.algorithms: .*"RS256"/],
    [
      "HMAC with an issuer's keys",
      { algorithms: ["RS256", "HS256"] },
      /^auth\.token\.algorithms: .*anybody could sign/,
    ],
    ["HMAC with a key set", { jwks: "keys.json", algorithms: ["HS256"] }, /^auth\.token\.algorithms: .*anybody could/],
    ["HMAC with a public key", { publicKey: "rsa.pem", algorithms: ["HS256"] }, /^auth\.token\.algorithms: .*anybody/],
    ["none", { algorithms: ["none"] }, /^auth\.token\.algorithms\.0/],
    ["none in capitals", { algorithms: ["RS256", "NONE"] }, /^auth\.token\.algorithms\.1/],
    ["an algorithm in small letters", { algorithms: ["rs256"] }, /^auth\.token\.algorithms\.0: .*"RS256"/],
    ["no algorithms", { algorithms: [] }, /^auth\.token\.algorithms/],
    ["a typ that is none", { typ: "a b" }, /^auth\.token\.typ/],
    ["a long leeway", { leeway: "61s" }, /^auth\.token\.leeway: .*at most/],
    ["a required claim without a name", { requiredClaims: [""] }, /^auth\.token\.requiredClaims\.0/],
    ["a length above 64 KiB", { maxLength: "65KiB" }, /^auth\.token\.maxLength/],
    ["a schema that is none", { claims: {} }, /^auth\.token\.claims/],
    ["a field that is none", { header: "X Token" }, /^auth\.token\.header/],
    ["a cookie that is none", { cookie: "a=b" }, /^auth\.token\.cookie/],
    ["a cookie that is kept from the upstream", { cookie: "a", forward: false }, /^auth\.token\.forward/],
    ["clocks of keys that nobody fetches", { publicKey: "rsa.pem", keySet: {} }, /^auth\.token\.keySet: .*fetched/],
    ["TLS of keys that nobody fetches", { jwks: "keys.json", tls: {} }, /^auth\.token\.tls: .*fetched/],
    [
      "keys that end before they are fetched",
      { keySet: { refresh: "2h", maxAge: "1h" } },
      /^auth\.token\.keySet\.maxAge/,
    ],
    ["an option that is none", { audiences: "svc" }, /^auth\.token\.audiences: .*"audience"/],
    ["DPoP in another field", { dpop: "required", resource: "https://a.test", header: "X-T" }, /^auth\.token\.header/],
  ];
  test.each(WRONG)("%s", (_, options, message) => {
    const lines = faultLines(withScheme(options), WORLD);
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    for (const secret of [WORLD.env!["S"]!, WORLD.env!["SHORT"]!, "PRIVATE KEY"]) {
      expect(lines[0]!.replace("holds a private key", "")).not.toContain(secret);
    }
  });

  test("a file, where there are none", () => {
    const { faults } = resolve(withScheme({ jwks: "keys.json" }));
    expect(faults).toHaveLength(1);
  });
});

test("of a private key in a key set only the public half is taken", () => {
  expect(schemeOf({ jwks: "private.json" }).keys.from).toBe("file");
});
