// The route table: from method, host, path, query and fields to a route, by written precedence.
import type { RoutePlan } from "../config/plan.ts";
import type { Fields } from "../http/fields.ts";
import { type Condition, conditionsOf, unmetCondition } from "./conditions.ts";
import { HostIndex, readHosts } from "./host.ts";
import { type Entry, type Found, type Leaf, methodRank } from "./leaf.ts";
import { readPattern } from "./pattern.ts";
import { PathTree } from "./tree.ts";

export type { Found } from "./leaf.ts";

/** A match of a route for one of its hosts, and where the table keeps it. */
interface Place {
  /** As `hostKey` writes it: "*" for any. */
  readonly host: string;
  readonly entry: Entry;
  readonly tree: PathTree;
  readonly leaf: Leaf;
}

/** What a match says of a request: that it wins, what does not fit, or by what it is less specific than the one that wins. */
export type Verdict =
  | "wins"
  | "host"
  | "path"
  | "method"
  | { readonly unmet: Condition; readonly isField: boolean }
  | { readonly lessBy: "host" | "path" | "method" | "conditions" | "name" };

/** Before the winner is known. */
type Fit = Exclude<Verdict, { readonly lessBy: unknown }> | "fits";

/** A match of a route for one of its hosts, and what it says of a request. */
export interface Judgement {
  /** "*" for any. */
  readonly host: string;
  readonly entry: Entry;
  readonly fit: Verdict;
}

/**
 * Finds the most specific route that takes a request. The order of the file plays no part. Precedence (case GW-49):
 * 1. host: exact, then wildcard with the longest suffix first, then any;
 * 2. path, segment by segment from the left: literal, then parameter, then `*`;
 * 3. method: named, then any (for HEAD: HEAD named, then GET named, then any);
 * 4. conditions: more of them (fields and query parameters counted together), then fewer.
 * A candidate whose method or conditions do not fit gives way to the next.
 *
 * The time of a look-up depends on the length of the path and the number of routes at one place, not on the number of
 * routes.
 */
export class RouteTable {
  readonly #hosts: HostIndex<PathTree>;

  /** Use {@link compileRoutes}. */
  constructor(hosts: HostIndex<PathTree>) {
    this.#hosts = hosts;
  }

  /**
   * The route for a request. `host` is the authority, with or without port; `path` is raw with dot segments resolved;
   * `query` has its "?" or is "".
   */
  find(method: string, host: string, path: string, query: string, fields: Fields): Found | undefined {
    for (const tree of this.#hosts.matching(host)) {
      const found = tree.find(method, path, query, fields);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * The methods with which the same request would find a route, sorted: what `Allow` says (RFC 9110 section 10.2.1).
   * Empty when no method would. For use after {@link find} found nothing.
   */
  allowed(host: string, path: string, query: string, fields: Fields): readonly string[] {
    const methods = new Set<string>();
    for (const tree of this.#hosts.matching(host)) {
      for (const leaf of tree.leavesOn(path)) leaf.allowed(query, fields, methods);
    }
    return [...methods].sort();
  }

  /** Every match of every route, once for each of its hosts, the more specific before the less. */
  *inOrder(): Generator<Place> {
    for (const [host, tree] of this.#hosts.inOrder()) {
      for (const leaf of tree.root.inOrder()) {
        const named = leaf.entries.filter(({ methods }) => methods.length > 0);
        const any = leaf.entries.filter(({ methods }) => methods.length === 0);
        for (const entry of [...named, ...any]) yield { host, entry, tree, leaf };
      }
    }
  }

  /** What each match says of a request, in the order of {@link inOrder}. Of those that fit, one wins: see {@link find}. */
  judge(method: string, host: string, path: string, query: string, fields: Fields): Judgement[] {
    const trees = this.#hosts.matching(host);
    const found = this.find(method, host, path, query, fields);
    let winner: Place | undefined;
    const fitOf = (place: Place): Fit => {
      const { entry, tree, leaf } = place;
      if (!trees.includes(tree)) return "host";
      if (!tree.leavesOn(path).includes(leaf)) return "path";
      if (methodRank(entry, method) === undefined) return "method";
      const unmet = entry.conditions && unmetCondition(entry.conditions, query, fields);
      if (unmet !== undefined) return { unmet, isField: entry.conditions!.headers.includes(unmet) };
      if (winner !== undefined || entry.match !== found?.match) return "fits";
      winner = place;
      return "wins";
    };
    const judged = [...this.inOrder()].map((place) => ({ place, fit: fitOf(place) }));
    return judged.map(({ place: { host, entry, tree, leaf }, fit }) => ({
      host,
      entry,
      fit:
        fit === "fits"
          ? {
              lessBy:
                tree !== winner?.tree ? "host" : leaf !== winner.leaf ? "path" : lessBy(entry, winner.entry, method),
            }
          : fit,
    }));
  }
}

/**
 * Compiles the routes of a plan. Throws an Error for a pattern or host that cannot be read; `findRouteFaults` tells all
 * such faults at once.
 */
export function compileRoutes(routes: readonly RoutePlan[]): RouteTable {
  const hosts = new HostIndex<PathTree>();
  for (const route of routes) {
    for (const match of route.matches) {
      const pattern = readPattern(match.path);
      if (typeof pattern === "string")
        throw new Error(`Route \`${route.name}\`, pattern \`${match.path}\`: ${pattern}`);
      const entry = entryOf(route, match, pattern);
      const { rules, faults } = readHosts(match.hosts);
      if (faults[0] !== undefined) throw new Error(`Route \`${route.name}\`: ${faults[0]}`);
      for (const rule of rules) hosts.at(rule, () => new PathTree()).add(entry);
    }
  }
  for (const tree of hosts) tree.seal();
  return new RouteTable(hosts);
}

/** By what one of two entries at one place, both of which fit, goes before the other. */
function lessBy(entry: Entry, winner: Entry, method: string): "method" | "conditions" | "name" {
  if (methodRank(entry, method) !== methodRank(winner, method)) return "method";
  return entry.weight === winner.weight ? "name" : "conditions";
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** One match of a route as the tree keeps it. */
export function entryOf(route: Entry["route"], match: Entry["match"], pattern: Entry["pattern"]): Entry {
  return {
    route,
    match,
    pattern,
    methods: [...new Set(match.methods)],
    conditions: conditionsOf(match),
    weight: match.headers.length + match.query.length,
    found: pattern.names.length === 0 ? Object.freeze({ route, match, params: NO_PARAMS }) : undefined,
  };
}
