// Deadlines: each expires at its moment and once, whatever is armed, moved and disarmed, and one timer serves a length.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Deadline, Deadlines } from "../../src/http/deadlines.ts";
import type { Timer } from "../../src/platform.ts";

/** A clock moved by hand, and the timers that hang on it. */
class HandMovedClock {
  time = 1000;
  /** How much before its moment a timer fires, as those of runtimes may. */
  early = 0;
  readonly timers = new Map<number, { at: number; callback: () => void }>();
  #next = 1;

  now(): number {
    return this.time;
  }

  setTimer(callback: () => void, ms: number): Timer {
    this.timers.set(this.#next, { at: this.time + ms, callback });
    return this.#next++;
  }

  clearTimer(timer: Timer): void {
    this.timers.delete(timer as number);
  }

  /** Moves on and fires each timer at its moment, the soonest first. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const [soonest] = [...this.timers].toSorted(([, one], [, other]) => one.at - other.at);
      if (soonest === undefined || soonest[1].at > end) break;
      this.timers.delete(soonest[0]);
      this.time = Math.max(this.time, soonest[1].at - this.early);
      soonest[1].callback();
    }
    this.time = end;
  }
}

const LENGTHS = [1, 5, 10, 100];
const COUNT = 5;

type Step =
  | { readonly act: "arm"; readonly index: number; readonly ms: number; readonly odd: boolean }
  | { readonly act: "disarm"; readonly index: number }
  | { readonly act: "advance"; readonly ms: number };

const index = fc.nat(COUNT - 1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    act: fc.constant("arm" as const),
    index,
    ms: fc.constantFrom(...LENGTHS, 0, Infinity),
    odd: fc.boolean(),
  }),
  fc.record({ act: fc.constant("disarm" as const), index }),
  fc.record({ act: fc.constant("advance" as const), ms: fc.nat(30) }),
);
/** How long each deadline is armed for anew when it expires; 0: not at all. */
const anyRepeats = fc.array(fc.constantFrom(0, 0, ...LENGTHS), { minLength: COUNT, maxLength: COUNT });

/** What a plain list of moments says: every millisecond it is looked through from end to end. */
function expiredNaively(steps: readonly Step[], repeats: readonly number[]): string[] {
  const due = Array.from({ length: COUNT }, () => Infinity);
  const expired: string[] = [];
  let time = 1000;
  const arm = (index: number, ms: number): void => void (due[index] = ms === 0 ? Infinity : time + ms);
  for (const step of steps) {
    if (step.act === "arm") arm(step.index, step.ms);
    else if (step.act === "disarm") arm(step.index, 0);
    else {
      for (const end = time + step.ms; time < end;) {
        time++;
        for (let index = 0; index < COUNT; index++) {
          if (due[index]! > time) continue;
          expired.push(`${time}: ${index}`);
          arm(index, repeats[index]!);
        }
      }
    }
  }
  return expired.toSorted();
}

function expiredReally(steps: readonly Step[], repeats: readonly number[]): string[] {
  const clock = new HandMovedClock();
  const deadlines = new Deadlines(clock);
  const expired: string[] = [];
  const all = repeats.map((ms, index) => {
    const deadline = new Deadline(() => {
      expired.push(`${clock.time}: ${index}`);
      deadlines.arm(deadline, ms, index % 2 === 0);
    });
    return deadline;
  });
  for (const step of steps) {
    if (step.act === "arm") deadlines.arm(all[step.index]!, step.ms, step.odd);
    else if (step.act === "disarm") deadlines.disarm(all[step.index]!);
    else clock.advance(step.ms);
    // One timer for each length at most.
    expect(clock.timers.size).toBeLessThanOrEqual(LENGTHS.length);
  }
  return expired.toSorted();
}

test("whatever is armed, moved and disarmed, a plain list would have said the same moments", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30, size: "max" }), anyRepeats, (steps, repeats) => {
      expect(expiredReally(steps, repeats)).toEqual(expiredNaively(steps, repeats));
    }),
    { numRuns: 1000 },
  );
});

describe("deadlines", () => {
  const world = () => {
    const clock = new HandMovedClock();
    const deadlines = new Deadlines(clock);
    const expired: string[] = [];
    const named = (name: string, more?: (deadline: Deadline) => void): Deadline => {
      const deadline = new Deadline(() => {
        expired.push(name);
        more?.(deadline);
      });
      return deadline;
    };
    return { clock, deadlines, expired, named };
  };

  test("of one length expire in the order they were armed", () => {
    const { clock, deadlines, expired, named } = world();
    for (const name of ["a", "b", "c"]) deadlines.arm(named(name), 10);
    clock.advance(9);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(["a", "b", "c"]);
    clock.advance(100);
    expect(expired).toHaveLength(3);
  });

  test("of a length that comes once leave no timer when they are taken back", () => {
    const { clock, deadlines, named } = world();
    for (let ms = 10; ms < 20; ms++) {
      const [one, other] = [named("one"), named("other")];
      deadlines.arm(one, ms, true);
      deadlines.arm(other, ms, true);
      deadlines.disarm(one);
      expect(clock.timers.size).toBe(1);
      deadlines.disarm(other);
      expect(clock.timers.size).toBe(0);
    }
  });

  test("one that is armed anew as another expires does not hold up those that wait", () => {
    const { clock, deadlines, expired, named } = world();
    deadlines.arm(
      named("first", (first) => deadlines.arm(first, 100)),
      100,
    );
    clock.advance(5);
    deadlines.arm(named("second"), 100);
    clock.advance(100);
    expect(expired).toEqual(["first", "second"]);
  });

  test("one that expires may disarm the next", () => {
    const { clock, deadlines, expired, named } = world();
    const second = named("second");
    deadlines.arm(
      named("first", () => deadlines.disarm(second)),
      10,
    );
    deadlines.arm(second, 10);
    clock.advance(50);
    expect(expired).toEqual(["first"]);
  });

  test("a failure in one is told and leaves the others to their moment", () => {
    const { clock, deadlines, expired, named } = world();
    deadlines.arm(
      named("first", () => {
        throw new Error("on purpose");
      }),
      10,
    );
    deadlines.arm(named("second"), 10);
    clock.advance(2);
    deadlines.arm(named("third"), 10);
    expect(() => clock.advance(8)).toThrow("on purpose");
    clock.advance(2);
    expect(expired).toEqual(["first", "second", "third"]);
  });

  test("a timer that fires a little early expires nothing before its moment by more than half a millisecond", () => {
    const { clock, deadlines, expired, named } = world();
    deadlines.arm(named("a"), 10);
    clock.early = 0.4;
    clock.advance(9.9);
    expect(expired).toEqual([]);
    clock.advance(0.1);
    expect(expired).toEqual(["a"]);
    deadlines.arm(named("b"), 10);
    clock.early = 2;
    clock.advance(8);
    expect(expired).toEqual(["a"]);
    clock.early = 0;
    clock.advance(3);
    expect(expired).toEqual(["a", "b"]);
  });

  test("arming and disarming over and over starts no timers beyond one, and none is left when all is quiet", () => {
    const { clock, deadlines, expired, named } = world();
    const one = named("one");
    let started = 0;
    const { setTimer } = clock;
    clock.setTimer = (callback, ms) => {
      started++;
      return setTimer.call(clock, callback, ms);
    };
    for (let i = 0; i < 1000; i++) {
      deadlines.arm(one, 60_000);
      clock.advance(1);
      deadlines.disarm(one);
    }
    expect([started, clock.timers.size]).toEqual([1, 1]);
    deadlines.disarm(one);
    clock.advance(200_000);
    expect([expired, clock.timers.size]).toEqual([[], 0]);
  });

  test("0 and Infinity arm nothing, and take back what was armed", () => {
    const { clock, deadlines, expired, named } = world();
    const one = named("one");
    for (const ms of [0, Infinity]) {
      deadlines.arm(one, ms);
      expect(clock.timers.size).toBe(0);
    }
    deadlines.arm(one, 5);
    deadlines.arm(one, Infinity);
    clock.advance(100);
    expect(expired).toEqual([]);
  });
});
