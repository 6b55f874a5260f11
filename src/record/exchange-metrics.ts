// Exchanges in numbers: each is counted once, where it ends, from what is known of it then.
import type { LimitPlan } from "../config/limit/plan.ts";
import type { MatchPlan, Plan, RoutePlan } from "../config/plan.ts";
import { type ErrorCode, type GatewayError, MEANINGS } from "../errors.ts";
import type { Ending, Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { FAMILIES } from "./families.ts";
import type { Counter, Histogram, Metrics } from "./metrics.ts";
import { errorOf, routePattern, statusOf } from "./outcome.ts";

/** Methods that are told by name (RFC 9110 section 9.3, RFC 5789, RFC 10008); all others are one (OpenTelemetry). */
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE", "_OTHER"];
const OTHER = METHODS.length - 1;
const METHOD_NUMBERS: ReadonlyMap<string, number> = new Map(METHODS.map((method, at) => [method, at]));

/** Of what failed: nothing, an answer that tells of a failure by its status, or a word of the vocabulary. */
const ERROR_TYPES: readonly string[] = ["", "status", ...Object.keys(MEANINGS)];
const ERROR_NUMBERS: ReadonlyMap<string, number> = new Map(ERROR_TYPES.map((type, at) => [type, at]));
const BY_STATUS = 1;

/** Counts exchanges. */
export class ExchangeMetrics {
  readonly #metrics: Metrics;
  readonly #now: () => number;
  readonly #places = new Map<MatchPlan | RoutePlan | undefined, Place>();
  readonly #limits: ReadonlyMap<LimitPlan, Decisions>;
  readonly #ends: (() => void)[];
  #active = 0;

  constructor(metrics: Metrics, { limits, overload }: Pick<Plan, "limits" | "overload">, platform: Platform) {
    this.#metrics = metrics;
    this.#now = () => platform.now();
    this.#limits = new Map(limits.limits.map((limit) => [limit, decisionsOf(metrics, limit)]));
    if (overload !== undefined) metrics.counter(FAMILIES.overloadRefusals, {});
    this.#ends = [metrics.read(FAMILIES.serverActive, {}, () => this.#active)];
  }

  /** An exchange has begun. */
  began(): void {
    this.#active++;
  }

  /** It has ended. */
  ended(x: Exchange, ending: Ending): void {
    this.#active--;
    const error = errorOf(x, ending);
    const place = this.#placeOf(x);
    place.duration(x, statusOf(x, ending), error).observe((this.#now() - x.startedAt) / 1000);
    place.requestSize.observe(ending.bytesIn);
    place.responseSize.observe(ending.bytesOut);
    for (const { limit, allowed } of x.limited) {
      const decisions = this.#limits.get(limit)!;
      if (allowed) decisions.allowed.add();
      else if (limit.observe) decisions.observed.add();
      else decisions.refused.add();
    }
    for (const { policy } of x.observations) {
      this.#metrics.counter(FAMILIES.observed, { route: x.route?.name ?? "", policy }).add();
    }
    const outcome = storeOutcome(x, error);
    if (outcome !== undefined) this.#metrics.counter(FAMILIES.limitStoreErrors, { outcome }).add();
    if (error?.code === "overloaded") this.#metrics.counter(FAMILIES.overloadRefusals, {}).add();
  }

  /** The gateway has ended. What was counted stays. */
  close(): void {
    for (const end of this.#ends) end();
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
  readonly #metrics: Metrics;
  readonly #labels: { readonly "http.route": string; readonly "sluice.route": string };
  readonly #durations = new Map<number, Histogram>();

  constructor(metrics: Metrics, route: RoutePlan | undefined, match: MatchPlan | undefined) {
    this.#metrics = metrics;
    this.#labels = {
      "http.route": (route && routePattern(route, match)) ?? "",
      "sluice.route": route?.name ?? "",
    };
    this.requestSize = metrics.histogram(FAMILIES.requestSize, this.#labels);
    this.responseSize = metrics.histogram(FAMILIES.responseSize, this.#labels);
  }

  /** The series of such an exchange: found by one number, for a text would have to be made at every request. */
  duration({ method, scheme }: Exchange, status: number, error: GatewayError | undefined): Histogram {
    const methodNumber = METHOD_NUMBERS.get(method) ?? OTHER;
    const errorNumber = error === undefined ? (status >= 500 ? BY_STATUS : 0) : ERROR_NUMBERS.get(error.code)!;
    const key =
      ((status * METHODS.length + methodNumber) * ERROR_TYPES.length + errorNumber) * 2 + Number(scheme === "https");
    return this.#durations.get(key) ?? this.#newDuration(key, METHODS[methodNumber]!, scheme, status, error?.code);
  }

  #newDuration(key: number, method: string, scheme: string, status: number, code: ErrorCode | undefined): Histogram {
    const statusText = status === 0 ? "" : String(status);
    const duration = this.#metrics.histogram(FAMILIES.serverDuration, {
      ...this.#labels,
      "http.request.method": method,
      "http.response.status_code": statusText,
      "url.scheme": scheme,
      "error.type": code ?? (status >= 500 ? statusText : ""),
    });
    this.#durations.set(key, duration);
    return duration;
  }
}
