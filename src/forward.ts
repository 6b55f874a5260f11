// The end of the way of a route that forwards, folded once: which upstream it is, who it is told calls, and the way there.
import type { RoutePlan, UpstreamDestination } from "./config/plan.ts";
import type { SplitDestination } from "./config/shaping/plan.ts";
import type { LastStage } from "./exchange.ts";
import { inOrder } from "./in-order.ts";
import type { Parts } from "./parts.ts";
import { upstreamStage } from "./upstream/upstream.ts";

/** Tells an upstream who calls, and forwards to it. */
export function forwardStage(route: RoutePlan, destination: UpstreamDestination, parts: Parts): LastStage {
  const { platform, pseudonym, upstreams, tokens, vouching } = parts;
  const { name } = destination.upstream;
  const upstream = upstreams.get(name)!;
  const forward = upstreamStage(upstream, destination, route.requestFields, pseudonym, platform, vouching);
  return inOrder(route.auth.length > 0 && tokens !== undefined ? [tokens.stage(name)] : [], forward);
}

/** Forwards to that branch of a split which was picked before. */
export function branchesStage(route: RoutePlan, { branches }: SplitDestination, parts: Parts): LastStage {
  const stages = new Map(branches.map(({ leadsTo }) => [leadsTo.upstream, forwardStage(route, leadsTo, parts)]));
  return (x) => stages.get(x.upstream!)!(x);
}
