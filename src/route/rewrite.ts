// Rewrites: the path the upstream sees in place of the client's.
import type { RewritePlan } from "../config/plan.ts";
import { decodeBytes } from "../http/target.ts";
import { readPattern, rawRest, type Pattern } from "./pattern.ts";
import { fillPath, readPathTemplate } from "./template.ts";

/** From the raw path that was matched to the raw path to forward. Begins with "/", never holds a dot segment. */
export type RewritePath = (path: string) => string;

/**
 * Compiles a rewrite for one pattern of a route. The answer is a string when the operator has to mend it: one sentence.
 *
 * `strip-prefix` removes whole segments, once, at the start, in whatever spelling the client used (GW-05); a path that
 * does not begin with the prefix stays. `replace` puts in what the pattern matched as the client spelled it (GW-01).
 * A result that begins with "//" is a path: it is only ever sent in origin form, behind the upstream's own authority.
 */
export function compileRewrite(plan: RewritePlan, pattern: Pattern): RewritePath | string {
  if (plan.kind === "strip-prefix") return compileStrip(plan.prefix, pattern);
  const pieces = readPathTemplate(plan.template, pattern);
  if (typeof pieces === "string") return pieces;
  return (path) => fillPath(pieces, pattern, path, asItIs);
}

function asItIs(raw: string): string {
  return raw;
}

function compileStrip(prefix: string, pattern: Pattern): RewritePath | string {
  const read = readPattern(prefix.length > 1 && prefix.endsWith("/") ? prefix.slice(0, -1) : prefix);
  if (typeof read === "string") return `The prefix \`${prefix}\` cannot be read. ${read}`;
  if (read.names.length > 0)
    return `The prefix \`${prefix}\` holds a parameter or "*": it takes literal segments only.`;
  if (prefix === "/") return asItIs;
  const literals = read.segments.map((segment) => ("literal" in segment ? segment.literal : ""));
  if (!canBegin(pattern, literals))
    return `The prefix \`${prefix}\` is never there: no path of the pattern begins with it.`;

  const spelled = `/${literals.join("/")}`;
  return (path) => {
    const next = path.charCodeAt(spelled.length);
    if ((next === 0x2f || path.length === spelled.length) && path.startsWith(spelled)) {
      return path.slice(spelled.length) || "/";
    }
    return beginsWith(path, literals) ? rawRest(path, literals.length) || "/" : path;
  };
}

/** Whether some path that the pattern matches begins with these segments. */
function canBegin(pattern: Pattern, literals: readonly string[]): boolean {
  return literals.every((literal, index) => {
    const segment = pattern.segments[index];
    if (segment === undefined) return pattern.rest;
    return "param" in segment ? literal !== "" : segment.literal === literal;
  });
}

function beginsWith(path: string, literals: readonly string[]): boolean {
  const segments = path.slice(1).split("/", literals.length);
  return literals.every((literal, index) => {
    const segment = segments[index];
    return segment !== undefined && decodeBytes(segment) === literal;
  });
}
