// Consistent hashing: the same text, the same target; a change moves no more than it must; weights; a bound on load.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Hash } from "../../src/balance/hash.ts";
import type { Exchange } from "../../src/exchange.ts";
import { chances } from "../../src/http/chance.ts";
import type { Target } from "../../src/target.ts";
import { anExchange, Attempting, sharesOf, spread, targetsOf, type Underway } from "./doubles.ts";

/** What is hashed is the path. */
const ask = (text: string): Exchange => {
  const x = anExchange();
  x.path = text;
  return x;
};

function hashing(targets: readonly Target[], weights?: readonly number[], bound?: number): Hash<Target> {
  const policy = new Hash<Target>((x) => x.path, bound, chances(1));
  policy.use(targets, weights ?? targets.map(() => 1));
  return policy;
}

const TEXTS = Array.from({ length: 1000 }, (_, i) => `text ${i * 7919}`);
const picks = (policy: Hash<Target>): Target[] => TEXTS.map((text) => policy.pick(ask(text)));

const weightsOf = (most: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: most }), { minLength: 2, maxLength: 12 });

test("one text leads to one target, from every thread and in every order of the config", () => {
  fc.assert(
    fc.property(weightsOf(9), (weights) => {
      const targets = targetsOf(weights);
      const here = hashing(targets, weights);
      const there = hashing(targets.toReversed(), weights.toReversed());
      const picked = picks(here);
      expect(picks(here)).toEqual(picked);
      expect(picks(there)).toEqual(picked);
    }),
    { numRuns: 50 },
  );
});

test("when a target goes, its texts move and no other; when it is back, they are as before", () => {
  fc.assert(
    fc.property(weightsOf(9), fc.nat(11), (weights, which) => {
      const targets = targetsOf(weights);
      const gone = targets[which % targets.length]!;
      const policy = hashing(targets, weights);
      const before = picks(policy);
      const left = targets.filter((target) => target !== gone);
      policy.use(
        left,
        left.map(({ plan }) => plan.weight),
      );
      const without = picks(policy);
      for (const [i, target] of before.entries()) {
        if (target === gone) expect(left).toContain(without[i]!);
        else expect(without[i]).toBe(target);
      }
      policy.use(targets, weights);
      expect(picks(policy)).toEqual(before);
    }),
    { numRuns: 50 },
  );
});

test("when a weight grows, texts move to its target and nowhere else", () => {
  fc.assert(
    fc.property(weightsOf(9), fc.nat(11), fc.integer({ min: 1, max: 50 }), (weights, which, more) => {
      const targets = targetsOf(weights);
      const at = which % targets.length;
      const policy = hashing(targets, weights);
      const before = picks(policy);
      policy.use(targets, weights.with(at, weights[at]! + more));
      for (const [i, target] of picks(policy).entries()) if (target !== before[i]) expect(target).toBe(targets[at]!);
    }),
    { numRuns: 50 },
  );
});

test.each([[[1, 1]], [[100, 1]], [[3, 2, 1]], [[1000, 1, 1]], [Array.from({ length: 20 }, () => 4)]])(
  "shares of texts follow weights: %j",
  (weights) => {
    const TRIES = 40_000;
    const targets = targetsOf(weights);
    const policy = hashing(targets, weights);
    const shares = sharesOf(
      Array.from({ length: TRIES }, (_, i) => policy.pick(ask(`consumer ${i}`))),
      targets,
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs(shares[i]! - weight / total)).toBeLessThan(spread(weight / total, TRIES));
    }
  },
);

test("texts of a target that goes are spread by weight over the others", () => {
  const weights = [1, 3, 1, 5];
  const targets = targetsOf(weights);
  const policy = hashing(targets, weights);
  const texts = Array.from({ length: 40_000 }, (_, i) => `caller ${i}`);
  const moved = texts.filter((text) => policy.pick(ask(text)) === targets[0]);
  policy.use(targets.slice(1), weights.slice(1));
  const shares = sharesOf(
    moved.map((text) => policy.pick(ask(text))),
    targets.slice(1),
  );
  for (const [i, share] of shares.entries()) {
    const chance = weights[i + 1]! / 9;
    expect(Math.abs(share - chance)).toBeLessThan(spread(chance, moved.length));
  }
});

test("requests without a text go anywhere, by weight", () => {
  const targets = targetsOf([3, 1]);
  const policy = hashing(targets, [3, 1], 1.25);
  const shares = sharesOf(
    Array.from({ length: 20_000 }, () => policy.pick(ask(""))),
    targets,
  );
  expect(Math.abs(shares[0]! - 0.75)).toBeLessThan(spread(0.75, 20_000));
  for (let i = 0; i < 50; i++) expect(policy.other(ask(""), [targets[0]!])).toBe(targets[1]!);
});

test("later attempts go to the next in rank, the same for each text: where it moves when the first goes", () => {
  const targets = targetsOf([1, 2, 3, 1]);
  const weights = [1, 2, 3, 1];
  const policy = hashing(targets, weights);
  for (const text of TEXTS.slice(0, 200)) {
    policy.use(targets, weights);
    const first = policy.pick(ask(text));
    const second = policy.other(ask(text), [first]);
    const left = targets.filter((target) => target !== first);
    policy.use(
      left,
      left.map(({ plan }) => plan.weight),
    );
    expect(policy.pick(ask(text))).toBe(second);
  }
});

describe("the bound", () => {
  const BOUND = 1.25;

  test("holds for every target whatever the texts, and there is always one that takes what comes", () => {
    const events = fc.array(fc.record({ text: fc.nat(3), ends: fc.integer({ min: 0, max: 3 }) }), {
      minLength: 50,
      maxLength: 300,
    });
    fc.assert(
      fc.property(weightsOf(5), events, (weights, events) => {
        const targets = targetsOf(weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const attempts = new Attempting(hashing(targets, weights, BOUND));
        const underWay: Underway<Target>[] = [];
        for (const { text, ends } of events) {
          const one = attempts.begin(ask(`hot ${text}`));
          underWay.push(one);
          const most = Math.max(8, Math.ceil(BOUND * underWay.length * (one.target.plan.weight / total) + 1e-9));
          expect(one.target.inFlight).toBeLessThanOrEqual(most);
          // Not all end at once: load builds up.
          if (ends !== 0) continue;
          const ended = underWay.shift()!;
          attempts.settle(ended);
          attempts.finish(ended);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("a hot text overflows to the next in rank, and comes back when there is room", () => {
    const targets = targetsOf([1, 1, 1, 1]);
    const attempts = new Attempting(hashing(targets, undefined, BOUND));
    const underWay = Array.from({ length: 100 }, () => attempts.begin(ask("hot")));
    const first = underWay[0]!.target;
    expect(underWay.slice(0, 8).every(({ target }) => target === first)).toBe(true);
    expect(first.inFlight).toBe(32);
    expect(targets.filter(({ inFlight }) => inFlight > 0)).toHaveLength(4);
    for (const one of underWay) {
      attempts.settle(one);
      attempts.finish(one);
    }
    expect(attempts.begin(ask("hot")).target).toBe(first);
  });

  test("without one a hot text stays where it is", () => {
    const targets = targetsOf([1, 1, 1, 1]);
    const attempts = new Attempting(hashing(targets));
    const picked = Array.from({ length: 100 }, () => attempts.begin(ask("hot")).target);
    expect(new Set(picked).size).toBe(1);
  });
});
