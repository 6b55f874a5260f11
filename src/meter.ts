// The meter: what the parts of a gateway count, brought to the registry.
import type { Verdict } from "./auth/scheme.ts";
import type { Keep } from "./carried.ts";
import type { Plan } from "./config/plan.ts";
import { GatewayError } from "./errors.ts";
import { Answer } from "./exchange.ts";
import type { InFlight } from "./limit/in-flight.ts";
import type { Limiter } from "./limit/limiter.ts";
import { entriesIn } from "./limit/table.ts";
import type { Listeners } from "./listen/listeners.ts";
import type { Platform, Timer } from "./platform.ts";
import { ExchangeMetrics } from "./record/exchange-metrics.ts";
import { FAMILIES } from "./record/families.ts";
import type { Counter, Metrics } from "./record/metrics.ts";
import type { Counts } from "./shared.ts";

/** How often it is looked how late timers are. */
const LOOK_MS = 500;

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

/**
 * Lets be read what outlives a plan: each thing once, whichever plans have it.
 * @param own the counts, where they are this gateway's alone
 */
export function meterCarried(
  metrics: Metrics,
  limiter: Limiter | undefined,
  own: Counts | undefined,
  platform: Platform,
  keep: Keep,
): void {
  const kept = (name: string, madeOf: unknown, begin: () => End): void =>
    void keep(`metrics.${name}`, madeOf, begin, (end) => end());
  const { linesLost } = platform;
  kept("loop", undefined, () => watchLoop(metrics, platform));
  if (linesLost !== undefined) kept("log", undefined, () => metrics.read(FAMILIES.logLinesDropped, {}, linesLost));
  if (own !== undefined) kept("counts", own, () => meterCounts(metrics, own, platform));
  if (limiter === undefined) return;
  kept("limiter", limiter, () => metrics.read(FAMILIES.limitEvictions, {}, () => limiter.table.counts.evicted));
}

/** Lets the table of limits be read. */
export function meterCounts(metrics: Metrics, { memory, ahead }: Counts, platform: Pick<Platform, "now">): End {
  const entries = (): number => entriesIn(memory, platform.now() + ahead);
  return all(
    metrics.read(FAMILIES.limitEntries, {}, entries),
    metrics.read(FAMILIES.limitCapacity, {}, () => memory.tags.length / 2),
  );
}

/** Lets the connections of clients be read. */
export function meterListeners(metrics: Metrics, listeners: Listeners): End {
  return all(
    metrics.read(FAMILIES.connections, {}, () => listeners.connections),
    metrics.read(FAMILIES.connectionsRefused, {}, () => listeners.turnedAway),
  );
}

function meterBound(metrics: Metrics, { plan, counts }: InFlight): End[] {
  const decisions = (["allowed", "refused", "observed"] as const).map((decision) =>
    metrics.read(FAMILIES.inFlightDecisions, { bound: plan.name, decision }, () => counts[decision]),
  );
  return [...decisions, metrics.read(FAMILIES.inFlightWaiting, { bound: plan.name }, () => counts.waiting)];
}

function watchLoop(metrics: Metrics, platform: Platform): End {
  const delay = metrics.histogram(FAMILIES.eventLoopDelay, {});
  let timer: Timer;
  const wait = (): void => {
    const due = platform.now() + LOOK_MS;
    timer = platform.setTimer(() => {
      delay.observe(Math.max(0, platform.now() - due) / 1000);
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
