// Exchanges in numbers: each is counted once, where it ends, from what is known of it then.
import type { LimitPlan } from "../config/limit/plan.ts";
import type { MatchPlan, Plan, RoutePlan } from "../config/plan.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { TracingPlan } from "../config/telemetry/plan.ts";
import type { AttemptRecord, Ending, Exchange, Trace } from "../exchange.ts";
import { SAMPLED, spanIdOf, traceIdOf } from "../http/trace-context.ts";
import type { Platform } from "../platform.ts";
import { Durations } from "./durations.ts";
import { FAMILIES } from "./families.ts";
import type { Family, Labels } from "./family.ts";
import type { Counter, Histogram, Metrics } from "./metrics.ts";
import { addressOf, errorOf, routePattern, statusOf } from "./outcome.ts";

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
  readonly #places = new Map<MatchPlan | RoutePlan | undefined, Place>();
  readonly #targets = new Map<UpstreamPlan, Map<string, Durations>>();
  readonly #limits: ReadonlyMap<LimitPlan, Decisions>;
  /** Counters of what happens to few exchanges, by family and labels: see `#count`. */
  readonly #counters = new Map<string, Counter>();
  readonly #end: () => void;
  #departures: number;
  #active = 0;

  constructor(
    metrics: Metrics,
    { limits, overload, tracing }: Pick<Plan, "limits" | "overload" | "tracing">,
    platform: Pick<Platform, "now" | "wallClock">,
  ) {
    this.#metrics = metrics;
    this.#departures = metrics.departures;
    this.#platform = platform;
    this.#isExemplar = tracing && EXEMPLARS[tracing.exemplars];
    this.#limits = new Map(limits.limits.map((limit) => [limit, decisionsOf(metrics, limit)]));
    if (overload !== undefined) metrics.counter(FAMILIES.overloadRefusals, {});
    this.#end = metrics.readOne(FAMILIES.serverActive, () => this.#active);
  }

  /** An exchange has begun. */
  began(): void {
    this.#active++;
  }

  /** It has ended. */
  ended(x: Exchange, ending: Ending): void {
    this.#active--;
    const now = this.#platform.now();
    const error = errorOf(x, ending);
    const place = this.#placeOf(x);
    const durations = place.durations.of(x.method, x.scheme, statusOf(x, ending), error?.code);
    const seconds = (now - x.startedAt) / 1000;
    if (this.#isExemplar !== undefined && x.trace !== undefined && this.#isExemplar(x.trace)) {
      durations.observeIn(
        { traceId: traceIdOf(x.trace), spanId: spanIdOf(x.trace) },
        seconds,
        this.#platform.wallClock(),
      );
    } else durations.observe(seconds);
    place.requestSize.observe(ending.bytesIn);
    place.responseSize.observe(ending.bytesOut);
    if (x.attempts.length > 0) this.#attempts(x, x.upstream!, x.attempts, now);
    for (const { upstream, reason, attempts } of x.fallbacks) {
      this.#attempts(x, upstream, attempts, now);
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

  #placeOf({ route, match }: Exchange): Place {
    const key = match ?? route;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = new Place(this.#metrics, route, match);
      this.#places.set(key, place);
    }
    return place;
  }

  #attempts(x: Exchange, upstream: UpstreamPlan, attempts: readonly AttemptRecord[], now: number): void {
    for (const { target, startedAt, settledAt, status, error, reason } of attempts) {
      const seconds = ((settledAt === 0 ? now : settledAt) - startedAt) / 1000;
      this.#targetOf(upstream, target).of(x.method, x.scheme, status, error?.code).observe(seconds);
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

  #targetOf(upstream: UpstreamPlan, target: string): Durations {
    if (this.#departures !== this.#metrics.departures) {
      this.#departures = this.#metrics.departures;
      this.#targets.clear();
    }
    let targets = this.#targets.get(upstream);
    if (targets === undefined) this.#targets.set(upstream, (targets = new Map()));
    let durations = targets.get(target);
    if (durations === undefined) {
      durations = durationsAt(this.#metrics, upstream, target);
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

/** The series of a route, or of one of its matches. All that found no route is one place. */
class Place {
  readonly requestSize: Histogram;
  readonly responseSize: Histogram;
  readonly durations: Durations;

  constructor(metrics: Metrics, route: RoutePlan | undefined, match: MatchPlan | undefined) {
    const place = {
      "http.route": (route && routePattern(route, match)) ?? "",
      "sluice.route": route?.name ?? "",
    };
    this.requestSize = metrics.histogram(FAMILIES.requestSize, place);
    this.responseSize = metrics.histogram(FAMILIES.responseSize, place);
    this.durations = new Durations(500, (labels) =>
      metrics.histogram(FAMILIES.serverDuration, { ...place, ...labels }),
    );
  }
}

/** The series of a target. For whoever asked it, an answer from 400 on is a failure. */
function durationsAt(metrics: Metrics, { name }: UpstreamPlan, target: string): Durations {
  const { host, port } = addressOf(target);
  const place = {
    "sluice.upstream": name,
    "sluice.target": target,
    "server.address": host,
    "server.port": port,
  };
  return new Durations(400, (labels) => metrics.histogram(FAMILIES.clientDuration, { ...place, ...labels }));
}
