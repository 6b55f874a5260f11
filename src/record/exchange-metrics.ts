// Exchanges in numbers: each is counted once, where it ends, from what is known of it then.
import type { LimitPlan } from "../config/limit/plan.ts";
import type { MatchPlan, Plan, RoutePlan } from "../config/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { TracingPlan } from "../config/telemetry/plan.ts";
import type { AttemptRecord, Ending, Exchange, Trace } from "../exchange.ts";
import { SAMPLED, spanIdOf, traceIdOf } from "../http/trace-context.ts";
import type { Platform } from "../platform.ts";
import { ByOutcome } from "./by-outcome.ts";
import { FAMILIES } from "./families.ts";
import type { Family, Labels } from "./family.ts";
import { Kinds } from "./kinds.ts";
import type { Counter, Histogram, Metrics } from "./metrics.ts";
import { addressLabels, errorOf, routePattern, statusOf } from "./outcome.ts";

/** Targets that are known at once; where they come and go, those that went are forgotten with the others. */
const MOST_TARGETS = 1000;

/** Which exchanges are exemplars: of what is recorded one is at hand for whoever wonders about a bucket. */
const EXEMPLARS: Readonly<Record<TracingPlan["exemplars"], ((trace: Trace) => boolean) | undefined>> = {
  sampled: ({ flags }) => (flags & SAMPLED) !== 0,
  all: () => true,
  none: undefined,
};

/** Counts exchanges. */
export class ExchangeMetrics {
  readonly #metrics: Metrics;
  readonly #platform: Pick<Platform, "now" | "wallClock">;
  /** Whether the exchange of this trace is an exemplar of what its bucket counts; undefined where there are none. */
  readonly #isExemplar: ((trace: Trace) => boolean) | undefined;
  readonly #kinds: Kinds;
  readonly #places = new Map<MatchPlan | RoutePlan | undefined, ByOutcome<Series>>();
  readonly #targets = new Map<UpstreamPlan, Map<string, ByOutcome<Histogram>>>();
  readonly #limits: ReadonlyMap<LimitPlan, Decisions>;
  /** Counters of what happens to few exchanges, by family and labels: see `#count`. */
  readonly #counters = new Map<string, Counter>();
  readonly #end: () => void;
  #departures: number;
  /** Requests under way, by kind. All kinds are told: series that come and go with the load are hard to read. */
  readonly #active: Int32Array;

  constructor(
    metrics: Metrics,
    { limits, overload, tracing, otlp }: Pick<Plan, "limits" | "overload" | "tracing" | "otlp">,
    platform: Pick<Platform, "now" | "wallClock">,
  ) {
    this.#metrics = metrics;
    this.#departures = metrics.departures;
    this.#platform = platform;
    this.#isExemplar = tracing && EXEMPLARS[tracing.exemplars];
    this.#limits = new Map(limits.limits.map((limit) => [limit, decisionsOf(metrics, limit)]));
    if (overload !== undefined) metrics.counter(FAMILIES.overloadRefusals, {});
    const kinds = (this.#kinds = new Kinds(otlp?.knownMethods ?? tracing?.knownMethods));
    const active = (this.#active = new Int32Array(kinds.count));
    this.#end = metrics.read(FAMILIES.serverActive, function* () {
      for (const [kind, count] of active.entries()) yield [kinds.labels(kind), count];
    });
  }

  /** An exchange has begun. */
  began(x: Exchange): void {
    this.#active[this.#kinds.of(x)]! += 1;
  }

  /** It has ended. */
  ended(x: Exchange, ending: Ending): void {
    const kind = this.#kinds.of(x);
    this.#active[kind]! -= 1;
    const now = this.#platform.now();
    const error = errorOf(x, ending);
    const { durations, requestSize, responseSize } = this.#placeOf(x).of(kind, statusOf(x, ending), error?.code);
    const seconds = (now - x.startedAt) / 1000;
    if (this.#isExemplar !== undefined && x.trace !== undefined && this.#isExemplar(x.trace)) {
      durations.observeIn(
        { traceId: traceIdOf(x.trace), spanId: spanIdOf(x.trace) },
        seconds,
        this.#platform.wallClock(),
      );
    } else durations.observe(seconds);
    requestSize.observe(ending.bytesIn);
    responseSize.observe(ending.bytesOut);
    if (x.attempts.length > 0) this.#attempts(kind, x.upstream!, x.attempts, now);
    for (const { upstream, reason, attempts } of x.fallbacks) {
      this.#attempts(kind, upstream, attempts, now);
      this.#count(FAMILIES.fallbacks, "upstream", upstream.name, "reason", String(reason));
    }
    for (const { limit, allowed } of x.limited) {
      const decisions = this.#limits.get(limit)!;
      if (allowed) decisions.allowed.add();
      else if (limit.observe) decisions.observed.add();
      else decisions.refused.add();
    }
    const route = x.route?.name ?? "";
    for (const { policy } of x.observations) this.#count(FAMILIES.observed, "policy", policy, "route", route);
    for (const fault of x.faults) this.#count(FAMILIES.faults, "fault", fault, "route", route);
    const outcome = storeOutcome(x, error);
    if (outcome !== undefined) this.#metrics.counter(FAMILIES.limitStoreErrors, { outcome }).add();
    if (error?.code === "overloaded") this.#metrics.counter(FAMILIES.overloadRefusals, {}).add();
  }

  /** The plan has ended. What was counted stays. */
  close(): void {
    this.#end();
  }

  #placeOf({ route, match }: Exchange): ByOutcome<Series> {
    const key = match ?? route;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = seriesAt(this.#metrics, this.#kinds, route, match);
      this.#places.set(key, place);
    }
    return place;
  }

  #attempts(kind: number, upstream: UpstreamPlan, attempts: readonly AttemptRecord[], now: number): void {
    for (const { target, startedAt, settledAt, status, error, reason } of attempts) {
      const seconds = ((settledAt === 0 ? now : settledAt) - startedAt) / 1000;
      this.#targetOf(upstream, target).of(kind, status, error?.code).observe(seconds);
      if (reason === undefined) continue;
      this.#count(FAMILIES.retries, "reason", reason, "upstream", upstream.name);
    }
  }

  /** Counts in a family of two labels. A retry storm must not pay for the look-up of its series each time. */
  #count<A extends string, B extends string>(
    family: Family<"counter", A | B>,
    a: A,
    valueOfA: string,
    b: B,
    valueOfB: string,
  ): void {
    const key = `${family.name} ${valueOfA} ${valueOfB}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#metrics.counter(family, { [a]: valueOfA, [b]: valueOfB } as Labels<A | B>);
      this.#counters.set(key, counter);
    }
    counter.add();
  }

  #targetOf(upstream: UpstreamPlan, target: string): ByOutcome<Histogram> {
    if (this.#departures !== this.#metrics.departures) {
      this.#departures = this.#metrics.departures;
      this.#targets.clear();
    }
    let targets = this.#targets.get(upstream);
    if (targets === undefined) this.#targets.set(upstream, (targets = new Map()));
    let durations = targets.get(target);
    if (durations === undefined) {
      durations = durationsAt(this.#metrics, this.#kinds, upstream, target);
      if (targets.size >= MOST_TARGETS) targets.clear();
      targets.set(target, durations);
    }
    return durations;
  }
}

/** What became of an exchange of which the store of counts could not decide. */
function storeOutcome({ limitStore, observations }: Exchange, error: GatewayError | undefined): string | undefined {
  if (limitStore !== undefined) return limitStore;
  if (error?.code === "limit_store_unavailable") return "refused";
  return observations.some((each) => each.error.code === "limit_store_unavailable") ? "observed" : undefined;
}

/** The counters of a limit. */
type Decisions = Readonly<Record<"allowed" | "refused" | "observed", Counter>>;

function decisionsOf(metrics: Metrics, { name }: LimitPlan): Decisions {
  const of = (decision: keyof Decisions): Counter =>
    metrics.counter(FAMILIES.limitDecisions, { limit: name, decision });
  return { allowed: of("allowed"), refused: of("refused"), observed: of("observed") };
}

/** What an exchange is counted in. Sizes are told by kind alone: with statuses they would be as many as durations. */
interface Series {
  readonly durations: Histogram;
  readonly requestSize: Histogram;
  readonly responseSize: Histogram;
}

/** The series of a route, or of one of its matches. All that found no route is one place. */
function seriesAt(
  metrics: Metrics,
  kinds: Kinds,
  route: RoutePlan | undefined,
  match: MatchPlan | undefined,
): ByOutcome<Series> {
  const place = {
    "http.route": (route && routePattern(route, match)) ?? "",
    "sluice.route": route?.name ?? "",
  };
  return new ByOutcome(kinds, 500, (outcome) => {
    const labels = { ...place, ...outcome };
    return {
      durations: metrics.histogram(FAMILIES.serverDuration, labels),
      requestSize: metrics.histogram(FAMILIES.requestSize, labels),
      responseSize: metrics.histogram(FAMILIES.responseSize, labels),
    };
  });
}

/** The series of a target. For whoever asked it, an answer from 400 on is a failure. */
function durationsAt(metrics: Metrics, kinds: Kinds, { name }: UpstreamPlan, target: string): ByOutcome<Histogram> {
  const place = { "sluice.upstream": name, "sluice.target": target, ...addressLabels(target) };
  return new ByOutcome(kinds, 400, (labels) => metrics.histogram(FAMILIES.clientDuration, { ...place, ...labels }));
}
