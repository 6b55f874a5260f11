// The checks of one target, again and again: when, and what their results come to.
import type { Board } from "../board.ts";
import type { TargetPlan } from "../config/upstream/plan.ts";
import type { Timer } from "../platform.ts";
import { CHECK_BEGAN, CHECK_REASON, CHECK_STREAK, CHECKED, DOWN, moment, msOf, rowOf, UP } from "../target.ts";
import { reasonText, UNCHECKED } from "../verdict.ts";
import { Probe, type ProbeParts } from "./probe.ts";

/** What the checks of a target need beside what one check does. */
export interface CheckParts extends ProbeParts {
  readonly board: Board;
  /** From 0 up to 1. */
  chance(): number;
}

/**
 * Checks a target in its interval until it is stopped; never two checks of it run at once. What was known of the target,
 * and when it was checked last, stands on the board: a config that is loaded again checks no sooner.
 *
 * A target of which nothing is known is up, or down with `start: "down"`. Its first check that passes settles that it is
 * up; `fall` checks in a row that fail, that it is down. Later changes take `rise` or `fall` checks in a row.
 */
export class TargetCheck {
  readonly #parts: CheckParts;
  readonly #target: TargetPlan;
  readonly #words: Int32Array;
  #probe: Probe | undefined = undefined;
  #timer: Timer;

  constructor(parts: CheckParts, target: TargetPlan) {
    this.#parts = parts;
    this.#target = target;
    this.#words = parts.board.claim(rowOf(parts.upstream.name, target));
    const { health } = parts;
    if (health.start === "down" && Atomics.compareExchange(this.#words, CHECKED, 0, DOWN) === 0) {
      Atomics.store(this.#words, CHECK_REASON, UNCHECKED);
      parts.board.changed();
    }
    this.#wait(this.#firstMs());
  }

  /**
   * Ends. A check that is under way is taken back.
   * @param forget what it has found, for nobody would find otherwise
   */
  stop(forget: boolean): void {
    const { platform, board, upstream } = this.#parts;
    platform.clearTimer(this.#timer);
    this.#probe?.cancel();
    if (forget && Atomics.exchange(this.#words, CHECKED, 0) === DOWN) board.changed();
    board.release(rowOf(upstream.name, this.#target));
  }

  /** At once, but not all targets in the same moment; and not before its turn, if it was checked a moment ago. */
  #firstMs(): number {
    const { platform, health, chance } = this.#parts;
    const { intervalMs, jitter } = health;
    const began = this.#words[CHECK_BEGAN]!;
    if (began === 0) return intervalMs * jitter * chance();
    return Math.min(intervalMs, Math.max(0, msOf(began) + intervalMs - platform.now()));
  }

  #wait(ms: number): void {
    this.#timer = this.#parts.platform.setTimer(() => this.#check(), ms);
  }

  #check(): void {
    const { platform, health, chance } = this.#parts;
    const began = platform.now();
    const due = began + health.intervalMs * (1 + health.jitter * (2 * chance() - 1));
    Atomics.store(this.#words, CHECK_BEGAN, moment(began));
    this.#probe = new Probe(this.#parts, this.#target, (reason) => {
      this.#probe = undefined;
      this.#settle(reason);
      this.#wait(Math.max(0, due - platform.now()));
    });
    this.#probe.start();
  }

  /** @param reason 0 when the check has passed */
  #settle(reason: number): void {
    const words = this.#words;
    const { rise, fall } = this.#parts.health;
    const state = words[CHECKED]!;
    const passed = reason === 0;
    const { platform, upstream } = this.#parts;
    if (platform.verbosity.tells("debug")) {
      const what = passed ? "passed" : `failed: ${reasonText(reason)}`;
      platform.notice("debug", `${upstream.name} ${this.#target.url}: a check ${what}`);
    }
    if (passed && state === 0) Atomics.store(words, CHECKED, UP);
    const agrees = passed ? state !== DOWN : state === DOWN;
    const streak = agrees ? 0 : words[CHECK_STREAK]! + 1;
    Atomics.store(words, CHECK_STREAK, streak);
    const unchecked = words[CHECK_REASON] === UNCHECKED;
    if (!passed) Atomics.store(words, CHECK_REASON, reason);
    if (agrees) return;
    if (passed && (streak >= rise || unchecked))
      this.#turn(UP, unchecked ? "its first check passed" : checks(streak, "passed"));
    else if (!passed && streak >= fall) this.#turn(DOWN, `${checks(streak, "failed")}: ${reasonText(reason)}`);
  }

  #turn(state: typeof UP | typeof DOWN, why: string): void {
    const { board, platform, upstream } = this.#parts;
    Atomics.store(this.#words, CHECKED, state);
    Atomics.store(this.#words, CHECK_STREAK, 0);
    board.changed();
    const what = state === UP ? "up" : "down";
    platform.notice(state === UP ? "info" : "warn", `${upstream.name} ${this.#target.url}: ${what}: ${why}`);
  }
}

function checks(count: number, outcome: string): string {
  return count === 1 ? `a check ${outcome}` : `${count} checks in a row ${outcome}`;
}
