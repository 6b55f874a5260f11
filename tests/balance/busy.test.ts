// What is under way decides: least-busy evens it out by weight, and what is counted is given back whatever happens.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fastest } from "../../src/balance/fastest.ts";
import { LeastBusy } from "../../src/balance/least-busy.ts";
import type { Policy } from "../../src/balance/policy.ts";
import { GatewayError } from "../../src/errors.ts";
import { chances } from "../../src/http/chance.ts";
import type { Target } from "../../src/target.ts";
import { anExchange, Attempting, sharesOf, targetsOf, type Underway } from "./doubles.ts";

const refused = (): GatewayError => new GatewayError("connection_refused", "nobody listens");
const left = (): GatewayError => new GatewayError("client_disconnect", "the client left");

const stale = (): GatewayError => new GatewayError("connection_terminated", "it was closed", { retry: "idempotent" });
const withdrawn = (): GatewayError => new GatewayError("attempt_withdrawn", "another attempt was answered first");

function leastBusy(weights: readonly number[], seed = 1): [Target[], Attempting<Target>, Policy<Target>] {
  const targets = targetsOf(weights);
  const policy = new LeastBusy<Target>(chances(seed));
  policy.use(targets, weights);
  return [targets, new Attempting(policy), policy];
}

const busy = (targets: readonly Target[]): number[] => targets.map(({ inFlight }) => inFlight);

describe("what is under way", () => {
  test("counts from an attempt's beginning until its exchange has ended", () => {
    const [targets, attempts] = leastBusy([1]);
    const one = attempts.begin();
    expect(busy(targets)).toEqual([1]);
    attempts.settle(one);
    expect(busy(targets)).toEqual([1]);
    attempts.finish(one);
    expect(busy(targets)).toEqual([0]);
  });

  test.each([refused, left])("an attempt that failed is over at once", (error) => {
    const [targets, attempts] = leastBusy([1]);
    attempts.settle(attempts.begin(), error());
    expect(busy(targets)).toEqual([0]);
  });

  test("an answer that comes when its exchange is over is not held", () => {
    const [targets, attempts] = leastBusy([1]);
    const one = attempts.begin();
    attempts.finish(one);
    attempts.settle(one);
    expect(busy(targets)).toEqual([0]);
  });

  test("is what began and has not ended, in any order of events", () => {
    const events = fc.array(fc.record({ what: fc.nat(3), which: fc.nat(40) }), { maxLength: 120 });
    fc.assert(
      fc.property(events, (events) => {
        const [targets, attempts] = leastBusy([1, 2, 3]);
        const begun: Underway<Target>[] = [];
        const answered: Underway<Target>[] = [];
        const take = (from: Underway<Target>[], which: number): Underway<Target>[] =>
          from.splice(which % (from.length || 1), 1);
        for (const { what, which } of events) {
          if (what === 0) begun.push(attempts.begin());
          for (const one of what === 1 ? take(begun, which) : []) {
            attempts.settle(one);
            answered.push(one);
          }
          for (const one of what === 2 ? take(begun, which) : []) attempts.settle(one, refused());
          for (const one of what === 3 ? take(answered, which) : []) attempts.finish(one);
        }
        const all = [...begun, ...answered];
        expect(busy(targets)).toEqual(targets.map((target) => all.filter((one) => one.target === target).length));
      }),
      { numRuns: 200 },
    );
  });
});

describe("least-busy", () => {
  test("a target that does not answer is left alone by all but its share of first draws", () => {
    const [targets, attempts] = leastBusy([1, 1, 1]);
    const stuck = targets[0]!;
    const picked = [];
    for (let i = 0; i < 1000; i++) {
      const one = attempts.begin();
      picked.push(one.target);
      if (one.target === stuck) continue;
      attempts.settle(one);
      attempts.finish(one);
    }
    // It takes one whenever both choices are idle, and then never again: it is busier than any other.
    expect(stuck.inFlight).toBe(1);
    expect(sharesOf(picked, targets)[1]).toBeGreaterThan(0.4);
  });

  test("with many under way each target has its share of them, by weight", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 2, maxLength: 10 }),
        fc.integer({ min: 1 }),
        (weights, seed) => {
          const [targets, attempts] = leastBusy(weights, seed);
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const each = 40;
          for (let i = 0; i < each * total; i++) attempts.begin();
          for (const [i, target] of targets.entries()) {
            expect(target.inFlight / (each * weights[i]!)).toBeGreaterThan(0.8);
            expect(target.inFlight / (each * weights[i]!)).toBeLessThan(1.2);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("a new target that is idle takes at most twice its share until it is as busy as the others", () => {
    const weights = Array.from({ length: 10 }, () => 1);
    const targets = targetsOf(weights);
    const policy = new LeastBusy<Target>(chances(3));
    policy.use(targets.slice(1), weights.slice(1));
    const attempts = new Attempting<Target>(policy);
    for (let i = 0; i < 900; i++) attempts.begin();
    policy.use(targets, weights);
    const picked = Array.from({ length: 300 }, () => attempts.begin().target);
    const share = sharesOf(picked, targets)[0]!;
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.27);
  });

  test("two that are under way are at two targets", () => {
    for (let seed = 1; seed < 100; seed++) {
      const [targets, attempts] = leastBusy([1, 1], seed);
      attempts.begin();
      attempts.begin();
      expect(busy(targets)).toEqual([1, 1]);
    }
  });

  test("a later attempt goes to the less busy of two that were not tried", () => {
    const [targets, , policy] = leastBusy([1, 1, 1]);
    targets[1]!.inFlight = 2;
    for (let i = 0; i < 50; i++) expect(policy.other(anExchange(), [targets[0]!])).toBe(targets[2]!);
  });
});

describe("fastest", () => {
  /** Exchanges one after another with targets that take so many milliseconds, or fail. */
  class Course {
    now = 1000;
    readonly targets: Target[];
    readonly policy: Fastest<Target>;
    readonly attempts: Attempting<Target>;

    constructor(weights: readonly number[], seed = 1) {
      this.targets = targetsOf(weights);
      this.policy = new Fastest<Target>(chances(seed), () => this.now);
      this.policy.use(this.targets, weights);
      this.attempts = new Attempting<Target>(this.policy, () => this.now);
    }

    /** Runs for a while, one exchange after another, `every` milliseconds. */
    run(ms: number, every: number, outcomes: readonly (readonly [took: number, status: number])[]): Target[] {
      const picked = [];
      for (const end = this.now + ms; this.now < end;) {
        const one = this.attempts.begin();
        const [took, status] = outcomes[this.targets.indexOf(one.target)]!;
        this.now += took;
        this.attempts.settle(one, status);
        this.attempts.finish(one);
        this.now += Math.max(0, every - took);
        picked.push(one.target);
      }
      return picked;
    }

    /** Tells of an attempt that took so long. */
    tell(target: Target, took: number, outcome: number | GatewayError, x = anExchange()): void {
      const startedAt = this.now - took;
      const [status, error] = typeof outcome === "number" ? [outcome, undefined] : [0, outcome];
      this.policy.settled(target, { target: "", startedAt, settledAt: this.now, status, error }, x);
    }

    shares(picked: readonly Target[]): number[] {
      return sharesOf(picked, this.targets);
    }
  }

  test("the faster gets nearly all while little is under way, and the slower is tried again now and then", () => {
    for (const seed of [1, 2, 3]) {
      const course = new Course([1, 1], seed);
      const picked = course.run(120_000, 20, [
        [5, 200],
        [15, 200],
      ]);
      const [fast, slow] = course.shares(picked);
      expect(fast).toBeGreaterThan(0.98);
      expect(slow).toBeGreaterThan(0);
    }
  });

  test("a target that fails at once does not look fast", () => {
    for (const status of [500, 502, 503]) {
      const course = new Course([1, 1]);
      const picked = course.run(120_000, 20, [
        [15, 200],
        [1, status],
      ]);
      expect(course.shares(picked)[1]).toBeLessThan(0.02);
    }
  });

  test("a target that is fast again gets its share again", () => {
    const course = new Course([1, 1]);
    course.run(20_000, 20, [
      [5, 200],
      [500, 200],
    ]);
    course.run(100_000, 20, [
      [5, 200],
      [5, 200],
    ]);
    const shares = course.shares(
      course.run(100_000, 20, [
        [5, 200],
        [5, 200],
      ]),
    );
    expect(Math.min(...shares)).toBeGreaterThan(0.2);
  });

  test("a new target is neither flooded nor left out, whether it is faster or slower", () => {
    for (const took of [2, 10, 50]) {
      const course = new Course([1, 1, 1, 1]);
      const [, ...old] = course.targets;
      course.policy.use(old, [1, 1, 1]);
      const all: [number, number][] = [
        [took, 200],
        [10, 200],
        [10, 200],
        [10, 200],
      ];
      course.run(10_000, 20, all);
      course.policy.use(course.targets, [1, 1, 1, 1]);
      // Many at once, before it has answered a single one.
      const burst = Array.from({ length: 40 }, () => course.attempts.begin());
      const share = course.shares(burst.map(({ target }) => target))[0]!;
      expect(share).toBeGreaterThan(0.1);
      expect(share).toBeLessThan(0.4);
    }
  });

  test("a light target that is faster gets at most twice its share", () => {
    const course = new Course([99, 1]);
    const picked = course.run(200_000, 10, [
      [9, 200],
      [1, 200],
    ]);
    const share = course.shares(picked)[1]!;
    expect(share).toBeGreaterThan(0.012);
    expect(share).toBeLessThan(0.025);
  });

  test.each<[string, () => GatewayError]>([
    ["a client that left", left],
    ["a kept connection that was closed", stale],
    ["an attempt that another one was faster than", withdrawn],
  ])("%s says how long it waited at least, and nothing more", (_, left) => {
    const course = new Course([1, 1]);
    const [one, two] = course.targets;
    course.tell(one!, 5, 200);
    course.tell(two!, 5, 200);
    course.tell(one!, 5000, left());
    const picks = (): Target[] => Array.from({ length: 20 }, () => course.policy.pick(anExchange()));
    expect(picks()).toEqual(Array<Target>(20).fill(two!));
    course.tell(one!, 0, left());
    expect(picks()).toEqual(Array<Target>(20).fill(two!));
  });

  test("how long an upload takes says nothing of the target", () => {
    const course = new Course([1, 1]);
    const [one, two] = course.targets;
    course.tell(one!, 5, 200);
    course.tell(two!, 5, 200);
    const content = { length: undefined, pipe() {}, resume() {}, cancel() {} };
    course.tell(two!, 5000, 200, anExchange({ method: "POST", content }));
    expect(
      Math.min(...course.shares(Array.from({ length: 2000 }, () => course.policy.pick(anExchange())))),
    ).toBeGreaterThan(0.4);
  });
});
