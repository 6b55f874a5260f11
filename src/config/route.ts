// The schema of routes.
import type { MiddlewareHandler } from "hono";
import { Problem, type ConfigReader } from "./fault.ts";
import { destinationEntries, destinationOf, destinationProblems, type Settings } from "./destination.ts";
import { fieldChanges } from "./field-changes.ts";
import { matchShape, rightMatches } from "./match.ts";
import type { RoutePlan } from "./plan.ts";
import { leaf, list, maybe, options, then, type Shape } from "./shape.ts";
import { flag } from "./values.ts";

const A_MIDDLEWARE = "a Hono middleware, which is a function";

const middleware = leaf((value) =>
  typeof value === "function" ? (value as MiddlewareHandler) : new Problem(A_MIDDLEWARE),
);

/** A route without its name. It becomes a plan once the upstreams are known. */
export function routeShape(
  settings: Settings,
  reader: ConfigReader,
): Shape<(upstreams: Parameters<typeof destinationOf>[1]) => Omit<RoutePlan, "name">> {
  const headers = options({
    request: maybe(fieldChanges("request", reader)),
    response: maybe(fieldChanges("response", reader)),
  });
  const shape = options(
    {
      match: matchShape,
      use: maybe(list(middleware, "a list of Hono middleware")),
      headers: maybe(headers),
      log: maybe(flag),
      ...destinationEntries(settings),
    },
    function* (right, written) {
      yield* destinationProblems(written, rightMatches(written["match"]));
      if (right.log === true && !settings.logs) {
        yield new Problem("a log to write to", { at: ["log"], hint: "The access log is off for all: `log` is false." });
      }
    },
  );
  return then(shape, (route) => (upstreams) => ({
    matches: route.match,
    use: route.use ?? [],
    destination: destinationOf(route, upstreams),
    requestFields: route.headers?.request,
    responseFields: route.headers?.response,
    log: route.log ?? settings.logs,
  }));
}
