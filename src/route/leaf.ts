// The routes at one place: same hosts, same shape of path. Here methods and conditions decide.
import type { MatchPlan, RoutePlan } from "../config/plan.ts";
import type { Fields } from "../http/fields.ts";
import { conditionsHold, type Conditions } from "./conditions.ts";
import { paramsOf, type Pattern } from "./pattern.ts";

/** What a request was matched to. */
export interface Found {
  readonly route: RoutePlan;
  /** The one of the route's matches that fitted. */
  readonly match: MatchPlan;
  /** Percent-decoded; without prototype. */
  readonly params: Readonly<Record<string, string>>;
}

/** One match of one route, ready to be asked. */
export interface Entry {
  readonly route: RoutePlan;
  readonly match: MatchPlan;
  readonly pattern: Pattern;
  /** Empty means any. */
  readonly methods: readonly string[];
  readonly conditions: Conditions | undefined;
  /** Number of conditions. */
  readonly weight: number;
  /** The answer when there are no parameters to read. */
  readonly found: Found | undefined;
}

/** How well an entry's methods take a method: 0 it is named, 1 it is HEAD and GET is, 2 any is taken; undefined: not at all. */
export function methodRank({ methods }: Pick<Entry, "methods">, method: string): 0 | 1 | 2 | undefined {
  if (methods.length === 0) return 2;
  if (methods.includes(method)) return 0;
  return method === "HEAD" && methods.includes("GET") ? 1 : undefined;
}

/** All entries of one place in the order in which they are tried. */
export class Leaf {
  readonly entries: Entry[] = [];
  #byMethod: Map<string, readonly Entry[]> | undefined = undefined;
  #anyMethod: readonly Entry[] = [];

  /** Puts the entries in their order. To be called once, when the last entry is there. */
  seal(): void {
    this.entries.sort(byPrecedence);
    this.#anyMethod = this.entries.filter((entry) => entry.methods.length === 0);
    const named = new Set(this.entries.flatMap((entry) => entry.methods));
    if (named.size === 0) return;
    if (named.has("GET")) named.add("HEAD");
    this.#byMethod = new Map([...named].map((method) => [method, this.#inOrder(method)]));
  }

  #inOrder(method: string): Entry[] {
    // GET takes HEAD, behind whoever names HEAD itself.
    const taking = (rank: number): Entry[] => this.entries.filter((entry) => methodRank(entry, method) === rank);
    return [...taking(0), ...taking(1), ...this.#anyMethod];
  }

  /** The first entry that takes the request. */
  find(method: string, path: string, query: string, fields: Fields): Found | undefined {
    const entries = this.#byMethod?.get(method) ?? this.#anyMethod;
    for (const entry of entries) {
      if (entry.conditions !== undefined && !conditionsHold(entry.conditions, query, fields)) continue;
      return entry.found ?? { route: entry.route, match: entry.match, params: paramsOf(entry.pattern, path) };
    }
    return undefined;
  }

  /** Adds the methods that some entry would take the request with. */
  allowed(query: string, fields: Fields, into: Set<string>): void {
    for (const entry of this.entries) {
      if (entry.conditions !== undefined && !conditionsHold(entry.conditions, query, fields)) continue;
      for (const method of entry.methods) into.add(method);
      if (entry.methods.includes("GET")) into.add("HEAD");
    }
  }
}

/**
 * More conditions first. What still ties is a fault that the config check refuses; the name of the route decides it
 * here, so that the order of the file never does (GW-49).
 */
function byPrecedence(a: Entry, b: Entry): number {
  if (a.weight !== b.weight) return b.weight - a.weight;
  if (a.route.name !== b.route.name) return a.route.name < b.route.name ? -1 : 1;
  return a.route.matches.indexOf(a.match) - b.route.matches.indexOf(b.match);
}
