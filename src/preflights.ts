// Preflights: which routes pages of other origins may call, and the answer before anybody is asked who calls.
import type { Answer } from "./answer.ts";
import type { RoutePlan } from "./config/plan.ts";
import type { Exchange } from "./exchange.ts";
import { compileCors, type Cors, isPreflight } from "./respond/cors.ts";
import type { RouteStage } from "./route/route.ts";

/** The routes that pages of other origins may call; undefined without any. */
export function corsOf(routes: readonly RoutePlan[]): ReadonlyMap<RoutePlan, Cors> | undefined {
  const cors = routes.flatMap((route): [RoutePlan, Cors][] =>
    route.cors === undefined ? [] : [[route, compileCors(route.cors)]],
  );
  return cors.length === 0 ? undefined : new Map(cors);
}

/** Answers for the route that the announced request would take, before anybody is asked who calls (case GW-47). */
export function preflight(x: Exchange, routes: RouteStage, cors: ReadonlyMap<RoutePlan, Cors>): Answer | undefined {
  if (!isPreflight(x)) return undefined;
  const route = routes.of(x, x.fields.get("access-control-request-method")!);
  const policy = route && cors.get(route);
  if (policy === undefined) return undefined;
  x.route = route;
  return policy.preflight(x, routes.methods(x));
}
