// The budget of retries: a share of what was asked in the last ten seconds, whatever the order and the threads.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { TARGET_WORDS } from "../../src/board.ts";
import { BUDGET_WORDS, RetryBudget } from "../../src/upstream/budget.ts";

const PLAN = { share: 0.2, least: 3 };

function budgetAt(): { budget: RetryBudget; clock: { now: number }; words: Int32Array } {
  const clock = { now: 0 };
  const words = new Int32Array(BUDGET_WORDS);
  return { clock, words, budget: new RetryBudget(words, () => clock.now) };
}

const takeAll = (budget: RetryBudget, plan = PLAN): number => {
  let taken = 0;
  while (budget.take(plan)) taken++;
  return taken;
};

describe("the budget of retries", () => {
  test("fits into a row of the board", () => {
    expect(BUDGET_WORDS).toBeLessThanOrEqual(TARGET_WORDS);
  });

  test("is the least without traffic", () => {
    expect(takeAll(budgetAt().budget)).toBe(3);
    expect(takeAll(budgetAt().budget, { share: 0.2, least: 0 })).toBe(0);
  });

  test("is a share of the exchanges once that is more", () => {
    const { budget } = budgetAt();
    for (let i = 0; i < 100; i++) budget.count();
    expect(takeAll(budget)).toBe(20);
    for (let i = 0; i < 10; i++) budget.count();
    expect(takeAll(budget)).toBe(2);
  });

  test("comes back when what was taken is ten seconds old", () => {
    const { budget, clock } = budgetAt();
    expect(takeAll(budget)).toBe(3);
    clock.now = 7_999;
    expect(takeAll(budget)).toBe(0);
    clock.now = 10_000;
    expect(takeAll(budget)).toBe(3);
    clock.now = 10_000_000;
    expect(takeAll(budget)).toBe(3);
  });

  test("is one for all who have the same words", () => {
    const { budget, words, clock } = budgetAt();
    const other = new RetryBudget(words, () => clock.now);
    for (let i = 0; i < 50; i++) budget.count();
    for (let i = 0; i < 50; i++) other.count();
    expect(takeAll(budget) + takeAll(other)).toBe(20);
  });

  test("is for itself once it has left the words to others", () => {
    const { budget, words } = budgetAt();
    budget.leave();
    budget.count();
    expect([...words].every((word) => word === 0)).toBe(true);
  });

  test("100 requests a second of which each would be retried twice come to less than 1.3 tries each", () => {
    const { budget, clock } = budgetAt();
    let requests = 0;
    let tries = 0;
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 100; i++) {
        clock.now = second * 1000 + i * 10;
        requests++;
        tries++;
        budget.count();
        for (let retry = 0; retry < 2 && budget.take(PLAN); retry++) tries++;
      }
      expect(tries / requests).toBeLessThan(1.3);
    }
    expect(tries / requests).toBeGreaterThan(1.15);
  });

  test("in no story are there more retries than a share of the exchanges of ten seconds, or the least", () => {
    const step = fc.record({ ms: fc.nat(1500), count: fc.nat(8), takes: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { budget, clock } = budgetAt();
        const counted: number[] = [];
        const taken: number[] = [];
        for (const { ms, count, takes } of steps) {
          clock.now += ms;
          for (let i = 0; i < count; i++) {
            budget.count();
            counted.push(clock.now);
          }
          for (let i = 0; i < takes; i++) {
            if (!budget.take(PLAN)) continue;
            taken.push(clock.now);
            // Parts of two seconds: what is younger than eight seconds surely counts, what is older than ten never.
            const retries = taken.filter((at) => at > clock.now - 8000).length;
            const exchanges = counted.filter((at) => at > clock.now - 10_000).length;
            expect(retries).toBeLessThanOrEqual(Math.max(3, Math.floor(exchanges * 0.2)));
          }
        }
      }),
    );
  });
});
