// Passage: what is the same for all exchanges of a route with its upstream.
import type { UpstreamDestination } from "../config/plan.ts";
import type { HedgePlan, RetriesPlan, TimeoutsPlan } from "../config/upstream/plan.ts";
import { chances } from "../http/chance.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { Platform } from "../platform.ts";
import type { Client } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import { FetchAttempt } from "./fetch-attempt.ts";
import { SocketAttempt } from "./http1/socket-attempt.ts";
import { isOurs } from "./lenders.ts";
import type { RequestWriter } from "./request.ts";
import type { Upstream } from "./upstream.ts";

/** What a route says of the way to its upstream. */
export type WayThere = Pick<UpstreamDestination, "timeouts" | "retries" | "hedge" | "upgrade">;

/** An upstream, and how requests of a route are sent there. */
export interface Passage {
  readonly upstream: Upstream;
  readonly writer: RequestWriter;
  readonly client: Client;
  readonly timeouts: TimeoutsPlan;
  /** What the options ask beyond one attempt after another; undefined where they ask nothing. */
  readonly care: Care | undefined;
}

/** Retries, hedging, and bounds for all attempts together. */
export interface Care {
  readonly retries: RetriesPlan | undefined;
  readonly hedge: HedgePlan | undefined;
  readonly budget: RetryBudget;
  readonly deadlines: Deadlines;
  wallClock(): number;
  /** From 0 up to 1. */
  chance(): number;
}

/** Makes it, once. */
export function passageTo(upstream: Upstream, way: WayThere, writer: RequestWriter, platform: Platform): Passage {
  const client: Client = isOurs(upstream.plan, platform)
    ? (attempts, start) => new SocketAttempt(attempts, start)
    : (attempts, start) => new FetchAttempt(platform, attempts, start);
  return { upstream, writer, client, timeouts: way.timeouts, care: careOf(way, upstream, platform) };
}

function careOf({ retries, hedge, timeouts }: WayThere, upstream: Upstream, platform: Platform): Care | undefined {
  const { wholeMs, deadlineFields } = timeouts;
  if (retries === undefined && hedge === undefined && wholeMs === 0 && deadlineFields.length === 0) return undefined;
  const { budget, deadlines } = upstream;
  const wallClock = (): number => platform.wallClock();
  return { retries, hedge, budget, deadlines, wallClock, chance: chances(platform.random(1)[0]!) };
}
