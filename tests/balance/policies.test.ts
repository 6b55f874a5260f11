// What holds for every policy: whom it may pick, that shares follow weights (GW-37), and where later attempts go.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createPolicy } from "../../src/balance/create.ts";
import type { Policy } from "../../src/balance/policy.ts";
import { Secret } from "../../src/config/secrets.ts";
import type { BalancePlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import type { Target } from "../../src/target.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";
import { anExchange, Attempting, sharesOf, spread, targetsOf } from "./doubles.ts";

interface Kind {
  readonly balance: BalancePlan;
  /** Whether shares follow weights while nothing is under way and all answer alike. */
  readonly weighted: boolean;
  /** Whether later attempts go to any target; else to a certain one. */
  readonly spreads: boolean;
}

const STICKY: BalancePlan = {
  kind: "sticky",
  cookie: "lb",
  secret: new Secret("secret", "STICKY"),
  attributes: "",
  secure: undefined,
  pick: { kind: "random" },
};

const KINDS: Readonly<Record<string, Kind>> = {
  "round-robin": { balance: { kind: "round-robin" }, weighted: true, spreads: true },
  random: { balance: { kind: "random" }, weighted: true, spreads: true },
  "least-busy": { balance: { kind: "least-busy" }, weighted: true, spreads: true },
  fastest: { balance: { kind: "fastest" }, weighted: true, spreads: true },
  "hash without a text": {
    balance: { kind: "hash", by: { kind: "header", key: "x-none" }, bound: 1.25 },
    weighted: true,
    spreads: true,
  },
  "sticky without a cookie": { balance: STICKY, weighted: true, spreads: true },
  hash: { balance: { kind: "hash", by: { kind: "address" }, bound: 1.25 }, weighted: false, spreads: false },
  first: { balance: { kind: "first" }, weighted: false, spreads: false },
};

function policyOf(balance: BalancePlan, seed = 1): Policy<Target> {
  const platform = new FakePlatform();
  platform.random = (count) => new Int32Array(count).fill(seed);
  return createPolicy({ balance } as UpstreamPlan, platform);
}

const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 12 });
const kinds = Object.entries(KINDS);
const weighted = kinds.filter(([, { weighted }]) => weighted);
const spreading = kinds.filter(([, { spreads }]) => spreads);

describe.each(kinds)("%s", (_, { balance }) => {
  test("picks among the targets it has now, whatever it had before and whatever is under way", () => {
    const steps = fc.array(fc.record({ weights, picks: fc.nat(20), ends: fc.nat(20) }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1 }), (steps, seed) => {
        const all = targetsOf(Array.from({ length: 12 }, () => 1));
        const policy = policyOf(balance, seed);
        const attempts = new Attempting(policy);
        const underWay = [];
        for (const { weights, picks, ends } of steps) {
          const targets = all.slice(12 - weights.length);
          policy.use(targets, weights);
          for (let i = 0; i < picks; i++) {
            const attempt = attempts.begin();
            expect(targets).toContain(attempt.target);
            underWay.push(attempt);
          }
          for (const attempt of underWay.splice(0, ends)) {
            attempts.settle(attempt);
            attempts.finish(attempt);
          }
        }
        for (const attempt of underWay) {
          attempts.settle(attempt);
          attempts.finish(attempt);
        }
        expect(all.map(({ inFlight }) => inFlight)).toEqual(all.map(() => 0));
      }),
      { numRuns: 100 },
    );
  });

  test("a later attempt goes to a target that was not tried, while there is one", () => {
    fc.assert(
      fc.property(weights, fc.integer({ min: 1 }), (weights, seed) => {
        const targets = targetsOf(weights);
        const policy = policyOf(balance, seed);
        policy.use(targets, weights);
        const x = anExchange();
        const tried = [policy.pick(x)];
        while (tried.length < targets.length) {
          const next = policy.other(x, tried);
          expect(tried).not.toContain(next);
          tried.push(next);
        }
        expect(targets).toContain(policy.other(x, tried));
      }),
      { numRuns: 100 },
    );
  });

  test("a target alone gets all", () => {
    const targets = targetsOf([3]);
    const policy = policyOf(balance);
    policy.use(targets, [3]);
    const attempts = new Attempting(policy);
    expect(sharesOf([attempts.begin().target, attempts.whole(503), attempts.whole()], targets)).toEqual([1]);
  });
});

describe.each(weighted)("%s: shares follow weights", (_, { balance }) => {
  const PICKS = 20_000;
  test.each([
    [[100, 1]],
    [[1, 100]],
    [[1, 1]],
    [[3, 2, 1]],
    [[50, 1, 1, 1, 50]],
    [Array.from({ length: 30 }, () => 7)],
  ])("%j", (weights) => {
    const targets = targetsOf(weights);
    const policy = policyOf(balance);
    policy.use(targets, weights);
    const attempts = new Attempting(policy);
    const shares = sharesOf(
      Array.from({ length: PICKS }, () => attempts.whole()),
      targets,
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of weights.entries()) {
      expect(Math.abs(shares[i]! - weight / total)).toBeLessThan(spread(weight / total, PICKS));
    }
  });

  test("of 2,000 requests the lighter of 100 and 1 gets some, and no flood", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const targets = targetsOf([100, 1]);
      const policy = policyOf(balance, seed * 7919);
      policy.use(targets, [100, 1]);
      const attempts = new Attempting(policy);
      const light = Array.from({ length: 2000 }, () => attempts.whole()).filter((target) => target === targets[1]);
      expect(light.length).toBeGreaterThanOrEqual(3);
      expect(light.length).toBeLessThanOrEqual(45);
    }
  });
});

test.each(spreading)("%s: later attempts are spread by weight over those that were not tried", (_, { balance }) => {
  const TRIES = 20_000;
  const weights = [5, 1, 2, 1];
  const targets = targetsOf(weights);
  const policy = policyOf(balance);
  policy.use(targets, weights);
  const x = anExchange();
  const picked = Array.from({ length: TRIES }, () => policy.other(x, [targets[0]!]));
  for (const [i, share] of sharesOf(picked, targets.slice(1)).entries()) {
    const chance = weights[i + 1]! / 4;
    expect(Math.abs(share - chance)).toBeLessThan(spread(chance, TRIES));
  }
});

test("first: always the first, and the next in order after it", () => {
  const targets = targetsOf([1, 9, 9]);
  const policy = policyOf({ kind: "first" });
  policy.use(targets, [1, 9, 9]);
  const x = anExchange();
  const [first, second, third] = targets;
  expect([policy.pick(x), policy.other(x, [first!]), policy.other(x, [first!, second!]), policy.pick(x)]).toEqual([
    first!,
    second!,
    third!,
    first!,
  ]);
});
