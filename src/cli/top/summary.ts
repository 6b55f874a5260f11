// What a gateway did lately, of the ticks of its admin listener, as plain values: for the screen and for machines.
import {
  type FailureCount,
  type History,
  type Rates,
  type RouteRates,
  type TargetRates,
} from "../../admin/live/history.ts";
import type { DecisionCount, Load, TargetCount, Tick, UpstreamCount } from "../../admin/live/tick.ts";

/** The span of time of rates and latencies, in milliseconds. */
const LATELY_MS = 10_000;

/** A target, with what came of attempts at it. */
export interface TargetSummary extends TargetCount {
  readonly lately: TargetRates;
}

/** An upstream, with its targets as they are shown. */
export interface UpstreamSummary extends Omit<UpstreamCount, "targets"> {
  readonly targets: readonly TargetSummary[];
}

/** All that `sluice top` shows. Counts are since the process began. */
export interface Summary {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly name: string;
  /** How many seconds the rates are of; 10 once it has looked for so long. */
  readonly seconds: number;
  readonly process: Tick["process"];
  /** Processor time, as a share of one core. */
  readonly cpu: number;
  readonly obstacles: Tick["obstacles"];
  readonly requests: Rates;
  readonly routes: readonly RouteRates[];
  readonly failures: readonly FailureCount[];
  readonly upstreams: readonly UpstreamSummary[];
  readonly decisions: readonly DecisionCount[];
  /** Callers that are near the end of a limit, the nearest first. */
  readonly uses: Tick["uses"];
  /** The last that were told of, the newest first. */
  readonly exchanges: Tick["exchanges"];
  /** The last time at which the config was loaded, or could not be. */
  readonly lastLoad?: Load;
}

/** Makes it of what is remembered; undefined before there are two ticks to compare. */
export function summaryOf(history: History): Summary | undefined {
  const tick = history.last;
  if (tick === undefined || history.points.length === 0) return undefined;
  const { at, name, process, obstacles, upstreams, decisions, uses, lastLoad } = tick;
  return {
    at,
    name,
    seconds: history.seconds(LATELY_MS),
    process,
    cpu: history.cpu(LATELY_MS),
    obstacles,
    requests: history.rates(LATELY_MS),
    routes: history.routes(LATELY_MS),
    failures: history.failures(LATELY_MS),
    upstreams: upstreams.map((upstream) => ({
      ...upstream,
      targets: upstream.targets.map((target) => ({
        ...target,
        lately: history.target(LATELY_MS, upstream.name, target.url),
      })),
    })),
    decisions,
    uses: uses.toSorted((a, b) => b.used / b.of - a.used / a.of),
    exchanges: history.exchanges,
    ...(lastLoad && { lastLoad }),
  };
}
