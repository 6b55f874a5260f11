// The targets that the main thread finds for the upstreams of all workers, as a worker knows them.
import type { TargetPlan } from "../../config/upstream/plan.ts";
import { LatestTargets } from "../../discover/latest-targets.ts";
import type { Follow } from "../../target.ts";

/** Targets by the numbers of searches: while a config takes over from another, one upstream may have two. */
export class TargetSets {
  readonly #sets = new Map<number, LatestTargets>();

  /** @param sets those that are known when the worker begins */
  constructor(sets: ReadonlyMap<number, readonly TargetPlan[]>) {
    for (const [search, targets] of sets) this.put(search, targets);
  }

  /** Takes the targets that a search of this number has found. */
  put(search: number, targets: readonly TargetPlan[]): void {
    this.#of(search).put(targets);
  }

  /** What upstreams of a plan follow, whose searches have these numbers. See Shared. */
  of(searches: ReadonlyMap<string, number>): (upstream: string) => Follow {
    return (upstream) => this.#of(searches.get(upstream)!).follow;
  }

  /** Forgets the searches that are none of these. */
  keep(searches: ReadonlyMap<string, number>): void {
    const kept = new Set(searches.values());
    for (const search of this.#sets.keys()) if (!kept.has(search)) this.#sets.delete(search);
  }

  #of(search: number): LatestTargets {
    let latest = this.#sets.get(search);
    if (latest === undefined) {
      latest = new LatestTargets([]);
      this.#sets.set(search, latest);
    }
    return latest;
  }
}
