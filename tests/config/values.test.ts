// Durations and sizes: what they are worth, and that nothing else is one.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../../src/http/duration.ts";
import { formatSize, parseSize } from "../../src/http/size.ts";

describe("a duration", () => {
  test.each([
    ["0ms", 0],
    ["0s", 0],
    ["1ms", 1],
    ["250ms", 250],
    ["30s", 30_000],
    ["0.5s", 500],
    ["1.5h", 5_400_000],
    ["1.1s", 1_100],
    ["0.3s", 300],
    ["2m", 120_000],
    ["7d", 604_800_000],
    ["007s", 7_000],
    ["0.0004s", 0],
    ["0.0006s", 1],
  ])("%s is %d ms", (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each([
    ...[
      "",
      "s",
      "5",
      "5 s",
      " 5s",
      "5s ",
      "5s\n",
      "-5s",
      "+5s",
      "1e3s",
      "0x10s",
      "5S",
      "5sec",
      "5M",
      "1h30m",
      ".5s",
      "5.s",
    ],
    ...["1,5s", "1_000ms", "Infinitys", "NaNms", "٥s", "5µs", "5ns", "5w", "99999999999999999999d", "5ms5ms"],
  ])("%j is none", (text) => expect(parseDuration(text)).toBeUndefined());

  test("is read back as it was written", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (ms) => expect(parseDuration(formatDuration(ms))).toBe(ms)));
  });

  test("is what its number and unit say, to the millisecond", () => {
    const units = fc.constantFrom(["ms", 1], ["s", 1e3], ["m", 6e4], ["h", 36e5], ["d", 864e5] as const);
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(999), units, (whole, thousandths, [unit, worth]) => {
        const ms = parseDuration(`${whole}.${String(thousandths).padStart(3, "0")}${unit}`)!;
        expect(ms).toBe(Math.round(((whole * 1000 + thousandths) * worth) / 1000));
      }),
    );
  });

  test("is never read from any other text, and reading never throws", () => {
    const likely = fc.stringMatching(/^[ 0-9.+-]{0,6}[a-zA-Z ]{0,3}$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), likely), (text) => {
        expect(parseDuration(text) !== undefined).toBe(/^[0-9]+(\.[0-9]+)?(ms|[smhd])$/.test(text));
      }),
    );
  });
});

describe("a size", () => {
  test.each([
    ["0B", 0],
    ["1B", 1],
    ["64KiB", 65_536],
    ["64KB", 64_000],
    ["1MiB", 1_048_576],
    ["1.5MB", 1_500_000],
    ["2GiB", 2_147_483_648],
    ["1GB", 1_000_000_000],
    ["0.5KiB", 512],
  ])("%s is %d bytes", (text, bytes) => expect(parseSize(text)).toBe(bytes));

  test.each([
    ...[
      "",
      "B",
      "64",
      "64K",
      "64k",
      "64kb",
      "64kib",
      "64 KiB",
      "-1B",
      "1e3B",
      "0x1B",
      "1TiB",
      "1Kib",
      "1iB",
      "1BB",
      "1KiB\n",
    ],
    ...["9999999999999999GiB", "Infinity", "1,5MB", ".5MB"],
  ])("%j is none", (text) => expect(parseSize(text)).toBeUndefined());

  test("is read back as it was written", () => {
    fc.assert(fc.property(fc.maxSafeNat(), (bytes) => expect(parseSize(formatSize(bytes))).toBe(bytes)));
  });

  test("is never read from any other text, and reading never throws", () => {
    const likely = fc.stringMatching(/^[ 0-9.+-]{0,6}[KMGi]{0,2}B? ?$/);
    fc.assert(
      fc.property(fc.oneof(fc.string(), likely), (text) => {
        expect(parseSize(text) !== undefined).toBe(/^[0-9]+(\.[0-9]+)?([KMG]i?)?B$/.test(text));
      }),
    );
  });
});
