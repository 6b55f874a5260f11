// Tokens that are known from a moment ago: found at once, never past their end, never past their key; and refused ones too.
import { describe, expect, test } from "bun:test";
import type { Identity } from "../../../src/config/auth/options.ts";
import type { VerificationKey } from "../../../src/auth/jwt/key-set.ts";
import { KnownTokens } from "../../../src/auth/jwt/known-tokens.ts";
import { GatewayError } from "../../../src/errors.ts";
import { issuerKey, token } from "../../support/tokens.ts";
import { keySet, outcome, withFile } from "./rig.ts";

const key = (): VerificationKey => ({
  kid: undefined,
  byAlgorithm: new Map(),
  mark: "",
  gone: false,
});

describe("a token that was verified", () => {
  test("is the same caller at once, without any promise", async () => {
    const rig = withFile();
    const good = rig.good();
    const first = await rig.judge(good);
    expect(outcome(first)).toBe("accepted u");
    const second = rig.judgeNow(good);
    expect(second).toBe(first as Identity);
  });

  test("is verified anew after a minute", async () => {
    const rig = withFile();
    const good = rig.good();
    const first = await rig.judge(good);
    rig.platform.clock.advance(59_999);
    expect(rig.judgeNow(good)).toBe(first as Identity);
    rig.platform.clock.advance(1);
    const second = rig.judgeNow(good);
    expect(second).toBeInstanceOf(Promise);
    expect(outcome(await second)).toBe("accepted u");
  });

  test("is not known past its end, leeway or not", async () => {
    const rig = withFile();
    const good = rig.good({ exp: rig.seconds + 10 });
    const first = await rig.judge(good);
    rig.platform.clock.advance((rig.seconds + 10) * 1000 - rig.platform.wallClock() - 1001);
    expect(rig.judgeNow(good)).toBe(first as Identity);
    rig.platform.clock.advance(11_001);
    expect(rig.judgeNow(good)).toBeInstanceOf(Promise);
    expect(outcome(await rig.judge(good))).toBe("accepted u");
    expect(rig.judgeNow(good)).toBeInstanceOf(Promise);
    rig.platform.clock.advance(30_000);
    expect(outcome(rig.judgeNow(good) as GatewayError)).toStartWith("the token has expired");
  });

  test("is verified anew when the wall clock was set back", async () => {
    const rig = withFile();
    const good = rig.good();
    await rig.judge(good);
    rig.platform.clock.epoch -= 3_600_000;
    expect(rig.judgeNow(good)).toBeInstanceOf(Promise);
  });

  test("is not known any more when its key goes, and still is when another comes", async () => {
    const rig = withFile();
    const good = rig.good();
    const first = await rig.judge(good);
    const change = async (...keys: object[]): Promise<void> => {
      const told = rig.platform.notices.length;
      rig.platform.files.write("/config/keys.json", keySet(...keys));
      while (rig.platform.notices.length === told) await new Promise<void>((resolve) => setImmediate(resolve));
    };
    await change(issuerKey("k2").jwk, issuerKey("k1").jwk);
    expect(rig.judgeNow(good)).toBe(first as Identity);
    await change(issuerKey("k2").jwk);
    expect(outcome(await rig.judge(good))).toBe('no key for alg "RS256" and kid "k1"');
    // A key that comes back is trusted again, but what it verified before is verified anew.
    await change(issuerKey("k1").jwk);
    expect(rig.judgeNow(good)).toBeInstanceOf(Promise);
    expect(outcome(await rig.judge(good))).toBe("accepted u");
  });

  test("has claims that nobody can change for the next request", async () => {
    const rig = withFile();
    const identity = (await rig.judge(rig.good({ roles: ["a"], deep: { er: { value: 1 } } }))) as Identity;
    const claims = identity.claims as { roles: string[]; deep: { er: { value: number } } };
    expect(() => claims.roles.push("admin")).toThrow();
    expect(() => (claims.deep.er.value = 2)).toThrow();
    expect(() => Object.assign(identity, { subject: "root" })).toThrow();
    expect(() => (identity.scopes as string[]).push("admin")).toThrow();
  });
});

describe("a token whose signature is wrong", () => {
  const forged = (rig: ReturnType<typeof withFile>, header: object = { kid: "k1" }): string =>
    token({ alg: "RS256", ...header }, rig.claims(), issuerKey("forger"));

  test("is refused at once for ten seconds", async () => {
    const rig = withFile();
    const bad = forged(rig);
    const first = await rig.judge(bad);
    expect(first).toBeInstanceOf(GatewayError);
    expect(rig.judgeNow(bad)).toBe(first as GatewayError);
    rig.platform.clock.advance(10_000);
    expect(rig.judgeNow(bad)).toBeInstanceOf(Promise);
  });

  test("is judged anew when the key changes under its kid", async () => {
    const rig = withFile();
    const bad = forged(rig);
    expect(outcome(await rig.judge(bad))).toContain("signature");
    rig.platform.files.write("/config/keys.json", keySet({ ...issuerKey("forger").jwk, kid: "k1" }));
    while (rig.platform.notices.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(outcome(await rig.judge(bad))).toBe("accepted u");
  });

  test("is judged anew each time when it names no key", async () => {
    const rig = withFile();
    const bad = forged(rig, {});
    await rig.judge(bad);
    expect(rig.judgeNow(bad)).toBeInstanceOf(Promise);
  });

  test("does not drive out good ones, however many come", async () => {
    const rig = withFile();
    const good = rig.good();
    const first = await rig.judge(good);
    const [head, claims, end] = good.split(".") as [string, string, string];
    for (let i = 0; i < 1200; i++) {
      const other = `${String(i).padStart(4, "0")}${end.slice(4)}`;
      await rig.judge(`${head}.${claims}.${other}`);
    }
    expect(rig.judgeNow(good)).toBe(first as Identity);
  });
});

describe("known tokens are bounded", () => {
  test("by their number: the least used go first", () => {
    const known = new KnownTokens<object>({ count: 3, characters: 1000, lifetimeMs: 1000 });
    for (const name of ["a", "b", "c"]) known.keep(name, { name }, key(), 0, Infinity);
    known.get("a", 1);
    known.keep("d", {}, key(), 1, Infinity);
    expect(["a", "b", "c", "d"].map((name) => known.get(name, 1) !== undefined)).toEqual([true, false, true, true]);
  });

  test("by their length", () => {
    const known = new KnownTokens<object>({ count: 100, characters: 100, lifetimeMs: 1000 });
    known.keep("x".repeat(60), {}, key(), 0, Infinity);
    known.keep("y".repeat(60), {}, key(), 0, Infinity);
    expect(known.get("x".repeat(60), 1)).toBeUndefined();
    expect(known.get("y".repeat(60), 1)).toBeDefined();
    known.keep("z".repeat(101), {}, key(), 0, Infinity);
    expect(known.get("z".repeat(101), 1)).toBeUndefined();
  });

  test("by time: nothing is kept that has ended already", () => {
    const known = new KnownTokens<object>({ count: 3, characters: 100, lifetimeMs: 1000 });
    known.keep("a", {}, key(), 50, 50);
    expect(known.get("a", 49)).toBeUndefined();
    known.keep("b", {}, key(), 50, 60);
    expect(known.get("b", 59)).toBeDefined();
    expect(known.get("b", 60)).toBeUndefined();
  });
});
