// The schema of routes.
import type { MiddlewareHandler } from "hono";
import { allowShape, IDENTITY_CONDITIONS } from "./auth/allow.ts";
import { corsShape } from "./cors.ts";
import { shortList } from "./describe.ts";
import { Problem, type ConfigReader } from "./fault.ts";
import { destinationEntries, destinationOf, destinationProblems, type Settings } from "./destination.ts";
import { fieldChanges } from "./field-changes.ts";
import { matchShape, rightMatches } from "./match.ts";
import type { InFlightPlan, LimitPlan } from "./limit/plan.ts";
import type { RoutePlan } from "./plan.ts";
import { faultsShape } from "./shaping/faults.ts";
import { mirrorProblems } from "./shaping/mirror.ts";
import { splitProblems } from "./shaping/split.ts";
import { asksWho, strayWho } from "./shaping/when.ts";
import { chained, either, leaf, list, maybe, oneOrMore, options, or, partOf, then, type Shape } from "./shape.ts";
import { flag, lengthOfStream, text } from "./values.ts";

const A_MIDDLEWARE = "a Hono middleware, which is a function";

const middleware = leaf((value) =>
  typeof value === "function" ? (value as MiddlewareHandler) : new Problem(A_MIDDLEWARE),
);

/** A bound for content, or none. */
type MaxBody = number | false;

/** Checks the option `maxBody`. */
export const maxBody: Shape<MaxBody> = either(
  (value) => value === false,
  leaf((): false => false),
  lengthOfStream,
);

/** The limits by name. */
type Limits = ReadonlyMap<string, LimitPlan>;

/** The bounds for exchanges under way, by name. */
type Bounds = ReadonlyMap<string, InFlightPlan>;

/** A route without its name. It becomes a plan once the upstreams are known. */
export function routeShape(
  settings: Settings,
  reader: ConfigReader,
): Shape<
  (
    upstreams: Parameters<typeof destinationOf>[1],
    limits: Limits,
    inFlight: Bounds,
    most: MaxBody,
  ) => Omit<RoutePlan, "name">
> {
  const headers = options({
    request: maybe(fieldChanges("request", reader)),
    response: maybe(fieldChanges("response", reader)),
  });
  const shape = options(
    {
      match: matchShape,
      auth: maybe(schemeNames(settings)),
      allow: maybe(allowShape(settings.allow)),
      limits: or(namesOf("limit", "limits", settings.limits), []),
      inFlight: or(namesOf("bound", "inFlight", settings.inFlight), []),
      maxBody: maybe(maxBody),
      cors: maybe(corsShape),
      use: maybe(list(middleware, "a list of Hono middleware")),
      headers: maybe(headers),
      faults: maybe(faultsShape(settings.allow)),
      log: maybe(flag),
      ...destinationEntries(settings),
    },
    function* (right, written) {
      yield* destinationProblems(written, rightMatches(written["match"]));
      yield* authProblems(written, settings);
      yield* splitProblems(written);
      yield* mirrorProblems(written);
      if (!asksWho(written)) yield* strayWho(partOf(written["faults"], "when"), ["faults", "when"]);
      if (right.log === true && !settings.logs) {
        yield new Problem("a log to write to", { at: ["log"], hint: "The access log is off for all: `log` is false." });
      }
    },
  );
  return then(shape, (route) => (upstreams, limits, inFlight, most) => ({
    matches: route.match,
    auth: route.auth ?? [],
    allow: route.allow,
    limits: route.limits.flatMap((name) => limits.get(name) ?? []),
    // In one order on every route: two that hold a place and wait for the other's cannot be.
    inFlight: [...inFlight.values()].filter(({ name }) => route.inFlight.includes(name)),
    maxBody: (route.maxBody ?? most) || undefined,
    cors: route.cors,
    faults: route.faults,
    mirrors: (route.mirror ?? []).map(({ to, ...rest }) => ({ ...rest, upstream: upstreams.get(to)! })),
    use: route.use ?? [],
    destination: destinationOf(route, upstreams),
    requestFields: route.headers?.request,
    responseFields: route.headers?.response,
    log: route.log ?? settings.logs,
  }));
}

/** Names of schemes; none for `"none"`. */
function schemeNames({ schemes }: Settings): Shape<readonly string[]> {
  const known = schemes.length === 0 ? "There are no schemes in `auth`." : `Schemes: ${shortList(schemes)}.`;
  const scheme = text("the name of a scheme", (name) => {
    if (name === "none") return name;
    if (schemes.includes(name)) return name;
    return new Problem("a scheme of auth", { hint: known, nearest: [name, [...schemes, "none"]] });
  });
  return chained(
    oneOrMore(scheme, 'the name of a scheme, a list of names, or "none"'),
    leaf((names) => {
      const written = names as readonly string[];
      if (!written.includes("none")) return [...new Set(written)];
      return written.length === 1
        ? []
        : new Problem("schemes or none", { hint: '"none" lets everybody in: it stands alone.' });
    }),
  );
}

/** Nothing is open by omission, and no condition asks who calls where nobody is asked. */
function* authProblems(written: Readonly<Record<string, unknown>>, { schemes }: Settings): Generator<Problem> {
  const { auth, allow } = written;
  if (auth === undefined && schemes.length > 0) {
    const hint = `The config has schemes: name one of them (${shortList(schemes)}), or "none" to let everybody in.`;
    yield new Problem("auth on every route", { at: ["auth"], found: false, hint });
  }
  if (asksWho(written)) return;
  const rules: (readonly [at: (string | number)[], rule: unknown])[] = [[["allow"], allow]];
  const any = partOf(allow, "any");
  if (Array.isArray(any)) any.forEach((rule, i) => rules.push([["allow", "any", i], rule]));
  for (const [at, rule] of rules) {
    for (const condition of IDENTITY_CONDITIONS) {
      if (partOf(rule, condition) === undefined) continue;
      const hint = "It asks who calls, and the route asks nobody: name a scheme in `auth`.";
      yield new Problem("a route with auth", { at: [...at, condition], found: false, hint });
    }
  }
}

/** Names of what stands under `option` of the config. */
function namesOf(noun: string, option: string, names: readonly string[]): Shape<readonly string[]> {
  const known =
    names.length === 0 ? `There are no ${noun}s.` : `${noun[0]!.toUpperCase()}${noun.slice(1)}s: ${shortList(names)}.`;
  const one = text(`the name of a ${noun}`, (name) => {
    if (names.includes(name)) return name;
    return new Problem(option === `${noun}s` ? `a ${noun}` : `a ${noun} of ${option}`, {
      hint: known,
      nearest: [name, names],
    });
  });
  const several = either(
    Array.isArray,
    list(one, `a list of ${noun}s`),
    oneOrMore(one, `the name of a ${noun}, or a list`),
  );
  return then(several, (found) => [...new Set(found)]);
}
