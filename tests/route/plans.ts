// Plans of routes for tests, written as short as a config.
import {
  type Destination,
  type MatchPlan,
  type RewritePlan,
  type RoutePlan,
  WITHOUT_POLICIES,
} from "../../src/config/plan.ts";
import { type UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";

/** A match: `"GET|POST /path"` or `"/path"`, with more conditions behind. */
export function match(pattern: string, more: Partial<MatchPlan> = {}): MatchPlan {
  const space = pattern.indexOf(" /");
  const methods = space < 0 ? [] : pattern.slice(0, space).split("|");
  const path = space < 0 ? pattern : pattern.slice(space + 1);
  return { path, methods, hosts: [], headers: [], query: [], ...more };
}

/** A route to a destination; without one, an answer of its own. */
export function route(
  name: string,
  matches: string | MatchPlan | readonly (string | MatchPlan)[],
  destination: Destination = { kind: "answer", answer: {} },
): RoutePlan {
  const list = Array.isArray(matches) ? (matches as readonly (string | MatchPlan)[]) : [matches as string | MatchPlan];
  return {
    name,
    matches: list.map((one) => (typeof one === "string" ? match(one) : one)),
    ...WITHOUT_POLICIES,
    destination,
    log: true,
  };
}

/** A destination that forwards; only the name of its upstream is filled in. */
export function to(name: string, rewrite?: RewritePlan): Destination {
  const upstream = { name } as UpstreamPlan;
  return {
    kind: "upstream",
    upstream,
    rewrite,
    timeouts: { connectMs: 1, sendMs: 1, firstByteMs: 1, idleMs: 1, wholeMs: 0, deadlineFields: [] },
    retries: undefined,
    hedge: undefined,
    upgrade: [],
  };
}

/** A destination that redirects. */
export function redirect(location: string, status: 301 | 302 | 303 | 307 | 308 = 308): Destination {
  return { kind: "redirect", to: location, status };
}

/** An exchange whose path and query have been read. */
export function exchange(
  method: string,
  path: string,
  query = "",
  authority = "gw.test",
  fields = new Fields(),
): Exchange {
  const arrival = { method, target: path + query, authority, fields, content: null, peer: "127.0.0.1" } as const;
  const x = new Exchange({ ...arrival, scheme: "http", version: "1.1" }, 0);
  x.path = path;
  x.query = query;
  return x;
}
