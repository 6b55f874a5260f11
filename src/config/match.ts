// The schema of what a route matches.
import { readHost } from "../route/host.ts";
import { readPattern } from "../route/pattern.ts";
import { isToken } from "../http/message.ts";
import { Problem } from "./fault.ts";
import { fieldConditions, queryConditions } from "./field-changes.ts";
import { isHostName } from "../http/host-name.ts";
import type { MatchPlan } from "./plan.ts";
import { either, isPlainObject, maybe, oneOrMore, options, rightOnes, then, type Shape } from "./shape.ts";
import { text } from "./values.ts";

const A_MATCH = 'a pattern such as "/users/:id" or "GET /users/*", conditions, or a list of these';
const A_LIST = "a list of at least one match";
const A_PATTERN = 'a path pattern such as "/users/:id" or "/files/*"';
const A_METHOD = 'a method such as "GET"';
const A_HOST = 'a host such as "api.example.com" or "*.example.com"';

/** A pattern, maybe behind methods: `"/x"`, `"GET /x"`, `"GET|POST /x"`. */
const pattern: Shape<MatchPlan> = text(A_MATCH, (written) => {
  const blank = written.indexOf(" ");
  const prefixed = !written.startsWith("/") && blank >= 0;
  const methods = prefixed ? readMethods(written.slice(0, blank)) : [];
  if (methods instanceof Problem) return methods;
  const path = prefixed ? written.slice(blank + 1) : written;
  const problem = patternProblem(path);
  if (problem === undefined) return { path, methods, hosts: [], headers: [], query: [] };
  if (prefixed && path.startsWith(" "))
    return new Problem(A_MATCH, { hint: "One blank stands between method and path." });
  return new Problem(prefixed ? A_MATCH : A_PATTERN, { ...(problem.hint && { hint: problem.hint }) });
});

const path: Shape<string> = text(A_PATTERN, (written) => {
  if (/^[A-Za-z|]+ +\//.test(written)) return new Problem(A_PATTERN, { hint: "Methods stand in `method` here." });
  return patternProblem(written) ?? written;
});

function patternProblem(path: string): Problem | undefined {
  const named = path.split("/").find((segment) => /^\{\w+\}$/.test(segment));
  if (named !== undefined) return new Problem(A_PATTERN, { hint: `A parameter is written ":${named.slice(1, -1)}".` });
  const read = readPattern(path);
  return typeof read === "string" ? new Problem(A_PATTERN, { hint: read }) : undefined;
}

function readMethods(written: string): string[] | Problem {
  const methods: string[] = [];
  for (const method of written.toUpperCase().split("|")) {
    if (method === "TRACE" || method === "CONNECT") {
      return new Problem("a method that can match", { hint: `The gateway refuses every ${method} request.` });
    }
    if (!isToken(method)) return new Problem(A_METHOD, { hint: 'Several are written "GET|POST".' });
    if (!methods.includes(method)) methods.push(method);
  }
  return methods;
}

const method = text(A_METHOD, readMethods);

const host: Shape<string> = text(A_HOST, (written) => {
  if (written === "*") return new Problem(A_HOST, { hint: "Leave `host` out to match any." });
  const scheme = /^[a-z]+:\/\//i.test(written);
  const read = readHost(written.toLowerCase());
  if (typeof read === "string")
    return new Problem(A_HOST, { hint: scheme ? "It is the host alone, without scheme." : read });
  const bare = ("exact" in read ? read.exact : read.suffix.slice(1)).replace(/^\[(.*)\]$/, "$1");
  if (/[^\0-\x7f]/.test(bare)) return new Problem(A_HOST, { hint: "Hosts are written in ASCII (Punycode)." });
  if (!isHostName(bare) || ("suffix" in read && bare.includes(":"))) return new Problem(A_HOST);
  return "exact" in read ? read.exact : `*${read.suffix}`;
});

const conditions: Shape<MatchPlan> = then(
  options({
    path,
    method: maybe(oneOrMore(method, "a method or a list of methods")),
    host: maybe(oneOrMore(host, "a host or a list of hosts")),
    headers: maybe(fieldConditions()),
    query: maybe(queryConditions()),
  }),
  ({ path, method = [], host = [], headers = [], query = [] }) => ({
    path,
    methods: [...new Set(method.flat())],
    hosts: [...new Set(host)],
    headers,
    query,
  }),
);

const one = either(isPlainObject, conditions, pattern);

/** Checks the option `match` of a route: one or more ways to match. */
export const matchShape: Shape<readonly MatchPlan[]> = oneOrMore(one, A_LIST);

/** The ways to match of a route that are right, though others of it may be faults. */
export function rightMatches(written: unknown): MatchPlan[] {
  const all: unknown[] = Array.isArray(written) ? written : [written];
  return rightOnes(one, all).filter((match) => match !== undefined);
}
