// Retry-After as it is written.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { retryAfterSeconds } from "../../src/http/retry-after.ts";

test("whoever keeps to Retry-After does not come too early, at most a second late, and never at once", () => {
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e12, noNaN: true }), (ms) => {
      const seconds = retryAfterSeconds(ms);
      expect(Number.isInteger(seconds)).toBe(true);
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds * 1000).toBeGreaterThanOrEqual(ms);
      if (ms > 0) expect(seconds * 1000 - ms).toBeLessThanOrEqual(1000);
    }),
  );
});
