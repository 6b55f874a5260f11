// Which client speaks to the targets of an upstream: our own, over connections that a pool lends, or the runtime's fetch.
import type { TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { Platform } from "../platform.ts";
import type { Lender } from "./http1/connection-ends.ts";
import { TargetPool } from "./http1/pool.ts";
import { Http2Pool } from "./http2/pool.ts";

/** Whether it is our own. */
export function isOurs({ protocol }: UpstreamPlan, { connect, agreesOnHttp2 }: Platform): boolean {
  return connect !== undefined && (protocol !== "h2" || agreesOnHttp2 === true);
}

/** The pool of a target; undefined where fetch is the client. */
export function lenderOf(
  target: TargetPlan,
  upstream: UpstreamPlan,
  platform: Platform,
  deadlines: Deadlines,
): Lender | undefined {
  if (!isOurs(upstream, platform)) return undefined;
  const Pool = upstream.protocol === "http1" ? TargetPool : Http2Pool;
  return new Pool(target, upstream, platform, deadlines);
}
