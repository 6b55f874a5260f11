// The sliding window as a plain value, against a naive log of every request.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { expire, giveBack, noGroups, take } from "../../src/limit/groups.ts";

const BEGIN = 1.7e12;
const WINDOW = 60_000;

const steps = (limit: number): fc.Arbitrary<[number, "take" | "back", number][]> =>
  fc.array(
    fc.tuple(
      fc.oneof(
        { weight: 5, arbitrary: fc.constant(0) },
        { weight: 5, arbitrary: fc.integer({ min: 0, max: Math.ceil(WINDOW / limit) }) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: WINDOW / 3 }) },
        { weight: 1, arbitrary: fc.constantFrom(WINDOW - 1, WINDOW, WINDOW + 1, WINDOW * 2.5) },
      ),
      fc.constantFrom("take", "take", "take", "take", "back" as const),
      fc.oneof({ weight: 6, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: limit }) }),
    ),
    { maxLength: 600, size: "max" },
  );

test("in no window is more let through than the limit, and who stays under 95% of it is never refused", () => {
  let operations = 0;
  const story = fc
    .constantFrom(1, 2, 3, 7, 19, 20, 21, 40, 59, 100, 399)
    .chain((limit) => fc.record({ limit: fc.constant(limit), all: steps(limit) }));
  fc.assert(
    fc.property(story, ({ limit, all }) => {
      const groups = noGroups();
      const log: number[] = [];
      // What is given back frees what would have been free first.
      const held: number[] = [];
      const within = (now: number, times = log): number => times.filter((at) => at >= now - WINDOW).length;
      let now = BEGIN;
      for (const [after, what, units] of all) {
        operations++;
        now += after;
        if (what === "back") {
          const count = Math.min(units, within(now));
          giveBack(groups, WINDOW, count, now, now);
          log.splice(log.length - count);
          held.splice(held.length - within(now, held), count);
          continue;
        }
        const before = within(now);
        const { fits, remaining, resetMs } = take(groups, { limit, windowMs: WINDOW, units }, now);
        expect(groups.units.length).toBeLessThanOrEqual(21);
        if (fits) {
          expect(before + units).toBeLessThanOrEqual(limit);
          expect(remaining).toBeLessThanOrEqual(limit - before - units);
          for (const times of [log, held]) times.push(...Array.from({ length: units }, () => now));
        } else {
          if (units === 1) expect(within(now, held) + 1).toBeGreaterThan(0.95 * limit);
          const later = (ms: number): boolean =>
            take(structuredClone(groups), { limit, windowMs: WINDOW, units }, now + ms).fits;
          expect([later(resetMs), later(resetMs - 1)]).toEqual([true, false]);
        }
      }
    }),
    { numRuns: 300, seed: 1 },
  );
  expect(operations).toBeGreaterThan(50_000);
}, 60_000);

test("a clock that is set back frees nothing early, and keeps nothing longer than one window more", () => {
  const groups = noGroups();
  const ask = { limit: 2, windowMs: WINDOW, units: 1 };
  take(groups, ask, BEGIN);
  take(groups, ask, BEGIN + 10_000);
  const back = BEGIN - 86_400_000;
  expect(take(groups, ask, back).fits).toBe(false);
  expect(take(groups, ask, back + 50_000).fits).toBe(false);
  expect(take(groups, ask, back + 60_001).fits).toBe(true);
});

test("what has left the window is not given back in place of what came later", () => {
  const groups = noGroups();
  const ask = { limit: 1, windowMs: WINDOW, units: 1 };
  take(groups, ask, BEGIN);
  take(groups, ask, BEGIN + WINDOW + 1);
  giveBack(groups, WINDOW, 1, BEGIN, BEGIN + WINDOW + 2);
  expect(groups.units).toEqual([1]);
  giveBack(groups, WINDOW, 5, BEGIN + WINDOW + 1, BEGIN + WINDOW + 2);
  expect(groups).toEqual(noGroups());
  expect(expire(groups, WINDOW, BEGIN)).toBe(false);
});

test("with limits that change it stays small and counts all", () => {
  const groups = noGroups();
  for (let i = 0; i < 900; i++) {
    take(groups, { limit: i % 2 === 0 ? 1_000_000 : 1000, windowMs: WINDOW, units: 1 }, BEGIN + i);
  }
  expect(groups.units.length).toBeLessThanOrEqual(21);
  expect(take(groups, { limit: 900, windowMs: WINDOW, units: 1 }, BEGIN + 900).fits).toBe(false);
  expect(take(groups, { limit: 901, windowMs: WINDOW, units: 1 }, BEGIN + 900).fits).toBe(true);
});
