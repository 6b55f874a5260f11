// A second opinion: tries every match of every route and sorts what fits by the written precedence. No index, no tree.
import type { MatchPlan, RoutePlan } from "../../src/config/plan.ts";
import type { Fields } from "../../src/http/fields.ts";

/** A request as the matcher sees it. */
export interface SampleRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly fields: Fields;
}

/** A match that fits, and its place in the precedence: numbers are compared from the left, smaller first. */
export interface Candidate {
  readonly route: RoutePlan;
  readonly match: MatchPlan;
  readonly params: Record<string, string>;
  readonly rank: readonly number[];
}

const LONGEST = 40;

/** All that fits the request whatever its method; with `anyMethod` false only what takes the method, best first. */
export function candidates(routes: readonly RoutePlan[], request: SampleRequest, anyMethod = false): Candidate[] {
  const found: Candidate[] = [];
  for (const route of routes) {
    for (const match of route.matches) {
      for (const host of match.hosts.length === 0 ? [undefined] : match.hosts) {
        const hostRank = rankHost(host, request.host);
        const path = matchPath(match.path, request.path);
        const methodRank = rankMethod(match.methods, request.method);
        if (hostRank === undefined || path === undefined || !conditionsFit(match, request)) continue;
        if (methodRank === undefined && !anyMethod) continue;
        const conditions = match.headers.length + match.query.length;
        found.push({ route, match, params: path.params, rank: [hostRank, ...path.rank, methodRank ?? 9, -conditions] });
      }
    }
  }
  return found.sort((a, b) => compareRanks(a.rank, b.rank) || (a.route.name < b.route.name ? -1 : 1));
}

/** Negative when the first rank goes before the second. */
export function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The methods that would find a route. */
export function allowedMethods(routes: readonly RoutePlan[], request: SampleRequest): string[] {
  const named = candidates(routes, request, true).flatMap(({ match }) => match.methods);
  return [...new Set(named.includes("GET") ? [...named, "HEAD"] : named)].sort();
}

function rankHost(host: string | undefined, authority: string): number | undefined {
  if (host === undefined) return 1000;
  const name = authority.toLowerCase().replace(/:\d*$/, "");
  if (host.startsWith("*."))
    return name.endsWith(host.slice(1)) && name.length >= host.length ? 500 - host.length : undefined;
  return name === host ? 0 : undefined;
}

function rankMethod(methods: readonly string[], method: string): number | undefined {
  if (methods.length === 0) return 2;
  if (methods.includes(method)) return 0;
  return method === "HEAD" && methods.includes("GET") ? 1 : undefined;
}

/** Ranks: 0 literal or end, 1 parameter, 2 `*`; filled up to one length so that what follows stands in one column. */
function matchPath(pattern: string, path: string): { params: Record<string, string>; rank: number[] } | undefined {
  const wanted = pattern.slice(1).split("/");
  const there = path.slice(1).split("/");
  const params: Record<string, string> = {};
  const rank: number[] = [];
  for (const [index, part] of wanted.entries()) {
    if (part === "*" && index === wanted.length - 1) {
      params["*"] = there.slice(index).map(textOf).join("/");
      rank.push(2);
      break;
    }
    const segment = there[index];
    if (segment === undefined) return undefined;
    if (part.startsWith(":")) {
      if (segment === "") return undefined;
      params[part.slice(1)] = textOf(segment);
      rank.push(1);
    } else if (patternBytes(part) === bytesOf(segment)) rank.push(0);
    else return undefined;
  }
  if (wanted.at(-1) !== "*" && wanted.length !== there.length) return undefined;
  while (rank.length < LONGEST) rank.push(0);
  return { params, rank };
}

/** The bytes of a segment of a path. */
function bytesOf(segment: string): string {
  return unescapeBytes(segment);
}

/** The bytes of a segment of a pattern, which is Unicode text. */
function patternBytes(segment: string): string {
  return unescapeBytes(Buffer.from(segment, "utf8").toString("latin1"));
}

function unescapeBytes(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The text of bytes that are UTF-8, or else the segment as it is. */
function textOf(segment: string): string {
  const text = Buffer.from(bytesOf(segment), "latin1").toString("utf8");
  return text.includes("\ufffd") ? segment : text;
}

function conditionsFit(match: MatchPlan, { query, fields }: SampleRequest): boolean {
  const pairs = query
    .slice(1)
    .split("&")
    .filter(Boolean)
    .map((pair) => pair.split("="));
  return (
    match.headers.every(([name, value]) =>
      value === true ? fields.has(name) : fields.all(name).join(", ") === value,
    ) &&
    match.query.every(([name, value]) => {
      const values = pairs.filter(([known]) => known === name).map(([, given = ""]) => given);
      return values.length > 0 && (value === true || values.every((given) => given === value));
    })
  );
}
