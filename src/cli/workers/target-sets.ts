// The targets that the main thread finds for the upstreams of all workers, as a worker knows them.
import type { TargetPlan } from "../../config/upstream/plan.ts";
import { LatestTargets } from "../../discover/latest-targets.ts";
import type { Follow } from "../../target.ts";

/** Targets by upstream. */
export class TargetSets {
  readonly #sets = new Map<string, LatestTargets>();

  /** @param sets those that are known when the worker begins */
  constructor(sets: ReadonlyMap<string, readonly TargetPlan[]>) {
    for (const [upstream, targets] of sets) this.put(upstream, targets);
  }

  /** From now on these are the targets of an upstream. */
  put(upstream: string, targets: readonly TargetPlan[]): void {
    this.#of(upstream).put(targets);
  }

  /** See Shared. */
  readonly targets = (upstream: string): Follow => this.#of(upstream).follow;

  #of(upstream: string): LatestTargets {
    let latest = this.#sets.get(upstream);
    if (latest === undefined) {
      latest = new LatestTargets([]);
      this.#sets.set(upstream, latest);
    }
    return latest;
  }
}
