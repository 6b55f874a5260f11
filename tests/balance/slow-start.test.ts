// Slow start (GW-37): from a small share to the whole one without a step back, and flapping begins nothing anew.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Policy } from "../../src/balance/policy.ts";
import { Random } from "../../src/balance/random.ts";
import { SlowStart } from "../../src/balance/slow-start.ts";
import { TARGET_WORDS } from "../../src/board.ts";
import { chances } from "../../src/http/chance.ts";
import { Target } from "../../src/target.ts";
import { anExchange, sharesOf, spread, targetsOf } from "./doubles.ts";

const WINDOW = 10_000;
const x = anExchange();

/** Slow start over a policy that only notes the weights it is told. */
class Course {
  now = 5_000;
  /** By target: what the policy was told last. */
  weights = new Map<Target, number>();
  readonly slow: SlowStart<Target>;
  readonly #known: Policy<Target> = {
    use: (targets, weights) => {
      this.weights = new Map(targets.map((target, i) => [target, weights[i]!]));
    },
    pick: () => [...this.weights.keys()][0]!,
    other: () => [...this.weights.keys()][0]!,
  };

  constructor(now = 5_000) {
    this.now = now;
    this.slow = new SlowStart(this.#known, WINDOW, () => this.now);
  }

  use(...targets: Target[]): void {
    this.slow.use(
      targets,
      targets.map(({ plan }) => plan.weight),
    );
  }

  /** The share of a target's weight that it has after so long. */
  after(ms: number, target: Target): number {
    this.now += ms;
    this.slow.pick(x);
    return this.weights.get(target)! / target.plan.weight;
  }
}

test("what is there at the start has its whole share at once", () => {
  const course = new Course();
  const [one, two] = targetsOf([1, 7]);
  course.use(one!, two!);
  expect([...course.weights.values()]).toEqual([1, 7]);
});

test("a target that joins rises from a twentieth to the whole in a straight line, and the others keep theirs", () => {
  const course = new Course();
  const [one, two] = targetsOf([3, 4]);
  course.use(one!);
  course.now += 60_000;
  course.use(one!, two!);
  expect(course.after(0, two!)).toBeCloseTo(0.05, 1);
  expect(course.after(2_500, two!)).toBeCloseTo(0.29, 1);
  expect(course.after(2_500, two!)).toBeCloseTo(0.525, 1);
  expect(course.after(0, one!)).toBe(1);
  expect(course.after(4_800, two!)).toBeLessThan(1);
  expect(course.after(300, two!)).toBe(1);
  expect(course.after(1_000_000, two!)).toBe(1);
});

test("at every moment a share is above 0 and no smaller than before, whenever one looks", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(900), { minLength: 2, maxLength: 60 }), fc.nat(2_000_000_000), (steps, began) => {
      const course = new Course(began);
      const [one, two] = targetsOf([1, 1]);
      course.use(one!);
      course.now += 3_000;
      course.use(one!, two!);
      let last = 0;
      let passed = 0;
      for (const ms of steps) {
        const share = course.after(ms, two!);
        passed += ms;
        expect(share).toBeGreaterThan(0);
        expect(share).toBeGreaterThanOrEqual(last);
        expect(Math.abs(share - Math.min(1, 0.05 + (0.95 * passed) / WINDOW))).toBeLessThan(0.04);
        last = share;
      }
    }),
    { numRuns: 200 },
  );
});

test("picks follow: of two equal targets the new one gets what it has warmed up for", () => {
  const targets = targetsOf([1, 1]);
  let now = 0;
  const slow = new SlowStart(new Random<Target>(chances(5)), WINDOW, () => now);
  slow.use(targets.slice(0, 1), [1]);
  now += 60_000;
  slow.use(targets, [1, 1]);
  for (const [passed, warmth] of [
    [0, 0.05],
    [5_000, 0.525],
    [10_200, 1],
  ] as const) {
    now = 60_000 + passed;
    const picked = Array.from({ length: 10_000 }, () => slow.pick(x));
    const chance = warmth / (1 + warmth);
    expect(Math.abs(sharesOf(picked, targets)[1]! - chance)).toBeLessThan(spread(chance, 10_000) + 0.01);
  }
});

describe("a target that comes back", () => {
  test("begins anew, however short it was away", () => {
    for (const away of [10, 1_000, 60_000]) {
      const course = new Course();
      const [one, two] = targetsOf([1, 1]);
      course.use(one!, two!);
      course.now += 60_000;
      course.use(one!);
      course.now += away;
      course.use(one!, two!);
      expect(course.after(0, two!)).toBeCloseTo(0.05, 1);
    }
  });

  test("goes on where the clock is when it went in the middle of its rise", () => {
    const course = new Course();
    const [one, two] = targetsOf([1, 1]);
    course.use(one!);
    course.now += 60_000;
    course.use(one!, two!);
    course.now += 5_000;
    course.use(one!);
    course.now += 2_000;
    course.use(one!, two!);
    expect(course.after(0, two!)).toBeCloseTo(0.05 + 0.95 * 0.7, 1);
  });

  test("flapping every second never makes it smaller, and it gets its whole share", () => {
    const course = new Course();
    const [one, two] = targetsOf([1, 1]);
    course.use(one!, two!);
    course.now += 60_000;
    const shares: number[] = [];
    for (let i = 0; i < 40; i++) {
      course.use(one!);
      course.now += 1_000;
      course.use(one!, two!);
      shares.push(course.after(0, two!));
      course.now += 1_000;
    }
    expect(shares[0]).toBeCloseTo(0.05, 1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.slice(6)).toEqual(Array(34).fill(1));
  });

  test("goes on as well when it was no target in between, and has another row", () => {
    const course = new Course();
    const [one, two] = targetsOf([1, 1]);
    course.use(one!);
    course.now += 60_000;
    const shares: number[] = [];
    for (let i = 0; i < 12; i++) {
      const again = new Target(two!.plan, new Int32Array(TARGET_WORDS));
      course.use(one!, again);
      shares.push(course.after(0, again));
      course.now += 1_000;
      course.use(one!);
      course.now += 1_000;
    }
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.slice(6)).toEqual(Array(6).fill(1));
    // It was away for long: what was known of it is forgotten.
    course.now += 20_000;
    const late = new Target(two!.plan, new Int32Array(TARGET_WORDS));
    course.use(one!, late);
    expect(course.after(0, late)).toBeCloseTo(0.05, 1);
  });

  test.each([
    ["was away for as long as a rise takes", 11_000, 1_000],
    ["was there for as long as a rise takes", 1_000, 11_000],
  ])("begins anew after flapping when it %s", (_, away, there) => {
    const course = new Course();
    const [one, two] = targetsOf([1, 1]);
    course.use(one!, two!);
    course.now += 60_000;
    for (let i = 0; i < 10; i++) {
      course.use(one!);
      course.now += 1_000;
      course.use(one!, two!);
      course.now += 1_000;
    }
    expect(course.after(0, two!)).toBe(1);
    course.now += there - 1_000;
    course.use(one!);
    course.now += away;
    course.use(one!, two!);
    expect(course.after(0, two!)).toBeCloseTo(0.05, 1);
  });
});

describe("what stands on the board", () => {
  /** The target as another thread or another plan has it: the same row. */
  const twin = (target: Target, weight = target.plan.weight): Target =>
    new Target({ ...target.plan, weight }, target.words);

  test("is the same for all threads", () => {
    const [here, there] = [new Course(), new Course()];
    const [one, two] = targetsOf([1, 1]);
    here.use(one!);
    there.use(twin(one!));
    here.now = there.now += 60_000;
    here.use(one!, two!);
    here.now = there.now += 2_000;
    const late = twin(two!);
    there.use(twin(one!), late);
    here.now = there.now += 3_000;
    expect(here.after(0, two!)).toBeCloseTo(0.525, 1);
    expect(there.after(0, late)).toBe(here.after(0, two!));
  });

  test("outlives a plan: a rise goes on, what is new in the next plan rises, what was there does not", () => {
    const [before, after] = [new Course(), new Course()];
    const [one, two, three] = targetsOf([1, 1, 1]);
    before.use(one!);
    before.now += 60_000;
    before.use(one!, two!);
    after.now = before.now += 5_000;
    const next = [twin(one!), twin(two!), three!] as const;
    after.use(...next);
    expect(next.map((target) => after.after(0, target).toFixed(1))).toEqual(["1.0", "0.5", "0.1"]);
  });

  test("does not make a target new whose weight is another now", () => {
    const course = new Course();
    const [one, two] = targetsOf([1, 1]);
    course.use(one!, two!);
    course.now += 60_000;
    const heavier = twin(two!, 5);
    course.use(one!, heavier);
    expect(course.after(0, heavier)).toBe(1);
  });

  test("of threads that start together none takes the targets of the others for new ones", () => {
    const [here, there] = [new Course(), new Course()];
    const [one, two] = targetsOf([1, 1]);
    here.use(one!);
    there.now += 900;
    there.use(twin(one!), two!);
    expect(there.after(0, two!)).toBe(1);
  });
});
