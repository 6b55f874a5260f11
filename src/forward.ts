// The end of the way of a route that forwards, folded once: who gets copies, which upstream it is, what it is told, and what is used in its place.
import type { RoutePlan, UpstreamDestination } from "./config/plan.ts";
import type { SplitDestination } from "./config/shaping/plan.ts";
import type { LastStage } from "./exchange.ts";
import { inOrder } from "./in-order.ts";
import type { Parts } from "./parts.ts";
import { compileFixedAnswer } from "./route/fixed-answer.ts";
import { fallbackStage } from "./upstream/fallback.ts";
import { mirrorStage, mirrorVouching } from "./upstream/mirror.ts";
import type { Vouching } from "./upstream/request.ts";
import { upstreamStage } from "./upstream/upstream.ts";

/** Mirrors, then forwards to the upstream, or to that branch of a split which was picked before. */
export function forwardStage(
  route: RoutePlan,
  destination: UpstreamDestination | SplitDestination,
  parts: Parts,
): LastStage {
  const mirrors = parts.mirrors.get(route)?.map((mirror) => {
    const { upstream } = mirror.plan;
    // A copy is not worth a second attempt.
    const way = { upstream, timeouts: upstream.timeouts, retries: undefined, hedge: undefined, upgrade: [] };
    return { mirror, forward: toOne(route, way, parts, mirrorVouching(parts.vouching)) };
  });
  const copies = mirrors === undefined ? [] : [parts.telemetry.mark(mirrorStage(mirrors), "mirror")];
  return inOrder(copies, toPicked(route, destination, parts));
}

function toPicked(route: RoutePlan, destination: UpstreamDestination | SplitDestination, parts: Parts): LastStage {
  if (destination.kind === "upstream") return toUpstream(route, destination, parts);
  const branches = new Map(
    destination.branches.map(({ leadsTo }) => [leadsTo.upstream, toUpstream(route, leadsTo, parts)]),
  );
  return (x) => branches.get(x.upstream!)!(x);
}

/** Forwards to an upstream, and to its fallback where that has no answer. */
function toUpstream(route: RoutePlan, destination: UpstreamDestination, parts: Parts): LastStage {
  const first = toOne(route, destination, parts, parts.vouching);
  const { fallback } = destination;
  if (fallback === undefined) return first;
  const { leadsTo } = fallback;
  const other = leadsTo.kind === "answer" ? compileFixedAnswer(leadsTo.answer) : toUpstream(route, leadsTo, parts);
  return fallbackStage(destination, fallback, first, other);
}

/** Tells an upstream who calls, and forwards to it. */
function toOne(
  route: RoutePlan,
  destination: Omit<UpstreamDestination, "kind" | "rewrite" | "fallback">,
  { platform, pseudonym, upstreams, tokens }: Parts,
  vouching: Vouching | undefined,
): LastStage {
  const { name } = destination.upstream;
  const upstream = upstreams.get(name)!;
  const forward = upstreamStage(upstream, destination, route.requestFields, pseudonym, platform, vouching);
  return inOrder(route.auth.length > 0 && tokens !== undefined ? [tokens.stage(name)] : [], forward);
}
