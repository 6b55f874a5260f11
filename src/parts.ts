// What routes are folded of: all that a plan brings to life, each thing once.
import type { Watch } from "./admin/live/watch.ts";
import type { RevokedKeys } from "./auth/api-key/revoked-keys.ts";
import { createSchemes } from "./auth/create.ts";
import { certificateLine, identityLines } from "./auth/identity-fields.ts";
import { identityTokens, type IdentityTokens } from "./auth/identity-token.ts";
import type { Scheme } from "./auth/scheme.ts";
import { PolicyBalancer } from "./balance/balancer.ts";
import { createPolicy } from "./balance/create.ts";
import { runAvailability } from "./balance/run-availability.ts";
import type { Board } from "./board.ts";
import { Carried, type Keep } from "./carried.ts";
import type { InFlightPlan } from "./config/limit/plan.ts";
import type { Plan, RoutePlan } from "./config/plan.ts";
import type { MirrorPlan } from "./config/shaping/plan.ts";
import type { UpstreamPlan } from "./config/upstream/plan.ts";
import { movedCounts, saveCounts } from "./counts.ts";
import { discover, type Discovery, firstTargets } from "./discover/discover.ts";
import { HealthChecks } from "./health-checks.ts";
import type { Deadlines } from "./http/deadlines.ts";
import { Tally } from "./http/tally.ts";
import { InFlight } from "./limit/in-flight.ts";
import { Limiter } from "./limit/limiter.ts";
import { runLimit, type RunningLimit } from "./limit/limit.ts";
import { durableStore } from "./limit/durable-store.ts";
import { Overload } from "./limit/overload.ts";
import { Places } from "./limit/places.ts";
import { redisStore } from "./limit/redis-store.ts";
import type { CountStore } from "./limit/store.ts";
import { LimitTable } from "./limit/table.ts";
import { Meter, meterCarried } from "./meter.ts";
import type { Issued } from "./issued.ts";
import type { Platform } from "./platform.ts";
import { openSinks, type Sink } from "./record/log/sinks.ts";
import type { Metrics } from "./record/metrics.ts";
import type { Counted, Counts } from "./shared.ts";
import { type Boards, openBoards } from "./shared-board.ts";
import type { Follow } from "./target.ts";
import { type ControlledUpstream, TargetControl } from "./target-control.ts";
import { createTelemetry, type Telemetry } from "./telemetry.ts";
import { Breaker } from "./upstream/breaker.ts";
import { clientTls } from "./http/client-tls.ts";
import { Mirror, MIRROR_FIELD } from "./upstream/mirror.ts";
import type { Vouching } from "./upstream/request.ts";
import { type Service, subrequest } from "./upstream/subrequest.ts";
import { Upstream, type UpstreamTarget } from "./upstream/upstream.ts";

/** What a gateway has whatever its plan. */
export interface Standing {
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  /** Tells this process from others in Via. */
  readonly instance: string;
  /** Undefined where nobody asks for them. */
  readonly metrics: Metrics | undefined;
  /** What is seen of exchanges while somebody looks; undefined without an admin listener. */
  readonly watch: Watch | undefined;
  /** API keys that are good no more; absent where nobody can revoke any. */
  readonly revoked?: RevokedKeys | undefined;
  /** Undefined where nobody issues certificates. */
  readonly issued: Issued | undefined;
  /** What the first plan counts in, where another process hands its counts over. */
  readonly counts?: Counts | undefined;
  /** What parts still do that were let go: the end of the gateway waits for it. */
  readonly farewells: Set<Promise<void>>;
  /** Whether the gateway lets go. */
  isDraining(): boolean;
}

/** The parts of one plan. Those of a plan before it go on where nothing has changed. */
export interface Parts {
  readonly platform: Platform;
  /** What the gateway calls itself in Via. */
  readonly pseudonym: string;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  /** What operators see of targets, and may do to them. */
  readonly targets: TargetControl;
  /** From now on the targets of this plan are checked, and no others. Where several workers serve, the main thread does. */
  checkHealth(): void;
  readonly schemes: ReadonlyMap<string, Scheme>;
  readonly limits: ReadonlyMap<string, RunningLimit>;
  readonly inFlight: ReadonlyMap<string, InFlight>;
  readonly overload: Overload | undefined;
  /** What limits count in, where one thread counts. */
  readonly counts: Counts | undefined;
  /** Counts that several gateways share. */
  readonly limitStore: CountStore | undefined;
  readonly tokens: IdentityTokens | undefined;
  readonly vouching: Vouching | undefined;
  /** By route, in the order of its config. */
  readonly mirrors: ReadonlyMap<RoutePlan, readonly Mirror[]>;
  /** Resolves once the targets of all upstreams are known that are found while it runs, or have taken too long. */
  readonly firstTargets: Promise<void>;
  /** Undefined where nobody asks for metrics. */
  readonly meter: Meter | undefined;
  readonly telemetry: Telemetry;
  /** In the order of the config. */
  readonly logSinks: readonly Sink[];
  readonly issued: Issued | undefined;
  /** Host names whose certificates are to be issued. */
  readonly issuedHosts: readonly string[];
  readonly carried: Carried;
  isDraining: Standing["isDraining"];
  /** Keeps what limits have counted for the next process, if the config wants that and the counts are its own. */
  saveCounts(): Promise<void> | undefined;
}

/**
 * Brings a plan to life. Opens no connection to a target; keys begin to be fetched, a store to be connected.
 * @param before the parts of the plan that runs, to take from
 */
export function createParts(plan: Plan, standing: Standing, before?: Parts): Parts {
  const { platform, deadlines, instance, isDraining, metrics } = standing;
  const carried = new Carried(before?.carried);
  const { keep } = carried;
  // Unique to this process, so that a request which comes back is known, and one from another gateway is not.
  const pseudonym = `${plan.name}-${instance}`;
  const { shared } = platform;
  const boards = keep("boards", undefined, () => openBoards(shared?.boards, shared?.worker ?? 0, platform));
  const discoveryOf = (upstream: UpstreamPlan): Discovery | undefined =>
    upstream.discovery &&
    keep(
      `upstreams.${upstream.name} targets`,
      [upstream.discovery, upstream.protocol],
      () => discover(upstream, platform),
      (part) => part.close(),
    );
  const upstreamOf = (name: string, upstream: UpstreamPlan): Upstream =>
    keep(
      name,
      // Targets that are found come and go without the plan.
      upstream.discovery === undefined ? upstream : { ...upstream, targets: undefined },
      () => runUpstream(upstream, boards, standing, discoveryOf(upstream)?.follow),
      (part) => part.close(),
    );
  const upstreams = new Map(
    Object.values(plan.upstreams).map((upstream) => [
      upstream.name,
      upstreamOf(`upstreams.${upstream.name}`, upstream),
    ]),
  );
  const discoveries = new Map(
    Object.values(plan.upstreams).flatMap((upstream): [string, Discovery][] => {
      const discovery = discoveryOf(upstream);
      return discovery === undefined ? [] : [[upstream.name, discovery]];
    }),
  );
  const services = servicesOf(plan, upstreamOf);
  const { token, owned } = plan.auth.identity;
  const schemes = createSchemes(plan.auth, { platform, keep, revoked: standing.revoked }, (name) =>
    subrequest({ ...services.get(name)!, owned }, pseudonym, platform, deadlines),
  );
  const own = ownCounts(plan, standing, keep);
  const underWay = keep("underWay", undefined, () => new Tally(platform.shared?.underWay, platform.shared?.worker));
  const counts = own ?? platform.shared?.limits;
  const limiter = counts && limiterOf(counts, platform, keep);
  const inFlight = new Map(plan.inFlight.map((bound) => [bound.name, inFlightOf(bound, platform, keep)]));
  const mirrors = mirrorsOf(plan, platform, deadlines, keep);
  const logSinks = plan.log === false ? [] : openSinks(plan.log, platform, keep);
  if (metrics !== undefined) {
    const searches = shared === undefined ? discoveries : new Map<string, Discovery>();
    const metered = {
      schemes: schemes.values(),
      upstreams: upstreams.values(),
      discoveries: searches,
      mirrors,
      limiter,
      own,
      logSinks,
    };
    meterCarried(metrics, metered, platform, keep);
  }
  const parts: Parts = {
    platform,
    pseudonym,
    upstreams,
    targets: new TargetControl(boards, () => [...upstreams.values()].map(controlled), platform),
    checkHealth: healthOf(plan, discoveries, boards.targets, standing, keep),
    schemes,
    limits: limiter === undefined ? new Map() : limitsOf(plan, limiter, counts!, platform),
    inFlight,
    overload:
      plan.overload &&
      keep(
        "overload",
        plan.overload,
        () => new Overload(plan.overload!, underWay, platform),
        (part) => part.close(),
      ),
    counts: own,
    limitStore: storeOf(plan, platform, deadlines, keep),
    tokens: token && keep("identity.token", token, () => identityTokens(token, platform)),
    vouching: vouchingOf(plan),
    mirrors,
    firstTargets: firstTargets([...discoveries.values()], platform),
    meter: metrics && new Meter(metrics, plan, inFlight.values(), platform),
    logSinks,
    telemetry: createTelemetry(plan, standing, keep),
    issued: standing.issued,
    issuedHosts: plan.listen.tls?.acme?.domains ?? [],
    carried,
    isDraining,
    // Those that are told to another process are its to keep.
    saveCounts: () => (own === undefined || own.told ? undefined : saveCounts(plan.limits, own, platform)),
  };
  carried.complete();
  return parts;
}

function controlled({ plan, targets }: Upstream): ControlledUpstream {
  return { plan, targets: targets.map((target) => target.plan) };
}

/** One for all plans: it is told of each. */
function healthOf(
  { upstreams }: Plan,
  discoveries: ReadonlyMap<string, Discovery>,
  board: Board,
  { platform, deadlines }: Standing,
  keep: Keep,
): Parts["checkHealth"] {
  if (platform.shared !== undefined) return () => undefined;
  const checks = keep(
    "health",
    undefined,
    () => new HealthChecks(board, platform, deadlines),
    (part) => part.close(),
  );
  const follows = new Map([...discoveries].map(([name, { follow }]) => [name, follow]));
  return () => checks.use(Object.values(upstreams), follows);
}

/** The process's own counts; undefined where the config has no limits, and where several workers share theirs. */
function ownCounts({ limits }: Plan, { platform, counts }: Standing, keep: Keep): Counts | undefined {
  if (platform.shared !== undefined || limits.limits.length === 0) return undefined;
  return keep<Counts>("limiting", limits.capacity, (earlier) =>
    earlier === undefined && counts !== undefined ? counts : movedCounts(earlier, limits, 1, platform),
  );
}

/** Places belong to the bound's name, whatever else the bound says. */
function inFlightOf(bound: InFlightPlan, platform: Platform, keep: Keep): InFlight {
  const claim = platform.shared?.claim ?? keep(`inFlight.${bound.name}`, undefined, () => new Places()).claim;
  return new InFlight(bound, claim, platform);
}

/** An upstream with who picks among its targets, and who watches them. */
function runUpstream(
  plan: UpstreamPlan,
  { targets: board, upstreams }: Boards,
  { platform, deadlines }: Standing,
  follow: Follow | undefined,
): Upstream {
  const policy = createPolicy<UpstreamTarget>(plan, platform);
  const { availability, watchers, ejections } = runAvailability<UpstreamTarget>(plan, board, platform);
  const balancer = new PolicyBalancer(policy, availability, board, () => platform.now());
  const breaker =
    plan.breaker && new Breaker<UpstreamTarget>({ name: plan.name, plan: plan.breaker, board: upstreams, platform });
  const all = [...(breaker === undefined ? [] : [breaker]), ...watchers, ...(policy.watchers ?? [])];
  return new Upstream(plan, { balancer, breaker, ejections, watchers: all, board, platform, deadlines, follow });
}

/** Where limits are decided. */
function limiterOf(counts: Counts, { shared }: Platform, keep: Keep): Limiter {
  const { memory } = counts;
  const told = shared?.counted ?? ((counted: Counted) => counts.told?.(counted));
  return keep("limiter", memory.entries, () => new Limiter(new LimitTable(memory, shared?.worker ?? 1), told));
}

/** The limits by name. */
function limitsOf(
  { limits }: Plan,
  limiter: Limiter,
  { secret, ahead }: Counts,
  platform: Platform,
): ReadonlyMap<string, RunningLimit> {
  const clock = (): number => platform.now() + ahead;
  return new Map(limits.limits.map((limit) => [limit.name, runLimit(limit, limiter, secret, clock, platform)]));
}

/** The store, where the config names one and a limit is counted in it. */
function storeOf({ limits }: Plan, platform: Platform, deadlines: Deadlines, keep: Keep): CountStore | undefined {
  const { store } = limits;
  if (store === undefined || !limits.limits.some(({ shared }) => shared)) return undefined;
  const create = (): CountStore =>
    store.kind === "durable-object"
      ? durableStore(store, platform)
      : redisStore(store, store.tls && clientTls(store.tls, store.host), platform, deadlines);
  return keep("limiting.store", store, create, (part) => part.close());
}

/** The services that schemes ask, by the scheme's name. */
function servicesOf(
  { auth }: Plan,
  upstreamOf: (name: string, upstream: UpstreamPlan) => Upstream,
): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  for (const scheme of auth.schemes) {
    if (scheme.kind !== "forward-auth") continue;
    const { name, path, query, timeoutMs } = scheme;
    services.set(name, { upstream: upstreamOf(`auth.${name} upstream`, scheme.upstream), path, query, timeoutMs });
  }
  return services;
}

/** The mirrors of the routes that have some. */
function mirrorsOf({ routes }: Plan, platform: Platform, deadlines: Deadlines, keep: Keep): Parts["mirrors"] {
  const mirroring = routes.filter(({ mirrors }) => mirrors.length > 0);
  const mirrorOf = (route: string, plan: MirrorPlan): Mirror =>
    keep(
      `routes.${route} mirror ${plan.upstream.name}`,
      plan,
      () => new Mirror(`routes.${route}.mirror`, plan, platform, deadlines),
      (part) => part.close(),
    );
  return new Map(mirroring.map((route) => [route, route.mirrors.map((plan) => mirrorOf(route.name, plan))]));
}

/** What upstreams are told of who calls; undefined where the config has nothing to tell. */
function vouchingOf({ auth, routes }: Plan): Vouching | undefined {
  const { token } = auth.identity;
  const mirrors = routes.some(({ mirrors }) => mirrors.length > 0);
  const owned = mirrors ? [...auth.identity.owned, MIRROR_FIELD] : auth.identity.owned;
  if (owned.length === 0) return undefined;
  const ofIdentity = identityLines(auth.identity);
  const ofCertificate = auth.identity.clientCert ? certificateLine : (): string => "";
  return {
    owned,
    lines({ identity, identityToken, clientCertificate }) {
      const first = clientCertificate === undefined ? "" : ofCertificate(clientCertificate);
      if (identity === undefined) return first;
      if (identityToken === undefined) return first + ofIdentity(identity);
      return `${first}${ofIdentity(identity)}${token!.header}: ${identityToken}\r\n`;
    },
  };
}
