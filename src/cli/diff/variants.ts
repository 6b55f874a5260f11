// What a log does not tell of a request, though a plan asks for it: each way in which it may have been.
import type { MatchPlan, Plan, RoutePlan } from "../../config/plan.ts";
import type { WhenPlan } from "../../config/shaping/plan.ts";
import { Fields } from "../../http/fields.ts";
import { MASK } from "../../record/redact.ts";
import { compileRoutes, type RouteTable } from "../../route/table.ts";
import type { LoggedRequest } from "./logged-request.ts";

/** One way in which a request may have been. */
export interface Variant {
  /** Fields beside those that are logged. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Path and query of the request. */
  readonly target: string;
}

/** All variants of a logged request, and the fields in which they differ. */
export interface Variants {
  readonly all: readonly Variant[];
  /** What the log does not tell: "x-version", "cookie beta", "?key". */
  readonly unknown: readonly string[];
}

/** Most variants of a request that are tried. */
const MOST = 64;
/** A value that no config asks for. */
const OTHER = "sluice-diff-other";

/** A condition on what a log may not hold. */
interface Asked {
  readonly kind: "header" | "cookie" | "query";
  readonly name: string;
  readonly value: string | true;
}

/** Conditions, and the requests that they matter for. */
interface Asking {
  readonly table: RouteTable;
  readonly asked: readonly Asked[];
}

/** Finds the variants of requests; undefined where they are too many. @param before the plan that wrote the log */
export function variantsFor(before: Plan, after: Plan): (request: LoggedRequest) => Variants | undefined {
  const asking = [before, after].flatMap(({ routes }) => routes.flatMap(askingOf));
  const hasCors = [before, after].some(({ routes }) => routes.some(({ cors }) => cors !== undefined));
  const logged = new Set(before.log === false ? [] : before.log.members.request);
  return (request) => {
    const { method, target, authority } = request;
    const [path, query] = split(target);
    const values = new Map<string, Set<string | true>>();
    for (const { table, asked } of asking) {
      if (table.find(method, authority, path, query, NO_FIELDS) === undefined) continue;
      for (const { kind, name, value } of asked) {
        const isTold =
          kind === "query" ? !isMasked(query, name) : isLogged(request, kind === "cookie" ? "cookie" : name);
        if (isTold) continue;
        const key = `${kind} ${name}`;
        values.set(key, (values.get(key) ?? new Set()).add(value));
      }
    }
    const ways = [...values].map(([key, each]) => waysOf(key, each));
    if (hasCors && method === "OPTIONS" && !isLogged(request, "access-control-request-method")) ways.push(PREFLIGHTS);
    if (ways.reduce((product, { each }) => product * each.length, 1) > MOST) return undefined;
    let all: Variant[] = [{ fields: [], target }];
    for (const { each } of ways) all = all.flatMap((variant) => each.map((change) => change(variant)));
    return { all: all.map(withOneCookieLine), unknown: ways.map(({ name }) => name) };
  };

  function isLogged({ fields }: LoggedRequest, name: string): boolean {
    return fields.has(name) ? !fields.get(name)!.includes(MASK) : logged.has(name) && name !== "cookie";
  }
}

const NO_FIELDS = new Fields();

/** The conditions of a route: those of each match, and of where it leads to. */
function askingOf(route: RoutePlan): Asking[] {
  const { destination, matches } = route;
  const whens = destination.kind === "split" ? destination.branches.flatMap(({ when }) => when ?? []) : [];
  const ofSplit = whens.flatMap(askedBy);
  return matches.flatMap((match) => {
    const asked = [...ofMatch(match), ...ofSplit];
    const bare = { ...route, matches: [{ ...match, headers: [], query: [] }] };
    return asked.length === 0 ? [] : [{ table: compileRoutes([bare]), asked }];
  });
}

function ofMatch({ headers, query }: MatchPlan): Asked[] {
  return [
    ...headers.map(([name, value]) => ({ kind: "header", name: name.toLowerCase(), value }) as const),
    ...query.map(([name, value]) => ({ kind: "query", name, value }) as const),
  ];
}

function askedBy({ headers, cookies }: WhenPlan): Asked[] {
  return [
    ...headers.map(([name, value]) => ({ kind: "header", name, value }) as const),
    ...cookies.map(([name, value]) => ({ kind: "cookie", name, value }) as const),
  ];
}

type Change = (variant: Variant) => Variant;

interface Ways {
  readonly name: string;
  readonly each: readonly Change[];
}

const asIs: Change = (variant) => variant;

function waysOf(key: string, values: ReadonlySet<string | true>): Ways {
  const blank = key.indexOf(" ");
  const [kind, name] = [key.slice(0, blank), key.slice(blank + 1)];
  const texts = [...values].map((value) => (value === true ? OTHER : value));
  if (kind === "query") {
    return { name: `?${name}`, each: [...new Set([OTHER, ...texts])].map((value) => withParameter(name, value)) };
  }
  const field = kind === "cookie" ? "cookie" : name;
  const line = (value: string): string => (kind === "cookie" ? `${name}=${value}` : value);
  const set = [...new Set(texts)].map((value): Change => ({ fields, target }) => ({
    fields: [...fields, [field, line(value)]],
    target,
  }));
  return { name: kind === "cookie" ? `cookie ${name}` : name, each: [asIs, ...set] };
}

const PREFLIGHTS: Ways = {
  name: "access-control-request-method",
  each: [
    asIs,
    ...["GET", "POST", "PUT", "PATCH", "DELETE"].map((method): Change => ({ fields, target }) => ({
      fields: [...fields, ["origin", "https://unknown.invalid"], ["access-control-request-method", method]],
      target,
    })),
  ],
};

/** Values of a parameter that are masked become this one. */
function withParameter(name: string, value: string): Change {
  return ({ fields, target }) => {
    const [path, query] = split(target);
    const pairs = query
      .slice(1)
      .split("&")
      .map((pair) => (pair === `${name}=${MASK}` ? `${name}=${encodeURIComponent(value)}` : pair));
    return { fields, target: `${path}?${pairs.join("&")}` };
  };
}

function isMasked(query: string, name: string): boolean {
  return query.slice(1).split("&").includes(`${name}=${MASK}`);
}

function withOneCookieLine({ fields, target }: Variant): Variant {
  const cookies = fields.filter(([name]) => name === "cookie").map(([, value]) => value);
  if (cookies.length < 2) return { fields, target };
  return { fields: [...fields.filter(([name]) => name !== "cookie"), ["cookie", cookies.join("; ")]], target };
}

function split(target: string): [path: string, query: string] {
  const at = target.indexOf("?");
  return at < 0 ? [target, ""] : [target.slice(0, at), target.slice(at)];
}
