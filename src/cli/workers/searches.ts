// The searches for targets that the main thread makes for all workers, over all plans.
import { Carried } from "../../carried.ts";
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { type Discovery, discover, firstTargets } from "../../discover/discover.ts";
import type { Platform } from "../../platform.ts";
import type { Follow } from "../../target.ts";

/** The searches of a plan. One of the two is called before those of another plan begin. */
export interface NextSearches {
  /** Resolves once targets are known, or have taken too long. */
  readonly first: Promise<void>;
  readonly follows: ReadonlyMap<string, Follow>;
  /** The plan runs: what it does not search for any more is ended. */
  take(): void;
  /** It never will. */
  drop(): void;
}

/** All of them. */
export class Searches {
  /** What was found last, by upstream: for a worker that begins. */
  readonly targets = new Map<string, readonly TargetPlan[]>();
  readonly #platform: Platform;
  readonly #tell: (upstream: string, targets: readonly TargetPlan[]) => void;
  #carried = new Carried();

  /** @param tell of targets that were found, whoever searches now */
  constructor(platform: Platform, tell: (upstream: string, targets: readonly TargetPlan[]) => void) {
    this.#platform = platform;
    this.#tell = tell;
  }

  /** Begins those that another plan asks for; those go on that it asks for too. */
  next(upstreams: Iterable<UpstreamPlan>): NextSearches {
    const before = this.#carried;
    const carried = new Carried(before);
    const searches = [...upstreams].flatMap((upstream): [string, Discovery][] =>
      upstream.discovery === undefined ? [] : [[upstream.name, this.#searchOf(upstream, carried)]],
    );
    carried.complete();
    return {
      first: firstTargets(
        searches.map(([, search]) => search),
        this.#platform,
      ),
      follows: new Map(searches.map(([name, { follow }]) => [name, follow])),
      take: () => {
        this.#carried = carried;
        before.close([carried]);
      },
      drop: () => carried.close([before]),
    };
  }

  /** Ends all. */
  close(): void {
    this.#carried.close([]);
  }

  #searchOf(upstream: UpstreamPlan, { keep }: Carried): Discovery {
    const { name, discovery, protocol } = upstream;
    return keep(
      name,
      [discovery, protocol],
      () => {
        const search = discover(upstream, this.#platform);
        search.follow((targets) => {
          this.targets.set(name, targets);
          this.#tell(name, targets);
        });
        return search;
      },
      (part) => part.close(),
    );
  }
}
