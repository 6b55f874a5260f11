// Durations by size, and what is drawn by lot: what operators are shown is true of all that came.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { addCounts, addPairs, msOf, quantile, STEPS, stepOf, toPairs } from "../../../src/admin/live/latencies.ts";
import { Lot } from "../../../src/admin/live/lot.ts";

const durations = fc.double({ min: 0.05, max: 600_000, noNaN: true });

describe("a duration", () => {
  test("is told to a twentieth", () => {
    fc.assert(
      fc.property(durations, (ms) => {
        expect(Math.abs(msOf(stepOf(ms)) / ms - 1)).toBeLessThan(0.051);
      }),
    );
  });

  test.each([
    ["none", 0, 0],
    ["below the first step", 0.01, 0],
    ["beyond all", Number.MAX_VALUE, STEPS - 1],
    ["a clock that went back", -1, 0],
  ])("%s has a step", (_, ms, step) => {
    expect(stepOf(ms)).toBe(step);
  });
});

test("a quantile is the duration under which that share is, to a twentieth", () => {
  fc.assert(
    fc.property(
      fc.array(durations, { minLength: 1, maxLength: 300 }),
      fc.constantFrom(0.5, 0.9, 0.99, 1),
      (all, share) => {
        const counts = new Uint32Array(STEPS);
        for (const ms of all) counts[stepOf(ms)]! += 1;
        const exact = all.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(all.length * share)) - 1]!;
        expect(Math.abs(quantile(counts, share)! / exact - 1)).toBeLessThan(0.051);
      },
    ),
  );
  expect(quantile(new Uint32Array(STEPS), 0.5)).toBeUndefined();
});

test("counts add up, whole or as pairs", () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.nat({ max: STEPS - 1 }))), (parts) => {
      const [whole, pairs] = [new Uint32Array(STEPS), new Uint32Array(STEPS)];
      for (const part of parts) {
        const counts = new Uint32Array(STEPS);
        for (const step of part) counts[step]! += 1;
        addCounts(whole, counts);
        addPairs(pairs, toPairs(counts));
      }
      expect(pairs).toEqual(whole);
      expect(whole.reduce((sum, count) => sum + count, 0)).toBe(parts.flat().length);
    }),
  );
});

describe("a lot", () => {
  test("keeps all while there is room, and never more", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 200 }),
        fc.func(fc.nat(999)),
        (most, came, draw) => {
          let asked = 0;
          const lot = new Lot<number>(most, () => draw(asked++) / 1000);
          for (let each = 0; each < came; each++) lot.offer(() => each);
          const drawn = lot.take();
          expect(drawn).toHaveLength(Math.min(most, came));
          expect(new Set(drawn).size).toBe(drawn.length);
          expect(lot.take()).toEqual([]);
        },
      ),
    );
  });

  test("gives each the same chance", () => {
    const hits = Array.from({ length: 100 }, () => 0);
    let state = 1;
    const chance = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    for (let round = 0; round < 2000; round++) {
      const lot = new Lot<number>(10, chance);
      for (let each = 0; each < 100; each++) lot.offer(() => each);
      for (const each of lot.take()) hits[each]! += 1;
    }
    // Each of 100 is expected 200 times; a deviation of five sigma is 67.
    expect(Math.min(...hits)).toBeGreaterThan(130);
    expect(Math.max(...hits)).toBeLessThan(270);
  });

  test("makes nothing that is not drawn", () => {
    let made = 0;
    const lot = new Lot<number>(1, () => 0.999);
    for (let each = 0; each < 50; each++) lot.offer(() => ++made);
    expect(made).toBe(1);
  });
});
