// The options of httpSignature and the keys of consumers: what the plan makes of them, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { httpSignature, type HttpSignaturePlan } from "../../../src/config/auth/http-signature.ts";
import { env, Secret } from "../../../src/config/secrets.ts";
import { faultLines, HELLO, planOf, type World } from "../support.ts";

const spki = ({ publicKey }: { publicKey: KeyObject }): string =>
  publicKey.export({ type: "spki", format: "pem" }) as string;
const ED = spki(generateKeyPairSync("ed25519"));
const P256 = spki(generateKeyPairSync("ec", { namedCurve: "P-256" }));
const P384 = spki(generateKeyPairSync("ec", { namedCurve: "P-384" }));
const RSA = spki(generateKeyPairSync("rsa", { modulusLength: 2048 }));
const RSA_SHORT = spki(generateKeyPairSync("rsa", { modulusLength: 1024 }));
const PRIVATE = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;

const withScheme = (options: object): object => ({
  auth: { signed: httpSignature(options) },
  routes: { hello: { ...HELLO, auth: "signed" } },
});
const withKeys = (...keys: unknown[]): object => ({
  ...withScheme({}),
  consumers: { acme: { signingKeys: keys } },
});
const SECRET: World = { env: { SECRET: "s".repeat(32) } };

test("nothing must be said", () => {
  expect(planOf(withScheme({})).auth.schemes[0] as HttpSignaturePlan).toEqual({
    name: "signed",
    kind: "http-signature",
    observe: false,
    realm: "sluice",
    vouches: [],
    components: ["@method", "@target-uri"],
    contentDigest: true,
    maxContent: 1_048_576,
    maxAgeMs: 300_000,
    leewayMs: 30_000,
    nonce: "optional",
    maxNonces: 100_000,
    label: undefined,
    tag: undefined,
    origin: undefined,
    forward: true,
  });
});

test("names of fields are compared without case, and an origin is what its URL says", () => {
  const options = { components: ["@method", "X-Date"], origin: "https://API.test:443", leeway: "0s" };
  expect(planOf(withScheme(options)).auth.schemes[0]).toMatchObject({
    components: ["@method", "x-date"],
    origin: { scheme: "https", authority: "api.test" },
    leewayMs: 0,
  });
});

test("each algorithm has keys of its own kind, from the config, a file or the environment", () => {
  const plan = planOf(
    withKeys(
      { id: "1", algorithm: "ed25519", key: ED },
      { id: "2", algorithm: "ecdsa-p256-sha256", key: "acme.pem" },
      { id: "3", algorithm: "rsa-pss-sha512", key: env("PEM") },
      { id: "4", algorithm: "hmac-sha256", key: env("SECRET") },
      { id: "5", algorithm: "hmac-sha256", key: env("ENCODED") },
    ),
    {
      env: { ...SECRET.env, PEM: RSA, ENCODED: `base64:${Buffer.alloc(32).toString("base64")}` },
      files: { "acme.pem": P256 },
    },
  );
  const keys = plan.auth.consumers[0]!.signingKeys;
  expect(keys.map(({ id, algorithm }) => `${id} ${algorithm}`)).toEqual([
    ...["1 ed25519", "2 ecdsa-p256-sha256", "3 rsa-pss-sha512", "4 hmac-sha256", "5 hmac-sha256"],
  ]);
  expect(keys.slice(0, 3).map(({ key }) => key)).toEqual([ED, P256, RSA]);
  expect(keys[3]!.key).toBeInstanceOf(Secret);
  expect(JSON.stringify(keys)).not.toContain("ssss");
});

describe("is refused:", () => {
  const KEYS = [
    ["a key of another algorithm", { id: "k", algorithm: "ed25519", key: P256 }, /key for ecdsa-p256-sha256/],
    ["a key of another curve", { id: "k", algorithm: "ecdsa-p256-sha256", key: P384 }, /none of ed25519/],
    ["an RSA key that is too short", { id: "k", algorithm: "rsa-pss-sha512", key: RSA_SHORT }, /at least 2048 bits/],
    ["a private key", { id: "k", algorithm: "ed25519", key: PRIVATE }, /stays with the caller/],
    ["a file that is not there", { id: "k", algorithm: "ed25519", key: "none.pem" }, /No such file/],
    ["a PEM that is none", { id: "k", algorithm: "ed25519", key: "-----BEGIN x" }, /no public key/],
    ["a secret in the config", { id: "k", algorithm: "hmac-sha256", key: "hunter2".repeat(9) }, /never stands in/],
    ["a secret that is short", { id: "k", algorithm: "hmac-sha256", key: env("SHORT") }, /It has 7 bytes: 32/],
    ["a secret that is no base64", { id: "k", algorithm: "hmac-sha256", key: env("BAD") }, /not base64/],
    ["a public key as a secret", { id: "k", algorithm: "hmac-sha256", key: ED }, /from env\(\)/],
    ["another algorithm", { id: "k", algorithm: "rsa-v1_5-sha256", key: RSA }, /signingKeys\.0\.algorithm/],
    ["no id", { algorithm: "ed25519", key: ED }, /signingKeys\.0\.id/],
    ["an id with a blank", { id: "a b", algorithm: "ed25519", key: ED }, /signingKeys\.0\.id/],
  ] as const;
  test.each(KEYS)("%s", (_, key, message) => {
    const lines = faultLines(withKeys(key), { env: { SHORT: "hunter2", BAD: "base64:***" } });
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    expect(lines[0]!).not.toMatch(/hunter2|BEGIN PRIVATE/);
  });

  test("an id that two keys have", () => {
    const key = { id: "k", algorithm: "ed25519", key: ED };
    expect(faultLines(withKeys(key, key))).toEqual([
      expect.stringMatching(/^consumers\.acme\.signingKeys\.1\.id: .*It stands there twice\./) as string,
    ]);
    const two = { ...withScheme({}), consumers: { a: { signingKeys: [key] }, b: { signingKeys: [key] } } };
    expect(faultLines(two)[0]).toMatch(/^consumers\.b\.signingKeys\.0\.id: .*a has it too\./);
  });

  const OPTIONS = [
    ["nothing to cover", { components: [] }, /would fit any request/],
    ["a component that is none", { components: ["@methods"] }, /Did you mean "@method"/],
    ["a component of answers", { components: ["@status"] }, /components\.0/],
    ["a component with parameters", { components: ['"x";key="a"'] }, /components\.0/],
    ["a path as origin", { origin: "https://api.test/x" }, /path/],
    ["a name as origin", { origin: "api.test" }, /origin/],
    ["a label that is no key", { label: "Sig 1" }, /lower-case/],
    ["a wrong word for nonce", { nonce: "require" }, /Did you mean "required"/],
    ["an age of nothing", { maxAge: "0s" }, /at least 1s/],
    ["room for no nonce", { maxNonces: 0 }, /whole number/],
  ] as const;
  test.each(OPTIONS)("%s", (_, options, message) => {
    const lines = faultLines(withScheme(options));
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
  });
});
