// From what a user wrote to the plan that runs, or to everything that is wrong with it. Pure: the reader is the world.
import * as v from "valibot";
import { isToken } from "../http/message.ts";
import { findRouteFaults, type RouteFault } from "../route/conflicts.ts";
import { adminShape, sharedPorts } from "./admin/admin.ts";
import { certificatesUnasked } from "./auth/client-certificate.ts";
import { consumersShape, type FoundKeyFile, keysShape } from "./auth/consumers.ts";
import { identityShape, withOwned } from "./auth/identity.ts";
import { planKeyFile } from "./auth/key-file.ts";
import type { SchemePlan } from "./auth/plan.ts";
import { resourceRoutes } from "./auth/resource-routes.ts";
import { schemesShape } from "./auth/schemes.ts";
import { strangeSubjects } from "./auth/subjects.ts";
import { inFlightShape, limitSettings, limitsShape, overloadShape, strayBounds } from "./limit/limits.ts";
import { Problem, type ConfigFault, type ConfigReader, type Resolved } from "./fault.ts";
import { listenShape } from "./listen.ts";
import { logShape } from "./log/log.ts";
import type { LogPlan } from "./log/plan.ts";
import { reloadShape } from "./reload/reload.ts";
import { shutdownShape } from "./shutdown/shutdown.ts";
import { OWN_ROUTES, type Plan, type RoutePlan, WITHOUT_POLICIES } from "./plan.ts";
import { maxBody, routeShape } from "./route.ts";
import { faultsOf, isPlainObject, leaf, maybe, named, options, or, partOf, then, type Shape } from "./shape.ts";
import { fallbackRings } from "./shaping/fallback.ts";
import { otlpShape } from "./telemetry/otlp.ts";
import { tracingShape } from "./telemetry/tracing.ts";
import { upstreamShape } from "./upstream/upstream.ts";
import { NOTICE_LEVELS } from "../verbosity.ts";
import { choice, flag, text } from "./values.ts";

/**
 * Checks the options and makes the plan. Every fault is told at once; faults between routes (ties, routes that never
 * match) are looked for once all else is right. Never throws. Secrets are read here, through the reader, and appear in
 * no fault.
 */
export function resolvePlan(written: unknown, reader: ConfigReader): Resolved {
  const result = v.safeParse(gatewayShape(written, reader), written);
  if (!result.success) return { plan: undefined, faults: faultsOf(result.issues) };
  const { plan, keyFile } = result.output;
  const keys = keyFile && planKeyFile(keyFile, plan.auth.consumers);
  const faults = [...findRouteFaults(plan.routes).map(routeFault), ...(Array.isArray(keys) ? keys : [])];
  if (faults.length > 0 || Array.isArray(keys)) return { plan: undefined, faults };
  return { plan: { ...plan, auth: { ...plan.auth, keys } }, faults: [] };
}

function routeFault({ route, message, other, url }: RouteFault): ConfigFault {
  const wanted = other === undefined ? "a match that can be served" : "a match of its own";
  return { path: ["routes", route, "match"], wanted, hint: message, example: url };
}

/** A plan without what the key file says, and that file. */
interface Gathered {
  readonly plan: Plan;
  readonly keyFile: FoundKeyFile | undefined;
}

function gatewayShape(written: unknown, reader: ConfigReader): Shape<Gathered> {
  const logs = partOf(written, "log") !== false;
  const schemes = namesIn(written, "auth");
  const consumers = namesIn(written, "consumers");
  const keyFile = partOf(written, "keys") !== undefined;
  const allow = { consumers, groups: groupsIn(written), open: keyFile };
  const names = { upstreams: namesIn(written, "upstreams"), schemes };
  const bounds = { limits: namesIn(written, "limits"), inFlight: namesIn(written, "inFlight") };
  const route = routeShape({ ...names, ...bounds, allow, logs }, reader);
  const nameWritten = partOf(written, "name");
  const gateway = typeof nameWritten === "string" ? nameWritten : DEFAULT_NAME;
  const shape = options(
    {
      name: or(gatewayName, DEFAULT_NAME),
      listen: or(listenShape(reader), {}),
      upstreams: or(named(upstreamShape(reader, names.upstreams), "an object of upstreams by name", nameProblem), {}),
      consumers: or(consumersShape(schemes, reader, nameProblem), {}),
      keys: maybe(keysShape(reader)),
      auth: or(schemesShape(gateway, reader, nameProblem), {}),
      limits: or(limitsShape(nameProblem, partOf(partOf(written, "limiting"), "store") !== undefined), {}),
      limiting: or(limitSettings(reader), {}),
      inFlight: or(inFlightShape(nameProblem), {}),
      overload: maybe(overloadShape),
      maxBody: or(maxBody, false),
      identity: or(identityShape(reader, schemes.length > 0), {}),
      routes: named(route, "an object of routes by name", routeNameProblem),
      log: logShape(namesIn(written, "routes"), gateway, reader),
      admin: maybe(adminShape(reader)),
      tracing: maybe(tracingShape(reader)),
      otlp: maybe(otlpShape(reader)),
      serverTiming: or(flag, false),
      logLevel: or(choice(...NOTICE_LEVELS), "info"),
      workers: or(workersShape, 1),
      reload: or(reloadShape, {}),
      shutdown: or(shutdownShape, {}),
    },
    function* (right, written) {
      if (right.routes?.length === 0) yield new Problem("at least one route", { at: ["routes"] });
      yield* sharedPorts(right.listen, right.admin);
      yield* strayBounds(written);
      yield* fallbackRings(written["upstreams"]);
      yield* strangeSubjects(right.consumers, right.auth);
      yield* certificatesUnasked(right, reader);
      if (written["tracing"] === undefined && isPlainObject(partOf(written["otlp"], "traces"))) {
        const hint = "Without tracing there are no spans: write tracing: {}.";
        yield new Problem("tracing beside this", { at: ["otlp", "traces"], hint });
      }
    },
  );
  return then(shape, (written) => {
    const { name, listen, upstreams, consumers, keys, auth, limits, limiting, identity, routes, log } = written;
    const { workers, shutdown } = written;
    const own = [
      ...(identity.token === undefined ? [] : [keySetRoute(logs)]),
      ...resourceRoutes(auth, logs, listen.tls?.clients !== undefined),
    ];
    const plans = new Map(upstreams.map(([name, upstream]) => [name, { name, ...upstream }]));
    const allRoutes = [
      ...routes.map(([name, planOf]) => ({
        name,
        ...planOf(plans, byName(limits), byName(written.inFlight), written.maxBody),
      })),
      ...own,
    ];
    const plan: Plan = {
      name,
      listen,
      upstreams: Object.fromEntries(plans),
      auth: { consumers, keys: undefined, schemes: auth, identity: withOwned(identity, auth) },
      limits: { ...limiting, limits },
      inFlight: written.inFlight,
      overload: written.overload,
      routes: allRoutes,
      log: log === false ? log : maskedLog(log, auth),
      admin: written.admin,
      tracing: written.tracing && {
        ...written.tracing,
        redactQuery: withCredentials([...(log === false ? [] : log.redactQuery), ...written.tracing.redactQuery], auth),
      },
      otlp: written.otlp,
      serverTiming: written.serverTiming,
      logLevel: written.logLevel,
      workers,
      reload: written.reload,
      shutdown: shutdown({ admin: written.admin, routes: allRoutes }),
    };
    return { plan, keyFile: keys };
  });
}

function byName<T extends { readonly name: string }>(all: readonly T[]): ReadonlyMap<string, T> {
  return new Map(all.map((each) => [each.name, each]));
}

/** The query parameters in which schemes look for credentials are masked, too, whatever becomes of the request. */
function withCredentials(redactQuery: readonly string[], schemes: readonly SchemePlan[]): readonly string[] {
  const names = schemes.flatMap((scheme) => (scheme.kind === "api-key" ? (scheme.query?.toLowerCase() ?? []) : []));
  return [...new Set([...redactQuery, ...names])];
}

/** The log masks all places where schemes look for credentials. */
function maskedLog(log: LogPlan, schemes: readonly SchemePlan[]): LogPlan {
  const fields = schemes.flatMap((scheme) => ("header" in scheme ? (scheme.header?.toLowerCase() ?? []) : []));
  return {
    ...log,
    redactQuery: withCredentials(log.redactQuery, schemes),
    redactFields: [...new Set([...log.redactFields, ...fields])],
  };
}

/** Where upstreams find the key that verifies the gateway's tokens. */
function keySetRoute(log: boolean): RoutePlan {
  return {
    name: `${OWN_ROUTES}jwks`,
    matches: [{ path: "/.well-known/jwks.json", methods: ["GET"], hosts: [], headers: [], query: [] }],
    ...WITHOUT_POLICIES,
    destination: { kind: "key-set" },
    log,
  };
}

const DEFAULT_NAME = "sluice";

/** The names under a key of the config, right or wrong. */
function namesIn(written: unknown, key: string): string[] {
  return Object.keys(Object(partOf(written, key)) as object);
}

/** Every group that the config names, right or wrong. */
function groupsIn(written: unknown): string[] {
  const parts = [partOf(written, "keys"), ...Object.values(Object(partOf(written, "consumers")) as object)];
  return [...new Set(parts.flatMap((part) => partOf(part, "groups") ?? []))].filter(
    (group): group is string => typeof group === "string",
  );
}

const workersShape: Shape<Plan["workers"]> = leaf((value) => {
  const right =
    value === "auto" || (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 256);
  return right ? value : new Problem('"auto" or a whole number from 1 to 256');
});

const A_PSEUDONYM = "a name for Via and Proxy-Status";

/** A token that is also one of structured fields (RFC 9110 section 7.6.3, RFC 9651 section 3.3.4). */
const gatewayName = text(A_PSEUDONYM, (name) => {
  const right = isToken(name) && /^[A-Za-z]/.test(name) && name.length <= 64;
  return right
    ? name
    : new Problem(A_PSEUDONYM, { hint: 'It begins with a letter and has letters, digits, "-", "_" and ".".' });
});

/** Names stand in logs, metrics and addresses of the admin listener. */
function nameProblem(name: string): Problem | undefined {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return undefined;
  const hint = 'It begins with a letter or digit and has letters, digits, "_", "-" and ".", 64 at most.';
  return new Problem("a name", { hint });
}

function routeNameProblem(name: string): Problem | undefined {
  if (!name.startsWith(OWN_ROUTES)) return nameProblem(name);
  return new Problem("another name", { hint: `The gateway's own routes begin with "${OWN_ROUTES}".` });
}
