// Slow start: a target that joins, or comes back, gets a small share at first and its whole share by and by.
import type { Exchange } from "../exchange.ts";
import { moment, msOf, RAMP_SINCE, type Target, UP_SINCE, type Watcher } from "../target.ts";
import type { Policy } from "./policy.ts";

/** The share with which a target begins, of that which its weight says. */
const LEAST = 0.05;

/** How often weights rise while a target warms up. */
const STEPS = 100;

/** Weights rise no more often than this. */
const SHORTEST_STEP_MS = 100;

/** Threads that start together have all looked after this long: what is known for longer was there before. */
const START_MS = 2_000;

/**
 * Raises weights in a straight line, over a policy that knows nothing of it. What was there at the start does not warm up.
 * A ramp that has begun goes on although the target is away for a while: it begins anew only after the target was there,
 * or away, for as long as a ramp takes. So flapping keeps nobody small (case GW-37).
 */
export class SlowStart<T extends Target> implements Policy<T> {
  readonly watchers?: readonly Watcher<T>[];
  readonly ready?: () => Promise<void> | undefined;
  readonly #policy: Policy<T>;
  readonly #ms: number;
  readonly #now: () => number;
  #targets: readonly T[] = [];
  #weights: readonly number[] = [];
  /** What stood in the rows of targets that have gone: who is no target any more has no row. By URL. */
  readonly #gone = new Map<string, Int32Array>();
  /** When weights rise next; Infinity when all are whole. */
  #next = Infinity;

  /**
   * @param ms how long a ramp takes
   * @param now monotonic milliseconds, the same in all threads
   */
  constructor(policy: Policy<T>, ms: number, now: () => number) {
    this.#policy = policy;
    this.#ms = ms;
    this.#now = now;
    if (policy.watchers !== undefined) this.watchers = policy.watchers;
    if (policy.ready !== undefined) this.ready = () => policy.ready!();
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    const now = this.#now();
    const before = placesOf(this.#targets);
    const after = placesOf(targets);
    const runs = before.size > 0 || targets.some(({ words }) => isOld(words, now));
    for (const target of this.#targets) if (!after.has(target.plan.url)) this.#left(target, now);
    for (const target of targets) if (!before.has(target.plan.url)) this.#came(target, now, runs);
    for (const [url, words] of this.#gone) if (this.#isLong(-words[UP_SINCE]!, now)) this.#gone.delete(url);
    this.#targets = targets;
    this.#weights = weights;
    this.#raise(now);
  }

  pick(x: Exchange): T {
    this.#look();
    return this.#policy.pick(x);
  }

  other(x: Exchange, tried: readonly T[]): T {
    this.#look();
    return this.#policy.other(x, tried);
  }

  #look(): void {
    if (this.#next === Infinity) return;
    const now = this.#now();
    if (now >= this.#next) this.#raise(now);
  }

  #raise(now: number): void {
    let warming = false;
    const weights = this.#weights.map((weight, i) => {
      const warmth = this.#warmth(this.#targets[i]!.words, now);
      warming ||= warmth < 1;
      return weight * warmth;
    });
    this.#next = warming ? now + Math.max(SHORTEST_STEP_MS, this.#ms / STEPS) : Infinity;
    this.#policy.use(this.#targets, weights);
  }

  /** The share of its weight that a target has now, from LEAST to 1. */
  #warmth(words: Int32Array, now: number): number {
    const since = words[RAMP_SINCE]!;
    if (since === 0) return 1;
    const part = Math.max(0, now - msOf(since)) / this.#ms;
    return part >= 1 ? 1 : LEAST + (1 - LEAST) * part;
  }

  /**
   * Another thread may have seen it first: then it stands there already.
   * @param runs whether the upstream was there before
   */
  #came({ plan, words }: T, now: number, runs: boolean): void {
    const gone = this.#gone.get(plan.url);
    this.#gone.delete(plan.url);
    if (words[UP_SINCE] === 0 && gone !== undefined) {
      words[UP_SINCE] = gone[UP_SINCE]!;
      words[RAMP_SINCE] = gone[RAMP_SINCE]!;
    }
    const since = words[UP_SINCE]!;
    if (since > 0) return;
    words[UP_SINCE] = stamp(now);
    if (since === 0 && !runs) return;
    if (since < 0 && this.#isLong(-since, now)) words[RAMP_SINCE] = 0;
    if (words[RAMP_SINCE] === 0) words[RAMP_SINCE] = stamp(now);
  }

  #left({ plan, words }: T, now: number): void {
    const since = words[UP_SINCE]!;
    if (since > 0) {
      if (this.#isLong(since, now)) words[RAMP_SINCE] = 0;
      words[UP_SINCE] = -stamp(now);
    }
    this.#gone.set(plan.url, words.slice());
  }

  #isLong(since: number, now: number): boolean {
    return now - msOf(since) >= this.#ms;
  }
}

/** 0 stands for no moment. */
function stamp(now: number): number {
  return Math.max(1, moment(now));
}

function isOld(words: Int32Array, now: number): boolean {
  return words[UP_SINCE] !== 0 && now - msOf(Math.abs(words[UP_SINCE]!)) >= START_MS;
}

/** Where targets are: one that another with the same row has replaced is still there. */
function placesOf(targets: readonly Target[]): ReadonlySet<string> {
  return new Set(targets.map(({ plan }) => plan.url));
}
