// When certificates are renewed, and when what has failed is tried again.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { nextLookMs, pauseAfter, renewalIn, renewalOf } from "../../src/acme/times.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("a certificate is renewed when two thirds of its lifetime are over, or up to a fiftieth of it before", () => {
  const moments = fc.tuple(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: MINUTE, max: 3650 * DAY }), chance);
  fc.assert(
    fc.property(moments, ([notBefore, lifetime, chance]) => {
      const at = renewalOf({ notBefore, notAfter: notBefore + lifetime }, chance);
      const share = (at - notBefore) / lifetime;
      expect(share).toBeGreaterThan(2 / 3 - 1 / 50 - 1e-6);
      expect(share).toBeLessThan(2 / 3 + 1e-6);
    }),
  );
});

test("in a window of the authority every moment may be the one, and no other", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4e12 }),
      fc.integer({ min: 1, max: 30 * DAY }),
      chance,
      (start, ms, chance) => {
        const at = renewalIn({ start, end: start + ms }, chance);
        expect(at).toBeGreaterThanOrEqual(start);
        expect(at).toBeLessThanOrEqual(start + ms);
      },
    ),
  );
  expect(renewalIn({ start: 100, end: 200 }, 0.25)).toBe(125);
});

test.each([
  [0, 6 * HOUR],
  [1000, MINUTE],
  [2 * HOUR, 2 * HOUR],
  [40 * DAY, DAY],
])("Retry-After of %i ms lets the window be asked for again after %i ms", (asked, wanted) => {
  expect(nextLookMs(asked)).toBe(wanted);
});

test.each([
  [1, 0, 0, MINUTE],
  [1, 0, 0.5, 1.1 * MINUTE],
  [2, 0, 0, 2 * MINUTE],
  [5, 0, 0, 16 * MINUTE],
  [12, 0, 0, DAY],
  [1_000_000, 0, 0.99, DAY],
  [1, 3 * HOUR, 0, 3 * HOUR],
  [12, 3 * HOUR, 0, DAY],
  [1, 2 * DAY, 0, 2 * DAY],
  [1, 90 * DAY, 0, 7 * DAY],
])("after %i failures, asked to wait %i ms, with chance %d: %d ms", (failures, asked, chance, wanted) => {
  expect(pauseAfter(failures, asked, chance)).toBe(wanted);
});

test("a pause is never shorter than a minute, and never longer than a day unless the authority asks for it", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), chance, (failures, chance) => {
      const pause = pauseAfter(failures, 0, chance);
      expect(pause).toBeGreaterThanOrEqual(MINUTE);
      expect(pause).toBeLessThanOrEqual(DAY);
    }),
  );
});
