// The stage that finds the route of an exchange, or says that there is none.
import { forwards, type MatchPlan, type RoutePlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { readPattern } from "./pattern.ts";
import { compileRewrite, type RewritePath } from "./rewrite.ts";
import { compileRoutes, type RouteTable } from "./table.ts";

/** The routes, as they are looked for. */
export interface RouteStage {
  /** The stage. */
  find(x: Exchange): void;
  /** The route that would take the exchange if it had this method. */
  of(x: Exchange, method: string): RoutePlan | undefined;
  /** The methods with which routes would take it, sorted. */
  methods(x: Exchange): readonly string[];
}

/**
 * Makes the stage. It reads method, authority, path, query and fields and sets `route`, `match`, `params`, `upstream`
 * (of a split its own stage picks one) and, where a rewrite changed the path, `forwardTarget`. It throws `route_not_found` when no route takes the path under
 * any method, and `method_not_allowed` with `Allow` when another method would be taken (RFC 9110 section 15.5.6).
 *
 * Making it throws an Error for routes that cannot be compiled; `findRouteFaults` tells all such faults at once.
 */
export function routeStage(routes: readonly RoutePlan[]): RouteStage {
  const table = compileRoutes(routes);
  const rewrites = compileRewrites(routes);
  const findRoute = (x: Exchange): void => {
    const found = table.find(x.method, x.authority, x.path, x.query, x.fields);
    if (found === undefined) throw missed(table, x);
    x.route = found.route;
    x.match = found.match;
    x.params = found.params;
    const { destination } = found.route;
    if (destination.kind === "upstream") x.upstream = destination.upstream;
    else if (destination.kind !== "split") return;
    if (destination.rewrite === undefined) return;
    const path = rewrites.get(found.match)!(x.path);
    if (path !== x.path) x.forwardTarget = path + x.query;
  };
  return {
    find: findRoute,
    of: (x, method) => table.find(method, x.authority, x.path, x.query, x.fields)?.route,
    methods: (x) => table.allowed(x.authority, x.path, x.query, x.fields),
  };
}

function compileRewrites(routes: readonly RoutePlan[]): Map<MatchPlan, RewritePath> {
  const rewrites = new Map<MatchPlan, RewritePath>();
  for (const { name, matches, destination } of routes) {
    if (!forwards(destination) || destination.rewrite === undefined) continue;
    for (const match of matches) {
      const pattern = readPattern(match.path);
      const rewrite = typeof pattern === "string" ? pattern : compileRewrite(destination.rewrite, pattern);
      if (typeof rewrite === "string") throw new Error(`Route \`${name}\`, rewrite: ${rewrite}`);
      rewrites.set(match, rewrite);
    }
  }
  return rewrites;
}

function missed(table: RouteTable, x: Exchange): GatewayError {
  const allowed = table.allowed(x.authority, x.path, x.query, x.fields);
  if (allowed.length === 0) return new GatewayError("route_not_found", "no route takes this request");
  const allow = allowed.join(", ");
  return new GatewayError("method_not_allowed", `routes take this path with ${allow} only`, {
    fields: [["Allow", allow]],
  });
}
