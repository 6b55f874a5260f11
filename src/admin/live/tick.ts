// What is pushed once a second to those who look: the state as it is, counted since the process began.
import type { Obstacle } from "../../respond/readiness.ts";
import type { TargetStatus, UpstreamStatus } from "../overseen.ts";
import type { LimitUse, SeenExchange } from "./seen.ts";

/** Exchanges of one outcome. */
export interface OutcomeCount {
  /** "" for none. */
  readonly route: string;
  /** 0 for none. Absent where nobody knows: in the row of all that was beyond the bound of series. */
  readonly status?: number;
  /** The failure in the gateway's words, or "". */
  readonly code: string;
  readonly count: number;
}

/** A target, and what came of attempts at it. */
export interface TargetCount extends TargetStatus {
  readonly attempts: number;
  /** Those without an answer, and answers from 500 on. */
  readonly failures: number;
  readonly connections: { readonly active: number; readonly idle: number };
}

/** An upstream with its targets. */
export interface UpstreamCount extends Omit<UpstreamStatus, "targets"> {
  readonly targets: readonly TargetCount[];
  readonly retries: number;
  readonly ejections: number;
  /** How often its breaker has opened. */
  readonly openings: number;
}

/** What a limit or a bound of exchanges under way has decided. */
export interface DecisionCount {
  readonly name: string;
  readonly kind: "limit" | "inFlight";
  readonly allowed: number;
  readonly refused: number;
  readonly observed: number;
}

/** The process in numbers. */
export interface ProcessCount {
  readonly active: number;
  readonly connections: number;
  readonly cpuSeconds: number;
  readonly memory: number;
  readonly workers: number;
  readonly linesDropped: number;
  readonly version: string;
  /** Since the epoch. */
  readonly startedAtSeconds: number;
}

/** One second. */
export interface Tick {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly name: string;
  readonly outcomes: readonly OutcomeCount[];
  readonly upstreams: readonly UpstreamCount[];
  readonly decisions: readonly DecisionCount[];
  readonly process: ProcessCount;
  readonly obstacles: readonly Obstacle[];
  /** Since the tick before: by route, as toPairs makes them. */
  readonly durations: readonly (readonly [route: string, pairs: readonly number[]])[];
  /** Since the tick before: some of those that have ended. */
  readonly exchanges: readonly SeenExchange[];
  /** Callers that are near the end of a limit. */
  readonly uses: readonly LimitUse[];
  /** The last time at which the config was loaded, or could not be; absent where nobody notes it. */
  readonly lastLoad?: Load;
}

/** A time at which the config was loaded, or could not be. */
export interface Load {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly ok: boolean;
  /** What was told of it. */
  readonly message: string;
  /** Of the config's files; absent where it could not be loaded. */
  readonly hash?: string;
}
