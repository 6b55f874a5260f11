// Counts that go from one process to the next while both count: none is missing there, and none is there twice.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  addCounted,
  countsAs,
  type CountsPlatform,
  handCounts,
  keepCounts,
  originOf,
  takeCounts,
} from "../../src/counts.ts";
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { LimitTable, tableMemory } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";
import type { Counted, Counts } from "../../src/shared.ts";

const WALL = Date.UTC(2026, 10, 25);
const RULE = windowRule(40, 60_000);
const PLAN = { limits: [], capacity: 1024, snapshot: undefined, store: undefined } as never;

/** One process, whose own clock began at its start. */
class Process {
  readonly counts: Counts;
  readonly told: Counted[] = [];
  readonly platform: CountsPlatform;
  readonly #limiter: Limiter;

  constructor(clock: { ms: number }, begunAt: number, make: (platform: CountsPlatform) => Counts) {
    this.platform = {
      now: () => clock.ms - begunAt,
      wallClock: () => WALL + clock.ms,
      random: (count) => new Int32Array(count),
      sha256: (bytes) => new Uint8Array(Bun.SHA256.hash(bytes).buffer),
      files: undefined,
      notice: () => undefined,
    };
    this.counts = make(this.platform);
    this.#limiter = new Limiter(new LimitTable(this.counts.memory, 1), (counted) => this.told.push(counted));
  }

  get #now(): number {
    return this.platform.now() + this.counts.ahead;
  }

  take(who: string, units = 1): boolean {
    return this.#limiter.take(RULE, keyOf(this.counts.secret, "few"), who, units, this.#now);
  }

  giveBack(who: string, units: number): void {
    this.#limiter.giveBack(RULE, keyOf(this.counts.secret, "few"), who, units, this.#now);
  }

  left(who: string): number {
    return this.#limiter.remaining(RULE, keyOf(this.counts.secret, "few"), who, this.#now);
  }

  /** Counts what the other has told, and tells it on if it hands over itself. */
  hear(counted: readonly Counted[]): void {
    addCounted(counted, this.counts, this.platform, (again) => this.told.push(again));
  }
}

const first = (clock: { ms: number }, workers = 1): Process =>
  new Process(clock, 0, () => ({ memory: tableMemory(1024, workers), secret: { k0: 1, k1: 2 }, ahead: 0 }));

/** The process after one, with all that that one has counted. */
function next(clock: { ms: number }, before: Process, workers = 1): Process {
  const origin = originOf(before.counts, before.platform);
  const after = new Process(clock, clock.ms, (platform) => countsAs(origin, PLAN, workers, platform));
  expect(takeCounts(handCounts(before.counts, before.platform), after.counts, after.platform)).toBeUndefined();
  return after;
}

const WHO = ["ann", "bob", "cem"];
const acts = fc.array(
  fc.record({ who: fc.constantFrom(...WHO), units: fc.integer({ min: 1, max: 9 }), back: fc.boolean() }),
  { maxLength: 40 },
);

describe.each([1, 2])("a table for %i", (workers) => {
  test("whatever was counted before and is counted since, both have the same left", () => {
    fc.assert(
      fc.property(acts, acts, (before, since) => {
        const clock = { ms: 5000 };
        const one = first(clock, workers);
        const act = ({ who, units, back }: { who: string; units: number; back: boolean }): void => {
          clock.ms += 3;
          if (one.take(who, units) && back) one.giveBack(who, units);
        };
        before.forEach(act);
        const two = next(clock, one, workers);
        expect(one.told).toEqual([]);
        since.forEach(act);
        two.hear(one.told);
        expect(WHO.map((who) => two.left(who))).toEqual(WHO.map((who) => one.left(who)));
      }),
    );
  });
});

test("what comes from a process before goes on to the one after, over any number of them", () => {
  const clock = { ms: 5000 };
  const one = first(clock);
  one.take("ann", 10);
  const two = next(clock, one);
  const three = next(clock, two);
  one.take("ann", 5);
  two.take("ann", 2);
  two.hear(one.told);
  three.hear(two.told);
  expect(three.left("ann")).toBe(23);
});

test("a process counts no more than the limit, whatever the other tells", () => {
  const clock = { ms: 5000 };
  const one = first(clock);
  const two = next(clock, one);
  expect([one.take("ann", 30), two.take("ann", 30)]).toEqual([true, true]);
  two.hear(one.told);
  expect([two.left("ann"), two.take("ann")]).toEqual([0, false]);
  clock.ms += 60_010;
  expect(two.left("ann")).toBe(40);
});

test("counts that the other process has not come to use are told no more", () => {
  const clock = { ms: 5000 };
  const one = first(clock);
  next(clock, one);
  keepCounts(one.counts);
  one.take("ann");
  expect(one.told).toEqual([]);
});

test("while the table is being copied, what is counted in sets already copied is told, and in others it is copied", () => {
  const clock = { ms: 5000 };
  const one = first(clock);
  const { counts, platform } = one;
  const after = new Process(clock, clock.ms, () => countsAs(originOf(counts, platform), PLAN, 1, platform));
  // Each set is copied as it is held: in between somebody counts.
  let copied = 0;
  const { living } = counts.memory;
  const callers = Array.from({ length: 400 }, (_, i) => `caller ${i}`);
  const tags = new Proxy(counts.memory.tags, {
    get(target, key) {
      if (key !== "subarray" && living[0]! > copied) {
        copied = living[0]!;
        for (const who of callers) one.take(who);
      }
      const value: unknown = Reflect.get(target, key);
      return typeof value === "function" ? (value as () => unknown).bind(target) : value;
    },
  });
  const bytes = handCounts({ ...counts, memory: { ...counts.memory, tags } }, platform);
  expect(copied).toBeGreaterThan(10);
  expect(takeCounts(bytes, after.counts, after.platform)).toBeUndefined();
  after.hear(one.told);
  expect(callers.map((who) => after.left(who))).toEqual(callers.map((who) => one.left(who)));
});
