// The form of our own keys: enough randomness, a checksum by another's CRC-32, and every typo is found.
import { describe, expect, test } from "bun:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { checksumHolds, crc32, KEY_PREFIX, newKey } from "../../../src/auth/api-key/key-form.ts";

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes));

describe("a new key", () => {
  test("has its prefix, 130 random bits and a checksum that holds", () => {
    for (let i = 0; i < 200; i++) {
      const key = newKey("acme_live", random);
      expect(key).toMatch(/^acme_live_[0-9A-Za-z]{22}_[0-9A-Za-z]{6}$/);
      expect(checksumHolds(key)).toBe(true);
    }
    expect(22 * Math.log2(62)).toBeGreaterThan(128);
  });

  test("never comes twice, and uses every digit about as often", () => {
    const count = new Map<string, number>();
    const keys = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      const key = newKey("k", random);
      keys.add(key);
      for (const digit of key.slice(2, 24)) count.set(digit, (count.get(digit) ?? 0) + 1);
    }
    expect(keys.size).toBe(3000);
    expect(count.size).toBe(62);
    const mean = (3000 * 22) / 62;
    for (const times of count.values()) expect(Math.abs(times - mean)).toBeLessThan(mean * 0.25);
  });

  test("leaves out the bytes that would make some digits likelier", () => {
    let asked = 0;
    const key = newKey("k", (bytes) => new Uint8Array(bytes).fill(asked++ === 0 ? 255 : 247));
    expect(asked).toBe(2);
    expect(key.slice(2, 24)).toBe("z".repeat(22));
  });

  test("has the checksum of zlib, in base 62 with zeros in front", () => {
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const key = newKey("sk", random);
    let value = 0;
    for (const digit of key.slice(-6)) value = value * 62 + digits.indexOf(digit);
    expect(value).toBe(zlibCrc32(key.slice(0, -7)));
  });
});

describe("the checksum", () => {
  test("is that of gzip", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."abcZ09_-~ ") }), (text) => {
        expect(crc32(text)).toBe(zlibCrc32(text));
      }),
    );
    expect(crc32("123456789")).toBe(0xcbf43926);
  });

  test("finds one character that is wrong, and two that are swapped", () => {
    const key = newKey("sk", random);
    for (let i = 3; i < key.length; i++) {
      if (key[i] === "_") continue;
      const other = key[i] === "x" ? "y" : "x";
      expect(checksumHolds(key.slice(0, i) + other + key.slice(i + 1))).toBe(false);
      const next = key[i + 1];
      if (next === undefined || next === "_" || next === key[i]) continue;
      expect(checksumHolds(key.slice(0, i) + next + key[i]! + key.slice(i + 2))).toBe(false);
    }
  });

  test.each(["", "sk", "a-key-of-another-maker", "ghp_0123456789012345678901234567890123456789", "SK_a_b"])(
    "says nothing of %p, which has another form",
    (key) => {
      expect(checksumHolds(key)).toBeUndefined();
    },
  );
});

test.each([
  ["sk", true],
  ["acme_live", true],
  ["a", true],
  ["", false],
  ["Sk", false],
  ["1k", false],
  ["sk_", false],
  ["_sk", false],
  ["s__k", false],
  ["s-k", false],
  ["a".repeat(25), false],
] as const)("the prefix %p may be: %p", (prefix, right) => {
  expect(KEY_PREFIX.test(prefix)).toBe(right);
});
