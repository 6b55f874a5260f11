// The budget of retries of an upstream: a share of what it was asked lately, so that retries never make an outage worse.
import type { BudgetPlan } from "../config/upstream/plan.ts";

/** Milliseconds that a part of the span of time covers, and the number of parts: ten seconds in all. */
const PART_MS = 2000;
const PARTS = 5;
/** Words of a part: which one it is, exchanges, retries. */
const WORDS = 3;

/** Words that a budget needs. */
export const BUDGET_WORDS = PARTS * WORDS;

/**
 * Counts exchanges and retries of the last ten seconds in words that all threads may share: then the budget is one for
 * all of them. Threads that decide at the same instant may each take the last retry.
 */
export class RetryBudget {
  /** Retries that this thread was not given. */
  refusals = 0;
  #words: Int32Array;
  readonly #now: () => number;

  /** @param words at least {@link BUDGET_WORDS}, zero at first */
  constructor(words: Int32Array, now: () => number) {
    this.#words = words;
    this.#now = now;
  }

  /** Another exchange has come to what its first attempt came to. */
  count(): void {
    Atomics.add(this.#words, this.#part() + 1, 1);
  }

  /** Takes a retry, if there is one: so many as `share` of the exchanges, or `least`. */
  take({ share, least }: BudgetPlan): boolean {
    const words = this.#words;
    const now = this.#part();
    const oldest = words[now]! - PARTS;
    let exchanges = 0;
    let retries = 0;
    for (let at = 0; at < BUDGET_WORDS; at += WORDS) {
      if (words[at]! <= oldest) continue;
      exchanges += Atomics.load(words, at + 1);
      retries += Atomics.load(words, at + 2);
    }
    if (retries >= Math.max(least, Math.floor(exchanges * share))) {
      this.refusals++;
      return false;
    }
    Atomics.add(words, now + 2, 1);
    return true;
  }

  /** From now on it counts for itself: the words may soon be another's. */
  leave(): void {
    this.#words = new Int32Array(BUDGET_WORDS);
  }

  /** Where the part of this moment stands; what it held before is forgotten. */
  #part(): number {
    // Never 0, which a part has that was not used yet.
    const number = 1 + Math.floor(this.#now() / PART_MS);
    const at = (number % PARTS) * WORDS;
    const before = Atomics.load(this.#words, at);
    if (before !== number && Atomics.compareExchange(this.#words, at, before, number) === before) {
      Atomics.store(this.#words, at + 1, 0);
      Atomics.store(this.#words, at + 2, 0);
    }
    return at;
  }
}
