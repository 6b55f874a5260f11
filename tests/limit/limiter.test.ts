// The sliding window against a naive log of every request: never over the limit, never refused under 95% of it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { LimitTable, tableMemory } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";

const SECRET = { k0: 0x01020304, k1: 0x05060708 };
const KEY = keyOf(SECRET, "test");

function limiter(capacity = 64): Limiter {
  return new Limiter(new LimitTable(tableMemory(capacity, 1), 1));
}

/** What really happened: every unit that was let through and not taken back, with its time, oldest first. */
class NaiveLog {
  readonly units: number[] = [];

  within(from: number, to: number): number {
    return this.units.filter((at) => at > from && at <= to).length;
  }
}

type Step = readonly [afterMs: number, what: "take" | "back", units: number];

const step = (windowMs: number, limit: number): fc.Arbitrary<Step> =>
  fc.tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 5, arbitrary: fc.double({ min: 0, max: windowMs / limit, noNaN: true }) },
      { weight: 2, arbitrary: fc.double({ min: 0, max: windowMs / 3, noNaN: true }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          windowMs - 0.001,
          windowMs,
          windowMs + 0.001,
          windowMs * 1.5,
          windowMs * 3,
          windowMs * 70_000,
        ),
      },
    ),
    fc.constantFrom("take", "take", "take", "take", "take", "back" as const),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: Math.ceil(limit / 2) }) },
    ),
  );

const story = fc
  .tuple(fc.constantFrom(1, 2, 3, 7, 19, 20, 21, 40, 59, 100, 399), fc.constantFrom(1000, 60_000, 3_600_000))
  .chain(([limit, windowMs]) =>
    fc.record({
      limit: fc.constant(limit),
      windowMs: fc.constant(windowMs),
      steps: fc.array(step(windowMs, limit), { maxLength: 800, size: "max" }),
    }),
  );

test("in no window is more let through than the limit, and who stays under 95% of it is never refused", () => {
  let operations = 0;
  fc.assert(
    fc.property(story, ({ limit, windowMs, steps }) => {
      const each = limiter();
      const rule = windowRule(limit, windowMs);
      const log = new NaiveLog();
      // What is taken back is given to the oldest: it frees what would have been free first.
      const held = new NaiveLog();
      let now = 1e6;
      for (const [after, what, units] of steps) {
        operations++;
        now += after;
        if (what === "back") {
          // Only what was let through lately can be taken back: here the newest, which is the hardest.
          const count = Math.min(units, log.within(now - windowMs, now));
          if (count === 0) continue;
          each.giveBack(rule, KEY, "who", count, now);
          log.units.splice(log.units.length - count);
          held.units.splice(held.units.length - held.within(now - windowMs * (1 + 1 / 15_000), now), count);
          continue;
        }
        const before = log.within(now - windowMs, now);
        const longer = held.within(now - windowMs * (1 + 1 / 15_000), now);
        const allowed = each.take(rule, KEY, "who", units, now);
        if (allowed) {
          expect(before + units).toBeLessThanOrEqual(limit);
          for (let i = 0; i < units; i++) {
            log.units.push(now);
            held.units.push(now);
          }
        } else if (units === 1) {
          expect(longer + 1).toBeGreaterThan(0.95 * limit);
        }
      }
    }),
    { numRuns: 400, seed: 1 },
  );
  expect(operations).toBeGreaterThan(100_000);
}, 120_000);

describe("a refusal tells when to come back", () => {
  test.each([1, 5, 20, 100])("limit %d: a try then passes, and one before it does not", (limit) => {
    const each = limiter();
    const rule = windowRule(limit, 10_000);
    let now = 0;
    for (let i = 0; i < limit; i++) {
      expect(each.take(rule, KEY, "a", 1, now)).toBe(true);
      now += 7;
    }
    expect(each.take(rule, KEY, "a", 1, now)).toBe(false);
    const { resetMs } = each.decision;
    expect(each.take(rule, KEY, "a", 1, now + resetMs - 1)).toBe(false);
    expect(each.take(rule, KEY, "a", 1, now + resetMs)).toBe(true);
  });
});

test("a stranger with a million keys pushes nobody out who uses a limit, and the table stays as it is", () => {
  const table = new LimitTable(tableMemory(16_384, 1), 1);
  const each = new Limiter(table);
  const rule = windowRule(100, 60_000);
  const honest = Array.from({ length: 200 }, (_, i) => `honest-${i}`);
  const passed = new Map(honest.map((name) => [name, 0]));
  let now = 0;
  let key = 0;
  // In the first 6 seconds the honest come ten times each, as people do who use an API.
  for (let round = 0; round < 10; round++) {
    for (const name of honest) if (each.take(rule, KEY, name, 1, (now += 3))) passed.set(name, round + 1);
  }
  // Then the stranger comes with a new key each time, 40,000 a second, while they go on at one in 2.5 seconds.
  for (let round = 0; round < 10; round++) {
    for (let i = 0; i < 100_000; i++) each.take(rule, KEY, `stranger-${key++}`, 1, (now += 0.025));
    for (const name of honest) {
      each.take(rule, KEY, name, 1, now);
      passed.set(name, passed.get(name)! + 1);
      // Nothing of theirs is forgotten: what is left is what was not let through.
      expect(each.decision.remaining).toBe(100 - passed.get(name)!);
    }
  }
  expect(key).toBe(1_000_000);
  expect(table.capacity).toBe(16_384);
});
