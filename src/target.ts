// Target as it runs: what balancing, health and the upstream client know of one address of an upstream.
import type { TargetPlan } from "./config/upstream/plan.ts";
import type { AttemptRecord, Exchange } from "./exchange.ts";

// Words of a target's row. Moments are tenths of a second of the platform's clock, which is the same in all threads.

/** 1 while an operator wants it to get nothing. */
export const DRAINED = 0;
/** What checks say: 0 for nothing yet, `UP` or `DOWN`. */
export const CHECKED = 1;
/** Checks in a row that said otherwise. */
export const CHECK_STREAK = 2;
/** Why the last check failed: see verdict.ts. */
export const CHECK_REASON = 3;
/** The moment when the last check began. */
export const CHECK_BEGAN = 4;
/** Word: how many attempts in a row have failed. */
export const FAILURES = 5;
/** The moment until which it is ejected, or was: then that is when the last ejection ended. */
export const EJECTED_UNTIL = 6;
/** How often it has been ejected, less what has been forgotten since. */
export const EJECTIONS = 7;
/** Word: why the target was ejected last, as reasonOf writes it. */
export const EJECTION_REASON = 8;
/** 1 while nobody has told that the last ejection is over. */
export const EJECTION_TOLD = 9;
/** The moment since which it may be picked, less than 0 for one since which it may not; 0 while slow start knows nothing. */
export const UP_SINCE = 10;
/** The moment when its share began to rise; 0 when it does not rise. */
export const RAMP_SINCE = 11;

/** A value of {@link CHECKED}: checks pass. */
export const UP = 1;
/** A value of {@link CHECKED}: checks fail. */
export const DOWN = 2;

/** A time in monotonic milliseconds as a moment, rounded up. It fits a word for six years of uptime. */
export function moment(ms: number): number {
  return Math.ceil(ms / 100);
}

/** The first millisecond of a moment. */
export function msOf(moment: number): number {
  return moment * 100;
}

/** One address of an upstream, as it runs. */
export class Target {
  /** A target that stays gets the plan of its new weight. */
  plan: TargetPlan;
  /** Its row of the board: what all threads know of it. Once it is let go, words that nobody else has. */
  words: Int32Array;
  /** Attempts under way from this thread, where the upstream's balance counts them. */
  inFlight = 0;

  constructor(plan: TargetPlan, words: Int32Array) {
    this.plan = plan;
    this.words = words;
  }
}

/** The name of a target's row on the board. */
export function rowOf(upstream: string, target: TargetPlan): string {
  return `${upstream}\n${target.url}`;
}

/** Says which target an attempt goes to. */
export interface Balancer<T extends Target> {
  /** From now on these are the upstream's targets, in the order of the config. */
  use(targets: readonly T[]): void;
  /** How many targets may be picked now that are not among these. */
  untried(tried: readonly T[]): number;
  /**
   * When targets can be picked, if that is not at once; absent where it is always at once. To be asked before the first
   * pick of an exchange.
   */
  readonly ready?: () => Promise<void> | undefined;
  /**
   * A target for the next attempt; undefined when none may be picked.
   * @param tried those of the exchange's earlier attempts: another one is picked if there is one
   */
  pick(x: Exchange, tried: readonly T[]): T | undefined;
}

/** Is told of the attempts at an upstream's targets. */
export interface Watcher<T extends Target> {
  /** Called when an attempt at a target begins. */
  began?(target: T, x: Exchange): void;
  /** The head of an answer has come (`attempt.status`), or the attempt failed (`attempt.error`). */
  settled(target: T, attempt: AttemptRecord, x: Exchange): void;
}

/**
 * Hands over the targets of an upstream that are found while it runs: at once if they are known, and each set that differs
 * from the one before. Returns an unsubscribe function.
 */
export type Follow = (use: (targets: readonly TargetPlan[]) => void) => () => void;
