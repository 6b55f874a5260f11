// Redirects: the address a client is sent to, built from what the pattern matched.
import { Answer } from "../answer.ts";
import type { MatchPlan, RoutePlan } from "../config/plan.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { readPattern, type Pattern } from "./pattern.ts";
import { fillPath, fillTemplate, readNames, readPathTemplate, type Piece } from "./template.ts";
import { encodeBytes, IN_PATH, IN_QUERY, IN_VALUE } from "./uri-text.ts";

/** The value of `Location` for a raw path and a raw query (with its "?", or ""). ASCII, free of blanks and controls. */
export type LocationOf = (path: string, query: string) => string;

/**
 * Compiles `to` for one pattern of a route. The answer is a string when the operator has to mend it: one sentence.
 *
 * `:name` and `*` may stand in path, query and fragment, never in scheme or authority: a client cannot choose the host.
 * A path that begins with "//" would name a host to the browser; it is written `/.//…`, which resolves to the same
 * path (RFC 3986 section 5.2.4) on the same host. The query is kept unless `to` has one of its own.
 */
export function compileLocation(to: string, pattern: Pattern): LocationOf | string {
  const origin = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/.exec(to)?.[0] ?? "";
  const rest = to.slice(origin.length);
  const written = readOrigin(origin);
  if (written === undefined) return `\`${origin}\` cannot be read as scheme and host; parameters may not stand in it.`;
  if (origin === "" && !to.startsWith("/"))
    return `\`${to}\` is neither a path that begins with "/" nor an absolute URL.`;
  if (origin === "" && /^[/\\]{2}/.test(to))
    return `\`${to}\` begins with "//", which names a host: write its scheme too.`;

  const [beforeFragment, fragmentText] = cut(rest, "#");
  const [pathText, queryText] = cut(beforeFragment, "?");
  const pathPieces = pathText === "" ? [] : readPathTemplate(pathText, pattern);
  const queryPieces = queryText === undefined ? undefined : readValueTemplate(queryText, pattern);
  const fragmentPieces = fragmentText === undefined ? [] : readValueTemplate(fragmentText, pattern);
  if (typeof pathPieces === "string") return pathPieces;
  if (typeof queryPieces === "string") return queryPieces;
  if (typeof fragmentPieces === "string") return fragmentPieces;

  return (path, query) => {
    const newPath = pathPieces.length === 0 ? "" : fillPath(pathPieces, pattern, path, forPath);
    const guard = written === "" && newPath.startsWith("//") ? "/." : "";
    const newQuery =
      queryPieces === undefined
        ? encodeBytes(query, IN_QUERY)
        : `?${fillTemplate(queryPieces, pattern, path, forValue)}`;
    const fragment = fragmentText === undefined ? "" : `#${fillTemplate(fragmentPieces, pattern, path, forValue)}`;
    return written + guard + newPath + newQuery + fragment;
  };
}

function forPath(raw: string): string {
  return encodeBytes(raw, IN_PATH);
}

function forValue(raw: string): string {
  return encodeBytes(raw, IN_VALUE);
}

/** The origin in ASCII; "" when there is none; undefined when it cannot be read. */
function readOrigin(origin: string): string | undefined {
  if (origin === "") return "";
  const authority = origin.slice(origin.indexOf("://") + 3).replace(/^\[[0-9A-Fa-f:.]+\]/, "");
  if (/[\s\\@*<>"]|:[A-Za-z_]/.test(authority)) return undefined;
  if (!URL.canParse(origin)) return undefined;
  const url = new URL(origin);
  return url.host === "" ? undefined : `${url.protocol}//${url.host}`;
}

function cut(text: string, mark: string): [before: string, behind: string | undefined] {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

/** A query or fragment: names anywhere; `*` takes the rest without its slash where the pattern has one, or is itself. */
function readValueTemplate(text: string, pattern: Pattern): readonly Piece[] | string {
  const pieces: Piece[] = [];
  for (const [index, part] of (pattern.rest ? text.split("*") : [text]).entries()) {
    const names = readNames(part, pattern, IN_QUERY);
    if (typeof names === "string") return names;
    if (index > 0) pieces.push({ rest: "bare" });
    pieces.push(...names);
  }
  return pieces;
}

/**
 * Compiles the redirect of a route into the function that answers. Reads `path`, `query` and `match` of the exchange.
 * Throws an Error when the template cannot be read; `findRouteFaults` tells all such faults at once.
 */
export function compileRedirect(route: RoutePlan): (x: Exchange) => Answer {
  const { destination } = route;
  if (destination.kind !== "redirect") throw new Error(`Route \`${route.name}\` is no redirect.`);
  const locations = new Map<MatchPlan, LocationOf>();
  for (const match of route.matches) {
    const pattern = readPattern(match.path);
    const location = typeof pattern === "string" ? pattern : compileLocation(destination.to, pattern);
    if (typeof location === "string") throw new Error(`Route \`${route.name}\`, redirect: ${location}`);
    locations.set(match, location);
  }
  return (x) => {
    const location = x.match === undefined ? undefined : locations.get(x.match);
    if (location === undefined) throw new Error(`route \`${route.name}\` redirects an exchange it did not match`);
    return new Answer(destination.status, undefined, Fields.of(["Location", location(x.path, x.query)]), null);
  };
}
