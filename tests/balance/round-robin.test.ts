// RoundRobin: shares exactly by weight, weight 0 never, and no bursts (GW-37).
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { RoundRobin } from "../../src/balance/round-robin.ts";
import { chances } from "../../src/http/chance.ts";
import { anExchange, balancerOf, targetsOf } from "./doubles.ts";

const weights = fc
  .array(fc.oneof(fc.nat(5), fc.nat(30)), { minLength: 1, maxLength: 8 })
  .filter((all) => all.some((weight) => weight > 0));
const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);

/** Picks the index of the next target. */
function roundRobin(weights: readonly number[]): () => number {
  const targets = targetsOf(weights);
  const balancer = balancerOf(new RoundRobin(chances(1)));
  balancer.use(targets);
  return () => targets.indexOf(balancer.pick(x, [])!);
}

const x = anExchange();

/** So many picks in a row. */
function picks(weights: readonly number[], count: number): number[] {
  const pick = roundRobin(weights);
  return Array.from({ length: count }, pick);
}

/** How often each index was picked. */
function shares(picked: readonly number[], targets: number): number[] {
  const counts = Array.from({ length: targets }, () => 0);
  for (const index of picked) counts[index]!++;
  return counts;
}

test("over any run of as many picks as the weights add up to, each is picked as often as its weight", () => {
  fc.assert(
    fc.property(weights, fc.nat(200), (weights, start) => {
      const total = sum(weights);
      const picked = picks(weights, start + total).slice(start);
      expect(shares(picked, weights.length)).toEqual(weights);
    }),
    { numRuns: 300 },
  );
});

test("at no moment is a target as much as one pick for each other target away from its share", () => {
  fc.assert(
    fc.property(weights, (weights) => {
      const total = sum(weights);
      const live = weights.filter((weight) => weight > 0).length;
      const counts = weights.map(() => 0);
      for (const [at, index] of picks(weights, total).entries()) {
        counts[index]!++;
        for (const [target, weight] of weights.entries()) {
          expect(Math.abs(counts[target]! - ((at + 1) * weight) / total)).toBeLessThan(Math.max(1, live - 1));
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("of two targets the lighter is never picked twice running, the heavier never more than its weight asks", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (heavy, light) => {
      fc.pre(heavy > light);
      const runs = picks([heavy, light], 3 * (heavy + light))
        .join("")
        .match(/0+|1+/g)!;
      const longest = (mark: string): number =>
        Math.max(...runs.filter((run) => run[0] === mark).map((run) => run.length));
      expect(longest("1")).toBe(1);
      expect(longest("0")).toBeLessThanOrEqual(Math.ceil(heavy / light));
    }),
  );
});

describe("known turns", () => {
  test.each<[weights: number[], turn: string]>([
    [[1], "000"],
    [[7], "000"],
    [[1, 1, 1], "012012"],
    [[5, 5], "0101"],
    [[5, 1, 1], "00102000010200"],
    [[2, 1], "010010"],
    [[0, 1, 0], "111"],
    [[0, 3, 3], "1212"],
    [[0, 2, 0, 1], "131131"],
  ])("%j: %s", (weights, turn) => {
    expect(picks(weights, turn.length).join("")).toBe(turn);
  });
});

test("100 and 1 over 2,000 requests: the light one gets its share, spread out", () => {
  const picked = picks([100, 1], 2020);
  expect(shares(picked, 2)).toEqual([2000, 20]);
  const at = [...picked.keys()].filter((index) => picked[index] === 1);
  const gaps = at.slice(1).map((one, index) => one - at[index]!);
  expect(new Set(gaps)).toEqual(new Set([101]));
});

test("weight 0 is never picked", () => {
  fc.assert(
    fc.property(weights, (weights) => {
      for (const index of picks(weights, 200)) expect(weights[index]).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
});

test("two turns know nothing of each other", () => {
  const [one, other] = [roundRobin([2, 1]), roundRobin([2, 1])];
  expect([one(), one(), other(), one(), other()]).toEqual([0, 1, 0, 0, 1]);
});

test("a later attempt takes nobody's turn", () => {
  const targets = targetsOf([1, 1, 1]);
  const [first, second, third] = targets;
  const balancer = balancerOf(new RoundRobin(chances(1)));
  balancer.use(targets);
  const picked = [[], [first!, second!], [], [first!, third!], []].map((tried) => balancer.pick(x, tried));
  expect(picked).toEqual([first, third, second, second, third]);
});

test("however often targets and weights change, those that stay get their share", () => {
  const rare = fc.array(fc.nat(2), { minLength: 30, maxLength: 30 });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 30 }), rare, (heavy, changes) => {
      const targets = targetsOf([heavy, 1, heavy]);
      const board = { version: 0 };
      const balancer = balancerOf(new RoundRobin(chances(1)), board);
      const counts = [0, 0, 0];
      let owed = 0;
      for (const picks of changes) {
        // The third comes and goes all the time, with hardly a pick in between.
        const there = board.version % 2 === 0 ? targets : targets.slice(0, 2);
        board.version++;
        balancer.use(there);
        for (let i = 0; i < picks; i++) {
          counts[targets.indexOf(balancer.pick(x, [])!)]!++;
          owed += there === targets ? 1 / (2 * heavy + 1) : 1 / (heavy + 1);
        }
      }
      expect(Math.abs(counts[1]! - owed)).toBeLessThan(2);
    }),
    { numRuns: 200 },
  );
});

test("targets that go when they have had their turn leave nothing to those that come", () => {
  const [one, two, ...others] = targetsOf(Array.from({ length: 200 }, (_, i) => (i === 0 ? 3 : 1)));
  const balancer = balancerOf(new RoundRobin(chances(1)));
  for (const fresh of others) {
    balancer.use([one!, two!, fresh]);
    const waits = Array.from({ length: 12 }, () => balancer.pick(x, [])).indexOf(fresh);
    expect(waits).toBeGreaterThanOrEqual(0);
    expect(waits).toBeLessThan(7);
    while (balancer.pick(x, []) !== fresh);
  }
});

test("what changes elsewhere on the board begins no turn anew", () => {
  const targets = targetsOf([1, 1, 1]);
  const board = { version: 0 };
  const balancer = balancerOf(new RoundRobin(chances(1)), board);
  balancer.use(targets);
  const picked = [0, 1, 2, 3].map(() => {
    board.version++;
    return targets.indexOf(balancer.pick(x, [])!);
  });
  expect(picked).toEqual([0, 1, 2, 0]);
});

test("with all weights 0 there is no target, and with none at all", () => {
  for (const weights of [[], [0], [0, 0]]) {
    const balancer = balancerOf(new RoundRobin(chances(1)));
    balancer.use(targetsOf(weights));
    expect([balancer.untried([]), balancer.pick(x, [])]).toEqual([0, undefined]);
  }
});
