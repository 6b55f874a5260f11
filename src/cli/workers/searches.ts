// The searches for targets that the main thread makes for all workers, over all plans.
import { Carried } from "../../carried.ts";
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { type Discovery, discover, firstTargets } from "../../discover/discover.ts";
import { meterDiscovery } from "../../meter.ts";
import type { Platform } from "../../platform.ts";
import type { Metrics } from "../../record/metrics.ts";
import type { Follow } from "../../target.ts";

/** The searches of a plan. One of the two is called before those of another plan begin. */
export interface NextSearches {
  /** Resolves once targets are known, or have taken too long. */
  readonly first: Promise<void>;
  readonly follows: ReadonlyMap<string, Follow>;
  /** The numbers of the searches, by upstream. */
  readonly numbers: ReadonlyMap<string, number>;
  /** The plan runs: what it does not search for any more is ended. */
  take(): void;
  /** The plan never runs: what was begun for it is ended. */
  drop(): void;
}

interface Search {
  readonly number: number;
  readonly discovery: Discovery;
  /** Unregisters its metrics. */
  readonly unread: (() => void) | undefined;
}

/** The searches for targets of all upstreams, in the main thread. */
export class Searches {
  /** What was found last, by the number of the search: for a worker that begins. */
  readonly targets = new Map<number, readonly TargetPlan[]>();
  readonly #platform: Platform;
  readonly #tell: (search: number, targets: readonly TargetPlan[]) => void;
  readonly #metrics: () => Metrics | undefined;
  #count = 0;
  #carried = new Carried();

  /**
   * @param metrics where searches are counted that begin now
   * @param tell of targets that were found
   */
  constructor(
    platform: Platform,
    metrics: () => Metrics | undefined,
    tell: (search: number, targets: readonly TargetPlan[]) => void,
  ) {
    this.#platform = platform;
    this.#metrics = metrics;
    this.#tell = tell;
  }

  /** Begins those that another plan asks for; those go on that it asks for too. */
  next(upstreams: Iterable<UpstreamPlan>): NextSearches {
    const before = this.#carried;
    const carried = new Carried(before);
    const searches = [...upstreams].flatMap((upstream): [string, Search][] =>
      upstream.discovery === undefined ? [] : [[upstream.name, this.#searchOf(upstream, carried)]],
    );
    carried.complete();
    return {
      first: firstTargets(
        searches.map(([, { discovery }]) => discovery),
        this.#platform,
      ),
      follows: new Map(searches.map(([name, { discovery }]) => [name, discovery.follow])),
      numbers: new Map(searches.map(([name, { number }]) => [name, number])),
      take: () => {
        this.#carried = carried;
        before.close([carried]);
      },
      drop: () => carried.close([before]),
    };
  }

  /** Ends all searches. */
  close(): void {
    this.#carried.close([]);
  }

  #searchOf(upstream: UpstreamPlan, { keep }: Carried): Search {
    const { name, discovery, protocol } = upstream;
    return keep(
      name,
      [discovery, protocol],
      () => {
        const number = ++this.#count;
        const search = discover(upstream, this.#platform);
        search.follow((targets) => {
          this.targets.set(number, targets);
          this.#tell(number, targets);
        });
        const metrics = this.#metrics();
        return { number, discovery: search, unread: metrics && meterDiscovery(metrics, name, search) };
      },
      (part) => {
        part.unread?.();
        part.discovery.close();
        this.targets.delete(part.number);
      },
    );
  }
}
