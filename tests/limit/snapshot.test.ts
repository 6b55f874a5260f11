// Counts as bytes: they go on where they stopped, and nothing counts longer than its window.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { readSnapshot, writeSnapshot } from "../../src/limit/snapshot.ts";
import type { Counts } from "../../src/shared.ts";
import { LimitTable, tableMemory } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(Bun.SHA256.hash(bytes).buffer);
const SECRET = { k0: 0x01020304, k1: 0x05060708 };
const MINUTE = windowRule(3, 60_000);
const WALL = Date.UTC(2026, 10, 25);

/** One process: a limiter over counts, by its own monotonic clock and the clock on the wall. */
class Life {
  readonly counts: Counts;
  readonly #limiter: Limiter;
  /** Each process counts its own milliseconds. */
  nowIs: number;
  wallIs: number;

  constructor(counts: Counts, nowIs: number, wallIs: number) {
    this.counts = counts;
    this.#limiter = new Limiter(new LimitTable(counts.memory, 1));
    this.nowIs = nowIs;
    this.wallIs = wallIs;
  }

  static first(capacity = 1024): Life {
    return new Life({ memory: tableMemory(capacity, 1), secret: SECRET, ahead: 0 }, 5000, WALL);
  }

  now = (): number => this.nowIs;
  wallClock = (): number => this.wallIs;

  pass(ms: number): void {
    this.nowIs += ms;
    this.wallIs += ms;
  }

  take(who: string, rule = MINUTE, units = 1): boolean {
    const { secret, ahead } = this.counts;
    return this.#limiter.take(rule, keyOf(secret, "few"), who, units, this.nowIs + ahead);
  }

  takes(who: string, times: number): boolean[] {
    return Array.from({ length: times }, () => this.take(who));
  }

  /** The process after this one, so long after by the clock on the wall. */
  next(downMs: number, capacity = 1024, bytes = this.bytes()): Life {
    const clocks = { now: () => 17, wallClock: () => this.wallIs + downMs };
    const read = readSnapshot(bytes, tableMemory(capacity, 1), clocks, sha256);
    if (typeof read === "string") throw new Error(read);
    return new Life(read, 17, this.wallIs + downMs);
  }

  bytes(): Uint8Array {
    return writeSnapshot(this.counts, this, sha256);
  }
}

describe("the next process", () => {
  test("goes on counting, and a window ends when it would have ended", () => {
    const first = Life.first();
    expect(first.takes("a", 2)).toEqual([true, true]);
    first.pass(10_000);
    const next = first.next(20_000);
    expect(next.takes("a", 2)).toEqual([true, false]);
    expect(next.takes("b", 1)).toEqual([true]);
    next.pass(29_990);
    expect(next.take("a")).toBe(false);
    next.pass(20);
    expect(next.takes("a", 3)).toEqual([true, true, false]);
  });

  test("knows nothing of what has expired meanwhile", () => {
    const first = Life.first();
    first.takes("a", 3);
    const bytes = first.bytes();
    expect(first.next(59_000).bytes().length).toBe(bytes.length);
    expect(first.next(61_010).bytes().length).toBe(bytes.length - 64);
    first.pass(62_000);
    expect(first.bytes().length).toBe(bytes.length - 64);
  });

  test.each([-1, -86_400_000, -1e12])(
    "counts nothing longer than its window when the clock was set by %d ms",
    (set) => {
      const first = Life.first();
      first.takes("a", 3);
      const next = first.next(set);
      expect(next.take("a")).toBe(false);
      next.pass(60_010);
      expect(next.takes("a", 4)).toEqual([true, true, true, false]);
    },
  );

  test("knows all that fits a smaller table, and the busiest of what does not", () => {
    const first = Life.first(4096);
    for (let i = 0; i < 900; i++) first.take(`stranger ${i}`);
    first.takes("busy", 3);
    const smaller = first.next(0, 16);
    expect(smaller.take("busy")).toBe(false);
    const larger = first.next(0, 65_536);
    expect(larger.take("busy")).toBe(false);
    for (let i = 0; i < 900; i++) expect(larger.takes(`stranger ${i}`, 3)).toEqual([true, true, false]);
  });

  test("decides as one process would that had never stopped", () => {
    const steps = fc.array(
      fc.record({
        after: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40_000 })),
        restart: fc.boolean(),
        who: fc.constantFrom("a", "b", "c"),
        units: fc.integer({ min: 1, max: 12 }),
      }),
      { maxLength: 120, size: "max" },
    );
    fc.assert(
      fc.property(fc.constantFrom(10, 57, 400), steps, (limit, all) => {
        const rule = windowRule(limit, 60_000);
        const steady = Life.first();
        let living = Life.first();
        for (const { after, restart, who, units } of all) {
          steady.pass(after);
          if (restart) living = living.next(after, after % 2 === 0 ? 1024 : 2048);
          else living.pass(after);
          expect(living.take(who, rule, units)).toBe(steady.take(who, rule, units));
        }
      }),
      { numRuns: 100, seed: 1 },
    );
  });
});

test("bytes are read wherever in a larger memory they stand", () => {
  const first = Life.first();
  first.takes("a", 3);
  const piece = Buffer.concat([Buffer.alloc(3), first.bytes(), Buffer.alloc(5)]).subarray(3, -5);
  expect(first.next(0, 1024, piece).take("a")).toBe(false);
});

test("it holds no text that was counted by, and as many bytes as it says", () => {
  const first = Life.first();
  first.take("consumer acme");
  const bytes = first.bytes();
  expect(bytes.length).toBe(32 + 64 + 32);
  expect(Buffer.from(bytes).toString("latin1")).not.toMatch(/consumer|acme/);
});

describe("is refused, and says why:", () => {
  const bytes = ((): Uint8Array => {
    const first = Life.first();
    first.takes("a", 3);
    return first.bytes();
  })();
  const read = (changed: Uint8Array, wall = WALL): unknown =>
    readSnapshot(changed, tableMemory(1024, 1), { now: () => 0, wallClock: () => wall }, sha256);
  const with32 = (at: number, word: number): Uint8Array => {
    const changed = bytes.slice();
    new Int32Array(changed.buffer)[at] = word;
    changed.set(sha256(changed.subarray(0, -32)), changed.length - 32);
    return changed;
  };

  test("any byte that has changed", () => {
    for (let at = 8; at < bytes.length; at++) {
      const changed = bytes.slice();
      changed[at]! ^= 1;
      expect(read(changed)).toBe("is broken");
    }
  });

  test("any end that is missing, and bytes too many", () => {
    for (let length = 0; length < bytes.length; length++) expect(read(bytes.slice(0, length))).toBe("is broken");
    expect(read(new Uint8Array([...bytes, ...new Uint8Array(64)]))).toBe("is broken");
  });

  test("a file of something else, and of another version", () => {
    expect(read(new TextEncoder().encode("x".repeat(128)))).toBe("is none of counts");
    expect(read(with32(1, 2))).toBe("is of another version of Sluice");
  });

  test("a clock that has run for years", () => {
    expect(read(bytes, WALL + 3 * 365 * 86_400_000)).toBe("is too old");
  });
});
