// What routes are folded of: all that a plan brings to life, each thing once.
import { createSchemes } from "./auth/create.ts";
import { identityLines } from "./auth/identity-fields.ts";
import { identityTokens, type IdentityTokens } from "./auth/identity-token.ts";
import type { Scheme } from "./auth/scheme.ts";
import { PolicyBalancer } from "./balance/balancer.ts";
import { RoundRobin } from "./balance/round-robin.ts";
import { type Board, OwnBoard, TARGET_WORDS } from "./board.ts";
import type { Plan } from "./config/plan.ts";
import type { UpstreamPlan } from "./config/upstream/plan.ts";
import { openCounts, saveCounts } from "./counts.ts";
import type { Deadlines } from "./http/deadlines.ts";
import { InFlight } from "./limit/in-flight.ts";
import { Limiter } from "./limit/limiter.ts";
import { runLimit, type RunningLimit } from "./limit/limit.ts";
import { durableStore } from "./limit/durable-store.ts";
import { Overload } from "./limit/overload.ts";
import { redisStore } from "./limit/redis-store.ts";
import type { CountStore } from "./limit/store.ts";
import { LimitTable } from "./limit/table.ts";
import type { Platform } from "./platform.ts";
import type { Counts } from "./shared.ts";
import { clientTls } from "./upstream/client-tls.ts";
import type { Vouching } from "./upstream/request.ts";
import { type Service, subrequest } from "./upstream/subrequest.ts";
import { Upstream, type UpstreamTarget } from "./upstream/upstream.ts";

/** The parts of one gateway. */
export interface Parts {
  readonly platform: Platform;
  /** What the gateway calls itself in Via. */
  readonly pseudonym: string;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly schemes: ReadonlyMap<string, Scheme>;
  readonly limits: ReadonlyMap<string, RunningLimit>;
  readonly inFlight: ReadonlyMap<string, InFlight>;
  readonly overload: Overload | undefined;
  /** Counts that several gateways share. */
  readonly limitStore: CountStore | undefined;
  readonly tokens: IdentityTokens | undefined;
  readonly vouching: Vouching | undefined;
  /** Whether the gateway lets go. */
  isDraining(): boolean;
  /** Ends what runs in the background, and closes connections to targets. */
  close(): void;
  /** Keeps what limits have counted for the next process, if the config wants that and the counts are its own. */
  saveCounts(): Promise<void> | undefined;
}

/** Brings a plan to life. Opens no connection to a target; keys begin to be fetched, a store to be connected. */
export function createParts(plan: Plan, platform: Platform, deadlines: Deadlines, isDraining: () => boolean): Parts {
  // Unique to this process, so that a request which comes back is known, and one from another gateway is not.
  const pseudonym = `${plan.name}-${platform.shared?.instance ?? platform.uuid().slice(0, 8)}`;
  const board = new OwnBoard(TARGET_WORDS);
  const upstreams = new Map<string, Upstream>();
  for (const upstream of Object.values(plan.upstreams)) {
    upstreams.set(upstream.name, runUpstream(upstream, board, platform, deadlines));
  }
  const services = servicesOf(plan, board, platform, deadlines);
  const { token, owned } = plan.auth.identity;
  const schemes = createSchemes(plan.auth, platform, (name) =>
    subrequest({ ...services.get(name)!, owned }, pseudonym, platform, deadlines),
  );
  const { shared } = platform;
  const own = shared === undefined && plan.limits.limits.length > 0 ? openCounts(plan.limits, 1, platform) : undefined;
  const limitStore = storeOf(plan, platform, deadlines);
  const overload = plan.overload && new Overload(plan.overload, platform);
  return {
    platform,
    pseudonym,
    upstreams,
    schemes,
    limits: limitsOf(plan, own ?? shared?.limits, platform),
    inFlight: new Map(plan.inFlight.map((bound) => [bound.name, new InFlight(bound, platform)])),
    overload,
    limitStore,
    tokens: token && identityTokens(token, platform),
    vouching: vouchingOf(plan),
    isDraining,
    close() {
      for (const scheme of schemes.values()) scheme.close?.();
      for (const upstream of upstreams.values()) upstream.close();
      for (const { upstream } of services.values()) upstream.close();
      limitStore?.close();
      overload?.close();
    },
    saveCounts: () => own && saveCounts(plan.limits, own, platform),
  };
}

/** An upstream with who picks among its targets, and who watches them. */
function runUpstream(plan: UpstreamPlan, board: Board, platform: Platform, deadlines: Deadlines): Upstream {
  const balancer = new PolicyBalancer<UpstreamTarget>(new RoundRobin(), board);
  return new Upstream(plan, { balancer, watchers: [], board, platform, deadlines });
}

/** The limits by name. Without counts there are none. */
function limitsOf({ limits }: Plan, counts: Counts | undefined, platform: Platform): ReadonlyMap<string, RunningLimit> {
  if (counts === undefined) return new Map();
  const { memory, secret, ahead } = counts;
  const limiter = new Limiter(new LimitTable(memory, platform.shared?.worker ?? 1));
  const clock = (): number => platform.now() + ahead;
  return new Map(limits.limits.map((limit) => [limit.name, runLimit(limit, limiter, secret, clock, platform)]));
}

/** The store, where the config names one and a limit is counted in it. */
function storeOf({ limits }: Plan, platform: Platform, deadlines: Deadlines): CountStore | undefined {
  const { store } = limits;
  if (store === undefined || !limits.limits.some(({ shared }) => shared)) return undefined;
  if (store.kind === "durable-object") return durableStore(store, platform);
  return redisStore(store, store.tls && clientTls(store.tls, store.host), platform, deadlines);
}

/** The services that schemes ask, by the scheme's name. */
function servicesOf(
  { auth }: Plan,
  board: Board,
  platform: Platform,
  deadlines: Deadlines,
): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  for (const scheme of auth.schemes) {
    if (scheme.kind !== "forward-auth") continue;
    const { name, path, query, timeoutMs } = scheme;
    const upstream = runUpstream(scheme.upstream, board, platform, deadlines);
    services.set(name, { upstream, path, query, timeoutMs });
  }
  return services;
}

/** What upstreams are told of who calls; undefined where the config has nothing to tell. */
function vouchingOf({ auth }: Plan): Vouching | undefined {
  const { owned, token } = auth.identity;
  if (owned.length === 0) return undefined;
  const lines = identityLines(auth.identity);
  return {
    owned,
    lines({ identity, identityToken }) {
      if (identity === undefined) return "";
      if (identityToken === undefined) return lines(identity);
      return `${lines(identity)}${token!.header}: ${identityToken}\r\n`;
    },
  };
}
