// Ejection: a target that fails again and again gets nothing for a while, a longer one each time (Envoy's outlier detection).
import type { Board } from "../board.ts";
import type { EjectionPlan } from "../config/upstream/plan.ts";
import type { AttemptRecord } from "../exchange.ts";
import {
  EJECTED_UNTIL,
  EJECTION_REASON,
  EJECTION_TOLD,
  EJECTIONS,
  FAILURES,
  moment,
  msOf,
  type Target,
  type Watcher,
} from "../target.ts";
import { reasonOf, verdictOf } from "../verdict.ts";
import { type Availability, isEjected } from "./availability.ts";

/** Watches attempts, and ejects. All threads count together. */
export class Ejection<T extends Target> implements Watcher<T> {
  /** How often it has ejected a target. */
  ejections = 0;
  readonly #plan: EjectionPlan;
  readonly #availability: Availability<T>;
  readonly #board: Pick<Board, "changed">;
  readonly #now: () => number;
  readonly #ejected: (target: T, ms: number) => void;

  /** @param ejected told by the thread that ejected a target */
  constructor(
    plan: EjectionPlan,
    availability: Availability<T>,
    board: Pick<Board, "changed">,
    now: () => number,
    ejected: (target: T, ms: number) => void,
  ) {
    this.#plan = plan;
    this.#availability = availability;
    this.#board = board;
    this.#now = now;
    this.#ejected = ejected;
  }

  settled(target: T, attempt: AttemptRecord): void {
    const { words } = target;
    const verdict = verdictOf(attempt);
    if (verdict === "good") {
      if (words[FAILURES] !== 0) Atomics.store(words, FAILURES, 0);
      return;
    }
    // What was under way when it was ejected says nothing new.
    if (verdict === "none" || isEjected(target, this.#now())) return;
    if (Atomics.add(words, FAILURES, 1) + 1 >= this.#plan.failures) this.#eject(target, attempt);
  }

  #eject(target: T, attempt: AttemptRecord): void {
    const { timeMs, maxTimeMs, maxShare } = this.#plan;
    const { words } = target;
    const now = this.#now();
    if (this.#availability.roomForEjection(maxShare, now) <= 0) return;
    const before = Atomics.load(words, EJECTED_UNTIL);
    const forgotten = Math.floor((now - msOf(before)) / timeMs);
    const count = Math.max(0, Atomics.load(words, EJECTIONS) - forgotten) + 1;
    const ms = Math.min(timeMs * count, maxTimeMs);
    const until = moment(now + ms);
    if (Atomics.compareExchange(words, EJECTED_UNTIL, before, until) !== before) return;
    // Of several threads that eject at the same moment, perhaps one too many did.
    if (this.#availability.roomForEjection(maxShare, now) < 0) {
      Atomics.compareExchange(words, EJECTED_UNTIL, until, before);
      return;
    }
    Atomics.store(words, FAILURES, 0);
    Atomics.store(words, EJECTIONS, count);
    Atomics.store(words, EJECTION_REASON, reasonOf(attempt));
    Atomics.store(words, EJECTION_TOLD, 1);
    this.#board.changed();
    this.ejections++;
    this.#ejected(target, ms);
  }
}
