// Availability: which targets of an upstream may be picked now, and when that changes by itself.
import { CHECKED, DOWN, DRAINED, EJECTED_UNTIL, EJECTION_TOLD, msOf, type Target } from "../target.ts";

/** Whether a target would be picked if it were not ejected: it has a share, and neither an operator nor checks are against it. */
export function isUp({ plan, words }: Pick<Target, "plan" | "words">): boolean {
  return plan.weight > 0 && words[DRAINED] === 0 && words[CHECKED] !== DOWN;
}

/** Whether a target is ejected. */
export function isEjected({ words }: Pick<Target, "words">, now: number): boolean {
  return now < msOf(words[EJECTED_UNTIL]!);
}

/** What is known of an upstream's targets, as this thread has last looked. */
export class Availability<T extends Target> {
  readonly #panic: number;
  readonly #restored: (target: T) => void;
  #all: readonly T[] = [];
  /** The targets by priority, the lowest first; each group as the config has it. */
  #groups: readonly (readonly T[])[] = [];
  /** Monotonic milliseconds when somebody's ejection is over; Infinity for never. */
  until = Infinity;

  /**
   * @param panic when a smaller share than this may be picked, all are; 0 for never
   * @param restored told by one of all threads, when the ejection of a target is over
   */
  constructor(panic: number, restored: (target: T) => void) {
    this.#panic = panic;
    this.#restored = restored;
  }

  /** From now on these are the targets. */
  use(targets: readonly T[]): void {
    this.#all = targets;
    this.#groups = byPriority(targets);
  }

  /**
   * Those that may be picked, in the order of the config: of the first priority of which enough are left. Ejection is a
   * guess: when nobody else is left, those who are ejected are picked.
   */
  look(now: number): readonly T[] {
    this.until = Infinity;
    let rest: readonly T[] = [];
    for (const group of this.#groups) {
      const up = group.filter(isUp);
      const live = up.filter((target) => !this.#stillEjected(target, now));
      const wanted = group.filter(({ plan, words }) => plan.weight > 0 && words[DRAINED] === 0);
      const least = wanted.length * this.#panic;
      if (live.length > 0 && live.length >= least) return live;
      if (rest.length > 0) continue;
      const chosen = live.length === 0 ? up : live;
      rest = chosen.length < least ? wanted : chosen;
    }
    return rest;
  }

  /**
   * How many more may be ejected: at most this share of those who are up, one at least where there are two, and never all
   * of them. Below 0: so many are too many.
   */
  roomForEjection(maxShare: number, now: number): number {
    const up = this.#all.filter(isUp);
    const most = Math.min(up.length - 1, Math.max(1, Math.floor(up.length * maxShare)));
    return most - up.filter((target) => isEjected(target, now)).length;
  }

  #stillEjected(target: T, now: number): boolean {
    const { words } = target;
    if (isEjected(target, now)) {
      this.until = Math.min(this.until, msOf(words[EJECTED_UNTIL]!));
      return true;
    }
    if (words[EJECTION_TOLD] !== 0 && Atomics.compareExchange(words, EJECTION_TOLD, 1, 0) === 1) {
      this.#restored(target);
    }
    return false;
  }
}

/** In groups of one priority, the lowest first (RFC 2782). Most upstreams have one. */
function byPriority<T extends Target>(targets: readonly T[]): readonly (readonly T[])[] {
  const groups = new Map<number, T[]>();
  for (const target of targets) {
    const { priority = 0 } = target.plan;
    const group = groups.get(priority);
    if (group === undefined) groups.set(priority, [target]);
    else group.push(target);
  }
  return [...groups].toSorted(([one], [other]) => one - other).map(([, group]) => group);
}
