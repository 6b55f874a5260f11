// The meter: what the parts of a gateway count, brought to the registry.
import { Answer } from "./answer.ts";
import type { Scheme, Verdict } from "./auth/scheme.ts";
import type { Keep } from "./carried.ts";
import { isEjected, isUp } from "./balance/availability.ts";
import type { Plan, RoutePlan } from "./config/plan.ts";
import type { Discovery } from "./discover/discover.ts";
import { GatewayError } from "./errors.ts";
import type { InFlight } from "./limit/in-flight.ts";
import type { Limiter } from "./limit/limiter.ts";
import { entriesIn } from "./limit/table.ts";
import type { Listeners } from "./listen/listeners.ts";
import type { Platform, Timer } from "./platform.ts";
import { ExchangeMetrics } from "./record/exchange-metrics.ts";
import { FAMILIES } from "./record/families.ts";
import type { Labels } from "./record/family.ts";
import type { Sink } from "./record/log/sinks.ts";
import type { Counter, Metrics } from "./record/metrics.ts";
import { addressLabels } from "./record/outcome.ts";
import type { Counts } from "./shared.ts";
import type { Mirror } from "./upstream/mirror.ts";
import type { Upstream } from "./upstream/upstream.ts";

/** How often it is looked how late timers are. */
const LOOK_MS = 500;
/** How many of these looks come before the next one for targets that are gone: a minute. */
const LOOKS = 120;

const OUTCOMES = ["accepted", "absent", "refused", "unavailable", "answered"] as const;
type Outcome = (typeof OUTCOMES)[number];

/** Ends what is read. What a counter has counted stays. */
type End = () => void;

/** Counts what one plan does, for as long as exchanges are on it. */
export class Meter {
  readonly exchanges: ExchangeMetrics;
  readonly #schemes: ReadonlyMap<string, Readonly<Record<Outcome, Counter>>>;
  readonly #ends: readonly End[];

  constructor(metrics: Metrics, plan: Plan, bounds: Iterable<InFlight>, platform: Platform) {
    this.exchanges = new ExchangeMetrics(metrics, plan, platform);
    this.#schemes = new Map(plan.auth.schemes.map(({ name }) => [name, outcomesOf(metrics, name)]));
    this.#ends = [...bounds].flatMap((bound) => meterBound(metrics, bound));
  }

  /** A scheme has judged. */
  readonly judged = (scheme: string, verdict: Verdict): void => {
    this.#schemes.get(scheme)![outcomeOf(verdict)].add();
  };

  /** It is over. */
  close(): void {
    this.exchanges.close();
    for (const end of this.#ends) end();
  }
}

/** What outlives a plan, and is metered. */
export interface CarriedParts {
  readonly schemes: Iterable<Scheme>;
  readonly upstreams: Iterable<Upstream>;
  /** By upstream; none where the main thread searches. */
  readonly discoveries: ReadonlyMap<string, Discovery>;
  readonly mirrors: ReadonlyMap<RoutePlan, readonly Mirror[]>;
  readonly limiter: Limiter | undefined;
  /** The counts of limits, where they are this gateway's alone. */
  readonly own: Counts | undefined;
  readonly logSinks: readonly Sink[];
}

/** Lets be read what outlives a plan: each thing once, whichever plans have it. */
export function meterCarried(metrics: Metrics, parts: CarriedParts, platform: Platform, keep: Keep): void {
  const kept = (name: string, madeOf: unknown, begin: () => End): void =>
    void keep(`metrics.${name}`, madeOf, begin, (end) => end());
  const { linesLost } = platform;
  kept("loop", undefined, () => watchLoop(metrics, platform));
  if (linesLost !== undefined) {
    kept("log", undefined, () => metrics.count(FAMILIES.logLinesDropped, { sink: "stdout" }, linesLost));
  }
  for (const { name, lost, source } of parts.logSinks) {
    if (lost === undefined) continue;
    kept(`log.${name}`, source, () => metrics.count(FAMILIES.logLinesDropped, { sink: name }, lost));
  }
  for (const scheme of parts.schemes) {
    if (scheme.keysAge !== undefined) kept(`auth.${scheme.name}`, scheme, () => meterKeys(metrics, scheme));
  }
  for (const upstream of parts.upstreams) {
    kept(`upstreams.${upstream.plan.name}`, upstream, () => meterUpstream(metrics, upstream));
  }
  for (const [name, discovery] of parts.discoveries) {
    kept(`upstreams.${name}.targets`, discovery, () => meterDiscovery(metrics, name, discovery));
  }
  for (const [route, mirrors] of parts.mirrors) {
    for (const mirror of mirrors) {
      const { name } = mirror.plan.upstream;
      kept(`mirrors.${route.name}.${name}`, mirror, () => meterMirror(metrics, route.name, mirror));
    }
  }
  const { own, limiter } = parts;
  if (own !== undefined) kept("counts", own, () => meterCounts(metrics, own, platform));
  if (limiter === undefined) return;
  kept("limiter", limiter, () => metrics.count(FAMILIES.limitEvictions, {}, () => limiter.table.counts.evicted));
}

/** Lets the table of limits be read. */
export function meterCounts(metrics: Metrics, { memory, ahead }: Counts, platform: Pick<Platform, "now">): End {
  const entries = (): number => entriesIn(memory, platform.now() + ahead);
  return all(
    metrics.readOne(FAMILIES.limitEntries, entries),
    metrics.readOne(FAMILIES.limitCapacity, () => memory.tags.length / 2),
  );
}

/** Lets the connections of clients be read. */
export function meterListeners(metrics: Metrics, listeners: Listeners): End {
  return all(
    metrics.readOne(FAMILIES.connections, () => listeners.connections),
    metrics.count(FAMILIES.connectionsRefused, {}, () => listeners.turnedAway),
    metrics.read(FAMILIES.certificateEnds, () =>
      listeners.certificates.map(({ name, notAfter }) => [{ name }, notAfter / 1000] as const),
    ),
  );
}

/** Lets be read how old the keys of a scheme are. */
function meterKeys(metrics: Metrics, { name, keysAge }: Scheme): End {
  return metrics.read(FAMILIES.keysAge, () => {
    const age = keysAge!();
    return age === undefined ? [] : [[{ scheme: name }, age / 1000]];
  });
}

function meterBound(metrics: Metrics, { plan, counts }: InFlight): End[] {
  const decisions = (["allowed", "refused", "observed"] as const).map((decision) =>
    metrics.count(FAMILIES.inFlightDecisions, { bound: plan.name, decision }, () => counts[decision]),
  );
  return [...decisions, metrics.read(FAMILIES.inFlightWaiting, () => [[{ bound: plan.name }, counts.waiting]])];
}

/** An upstream's targets may change while it runs. */
function meterUpstream(metrics: Metrics, upstream: Upstream): End {
  const of = (url: string): Labels<"sluice.upstream" | "sluice.target" | "server.address" | "server.port"> => {
    return { "sluice.upstream": upstream.plan.name, "sluice.target": url, ...addressLabels(url) };
  };
  return all(
    metrics.read(FAMILIES.clientConnections, function* () {
      for (const { plan, pool } of upstream.targets) {
        if (pool === undefined) continue;
        const { open, idle } = pool.counts;
        yield [{ ...of(plan.url), "http.connection.state": "active" }, open - idle];
        yield [{ ...of(plan.url), "http.connection.state": "idle" }, idle];
      }
    }),
    metrics.read(FAMILIES.targetUp, function* () {
      for (const target of upstream.targets) {
        const mayBePicked = isUp(target) && !isEjected(target, upstream.now());
        yield [{ upstream: upstream.plan.name, target: target.plan.url }, Number(mayBePicked)];
      }
    }),
    metrics.count(FAMILIES.ejections, { upstream: upstream.plan.name }, upstream.ejections),
    metrics.count(FAMILIES.retryRefusals, { upstream: upstream.plan.name }, upstream.retryRefusals),
    meterBreaker(metrics, upstream),
  );
}

function meterBreaker(metrics: Metrics, { plan, breaker }: Upstream): End {
  if (breaker === undefined) return all();
  const labels = { upstream: plan.name };
  return all(
    metrics.count(FAMILIES.circuitOpened, labels, () => breaker.opened),
    metrics.read(FAMILIES.circuitOpen, () => [[labels, Number(breaker.circuit !== "closed")]]),
  );
}

/** Lets be read how the search for an upstream's targets goes. */
export function meterDiscovery(metrics: Metrics, upstream: string, discovery: Discovery): End {
  return metrics.count(FAMILIES.discoveryFailures, { upstream }, () => discovery.failures);
}

function meterMirror(metrics: Metrics, route: string, { plan, counts }: Mirror): End {
  const labels = { route, upstream: plan.upstream.name };
  const outcomes = Object.keys(counts) as (keyof typeof counts)[];
  return all(
    ...outcomes.map((outcome) => metrics.count(FAMILIES.mirrorCopies, { ...labels, outcome }, () => counts[outcome])),
  );
}

function watchLoop(metrics: Metrics, platform: Platform): End {
  const delay = metrics.histogram(FAMILIES.eventLoopDelay, {});
  let timer: Timer;
  let looks = 0;
  const wait = (): void => {
    const due = platform.now() + LOOK_MS;
    timer = platform.setTimer(() => {
      const now = platform.now();
      delay.observe(Math.max(0, now - due) / 1000);
      if (++looks % LOOKS === 0) metrics.letGo(now, platform.wallClock());
      wait();
    }, LOOK_MS);
  };
  wait();
  return () => platform.clearTimer(timer);
}

function outcomesOf(metrics: Metrics, scheme: string): Readonly<Record<Outcome, Counter>> {
  const counters = OUTCOMES.map((outcome) => [outcome, metrics.counter(FAMILIES.authDecisions, { scheme, outcome })]);
  return Object.fromEntries(counters) as Record<Outcome, Counter>;
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict === undefined) return "absent";
  if (verdict instanceof GatewayError) {
    return verdict.code === "authentication_unavailable" ? "unavailable" : "refused";
  }
  return verdict instanceof Answer ? "answered" : "accepted";
}

function all(...ends: readonly End[]): End {
  return () => ends.forEach((end) => end());
}
