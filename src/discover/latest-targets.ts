// The targets that were found last, and who is told of the next ones.
import type { TargetPlan } from "../config/upstream/plan.ts";
import type { Follow } from "../target.ts";

/** The targets of one upstream. */
export class LatestTargets {
  #targets: readonly TargetPlan[];
  readonly #followers = new Set<(targets: readonly TargetPlan[]) => void>();

  /** @param targets none when they are not known */
  constructor(targets: readonly TargetPlan[]) {
    this.#targets = targets;
  }

  /** Takes a new set of targets, and passes it to all followers. */
  put(targets: readonly TargetPlan[]): void {
    this.#targets = targets;
    for (const use of this.#followers) use(targets);
  }

  /** Passes the set that is known, and each later one; returns an unsubscribe function. See {@link Follow}. */
  readonly follow: Follow = (use) => {
    this.#followers.add(use);
    if (this.#targets.length > 0) use(this.#targets);
    return () => this.#followers.delete(use);
  };
}
