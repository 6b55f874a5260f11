// Key sets: which keys are used and for what, and files of them that change.
import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { type ReadKeySet, readJwks } from "../../../src/auth/jwt/jwk.ts";
import { isSafeUrl } from "../../../src/http/safe-url.ts";
import type { Identity } from "../../../src/config/auth/options.ts";
import { FakePlatform } from "../../../src/platforms/fake/platform.ts";
import { issuerKey, token } from "../../support/tokens.ts";
import { keySet, outcome, withFile } from "./rig.ts";

const RSA = issuerKey("k1").jwk;
const EC = issuerKey("ec", "EC P-256").jwk;
const ED = issuerKey("ed", "OKP Ed25519").jwk;

describe("a key of a set", () => {
  test.each<[name: string, jwk: unknown, allowed: string[] | undefined, result: string[] | string]>([
    ["RSA without alg", RSA, undefined, ["RS256"]],
    ["RSA without alg, where the config says which", RSA, ["PS256", "RS512", "ES256"], ["RS512", "PS256"]],
    ["RSA with alg", { ...RSA, alg: "PS384" }, undefined, ["PS384"]],
    ["RSA with an alg that the config has not", { ...RSA, alg: "PS384" }, ["RS256"], "for none of the algorithms"],
    ["RSA with the alg of another type", { ...RSA, alg: "ES256" }, undefined, "for none of the algorithms"],
    ["RSA with the alg of a secret", { ...RSA, alg: "HS256" }, undefined, "for none of the algorithms"],
    ["RSA for encryption", { ...RSA, alg: "RSA-OAEP" }, undefined, "for none of the algorithms"],
    ["EC", EC, undefined, ["ES256"]],
    ["EC with the alg of another curve", { ...EC, alg: "ES384" }, undefined, "for none of the algorithms"],
    ["Ed25519", ED, undefined, ["EdDSA", "Ed25519"]],
    ["Ed25519 with one of its names", { ...ED, alg: "EdDSA" }, undefined, ["EdDSA", "Ed25519"]],
    ["Ed25519 with one of its names, and the other allowed", { ...ED, alg: "Ed25519" }, ["EdDSA"], ["EdDSA"]],
    ["X25519", { ...ED, crv: "X25519" }, undefined, "for none of the algorithms"],
    ["secp256k1", { ...EC, crv: "secp256k1" }, undefined, "for none of the algorithms"],
    ["for encryption by its use", { ...RSA, use: "enc" }, undefined, "not for signatures"],
    ["for signing by its operations", { ...RSA, key_ops: ["sign"] }, undefined, "not for verifying"],
    ["with operations that are no list", { ...RSA, key_ops: "verify" }, undefined, "not for verifying"],
    ["for verifying by its operations", { ...RSA, key_ops: ["verify"] }, undefined, ["RS256"]],
    ["that is secret", { kty: "oct", k: "c2VjcmV0", kid: "k1" }, undefined, "a secret key"],
    ["of 1024 bits", issuerKey("short", "RSA", 1024).jwk, undefined, "fewer than 2048 bits"],
    [
      "of 1024 bits behind zeros",
      {
        ...issuerKey("short", "RSA", 1024).jwk,
        n: `${"A".repeat(200)}${String(issuerKey("short", "RSA", 1024).jwk["n"])}`,
      },
      undefined,
      "fewer than 2048 bits",
    ],
    ["of another type", { kty: "AKP", alg: "ML-DSA-44" }, undefined, "not known"],
    ["of a type that every object has", { kty: "constructor" }, undefined, "not known"],
    ["without a type", {}, undefined, "no kty"],
    ["without its modulus", { ...RSA, n: undefined }, undefined, "no n"],
    ["with a kid that is a number", { ...RSA, kid: 1 }, undefined, "a kid that is no text"],
    ["with an alg that is a list", { ...RSA, alg: ["RS256"] }, undefined, "an alg that is no text"],
    ["that is a text", "k1", undefined, "no object"],
    ["that is null", null, undefined, "no object"],
  ])("%s", (_, jwk, allowed, result) => {
    const read = readJwks(JSON.stringify({ keys: [jwk] }), allowed);
    if (typeof result === "string") expect(read).toContain(result);
    else expect((read as ReadKeySet).keys[0]!.algorithms).toEqual(result);
  });

  test("does not spoil the others", () => {
    const read = readJwks(JSON.stringify({ keys: [null, { ...RSA, use: "enc" }, RSA, { kty: "oct" }] }), undefined);
    expect(read).toMatchObject({
      keys: [{ kid: "k1" }],
      leftOut: ["keys[0] is no object", "keys[1] is not for signatures", "keys[3] is a secret key"],
    });
  });

  test("has its public members alone, whatever its publisher let slip", () => {
    const slipped = { ...issuerKey("k1").privateKey.export({ format: "jwk" }), kid: "k1", x5c: ["MIIB"] };
    const read = readJwks(JSON.stringify({ keys: [slipped] }), undefined) as ReadKeySet;
    expect(Object.keys(read.keys[0]!.members)).toEqual(["kty", "n", "e"]);
  });

  test("is one of 128 at most", () => {
    expect(readJwks(JSON.stringify({ keys: Array<object>(128).fill(RSA) }), undefined)).toMatchObject({ leftOut: [] });
    expect(readJwks(JSON.stringify({ keys: Array<object>(129).fill(RSA) }), undefined)).toContain("more than 128");
  });
});

test("of many keys that might have signed a token without kid four are tried", async () => {
  const keys = ["a", "b", "c", "d", "e"].map((kid) => issuerKey(kid));
  const rig = withFile(
    {},
    keys.map(({ jwk }) => jwk),
  );
  const outcomes: string[] = [];
  for (const key of keys) outcomes.push(outcome(await rig.judge(token({ alg: "RS256" }, rig.claims(), key))));
  expect(outcomes.map((text) => text.startsWith("accepted"))).toEqual([true, true, true, true, false]);
  for (const key of keys) {
    expect(outcome(await rig.judge(token({ alg: "RS256", kid: key.kid }, rig.claims(), key)))).toBe("accepted u");
  }
});

test("a kid that is longer than 1024 characters is not looked up", async () => {
  const rig = withFile({}, [
    { ...RSA, kid: "k".repeat(1025) },
    { ...RSA, kid: "k".repeat(1024) },
  ]);
  expect(outcome(await rig.judge(rig.good({}, { kid: "k".repeat(1024) })))).toBe("accepted u");
  expect(outcome(await rig.judge(rig.good({}, { kid: "k".repeat(1025) })))).toContain("kid is no short text");
});

test("what a schema makes of the claims cannot be changed either", async () => {
  const schema = v.pipe(
    v.looseObject({ sub: v.string() }),
    v.transform(({ sub }) => ({ of: { sub }, at: new Date(0) })),
  );
  const rig = withFile({ claims: schema });
  const { claims } = (await rig.judge(rig.good())) as Identity<string, { of: { sub: string }; at: Date }>;
  expect(() => (claims.of.sub = "root")).toThrow();
  expect(() => Object.assign(claims, { more: 1 })).toThrow();
  expect(claims.at.getTime()).toBe(0);
});

describe("a file of keys", () => {
  /** Lets the runtime do what it has begun. */
  const rest = async (): Promise<void> => {
    for (let turns = 0; turns < 200; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
  };

  test("that is read slowly does not undo a later reading", async () => {
    const platform = new FakePlatform();
    const rig = withFile({}, undefined, { platform, files: { "keys.json": keySet(RSA) } });
    const readings: ((text: string) => void)[] = [];
    platform.files.read = () => new Promise((resolve) => readings.push(resolve));
    platform.files.write("/config/keys.json", "first");
    platform.files.write("/config/keys.json", "second");
    readings[1]!(keySet(issuerKey("k2").jwk));
    await rest();
    readings[0]!(keySet(issuerKey("k3").jwk));
    await rest();
    const by = (kid: string): string => token({ alg: "RS256", kid }, rig.claims(), issuerKey(kid));
    expect(outcome(await rig.judge(by("k2")))).toBe("accepted u");
    expect(outcome(await rig.judge(by("k3")))).toContain("no key");
  });

  test("that goes away changes nothing, and is told once for each change", async () => {
    const rig = withFile();
    expect(outcome(await rig.judge(rig.good()))).toBe("accepted u");
    rig.platform.files.write("/config/keys.json", undefined);
    await rest();
    expect(rig.platform.notices).toMatchObject([
      { level: "warn", text: expect.stringContaining("The keys that are known serve on.") },
    ]);
    expect(outcome(await rig.judge(rig.good({ sub: "v" })))).toBe("accepted v");
    expect(rig.scheme.unready!()).toBeUndefined();
  });

  test("is watched until the scheme is closed", () => {
    const rig = withFile();
    expect(rig.platform.files.watchers("/config/keys.json")).toBe(1);
    rig.close();
    expect(rig.platform.files.watchers("/config/keys.json")).toBe(0);
  });
});

test.each<[url: string, from: string | undefined, safe: boolean]>([
  ["https://a.test/k", undefined, true],
  ["http://a.test/k", undefined, false],
  ["http://127.0.0.1/k", undefined, true],
  ["http://127.1.2.3/k", undefined, true],
  ["http://[::1]:8/k", undefined, true],
  ["http://localhost/k", undefined, true],
  ["http://localhost.evil.test/k", undefined, false],
  ["http://127.0.0.1.evil.test/k", undefined, false],
  ["http://10.0.0.1/k", undefined, false],
  ["https://user@a.test/k", undefined, false],
  ["https://a:b@a.test/k", undefined, false],
  ["file:///k", undefined, false],
  ["data:application/json,{}", undefined, false],
  ["k", undefined, false],
  ["http://127.0.0.1/k", "https://a.test", false],
  ["http://127.0.0.1/k", "http://127.0.0.1:9", true],
  ["https://b.test/k", "https://a.test", true],
])("%s from %s is safe: %p", (url, from, safe) => {
  expect(isSafeUrl(url, from)).toBe(safe);
});
