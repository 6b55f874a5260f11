// Ticks of the last minutes, and what whoever looks makes of them: rates, quantiles, what has failed.
import { type ErrorCode, MEANINGS } from "../../errors.ts";
import { addPairs, quantile, STEPS } from "./latencies.ts";
import type { SeenExchange } from "./seen.ts";
import type { OutcomeCount, Tick, UpstreamCount } from "./tick.ts";

/** How far back it remembers. */
const KEEP_MS = 5 * 60_000;
/** Exchanges that it remembers. */
const MOST_EXCHANGES = 1000;

/** A tick without its exchanges, which are kept apart. */
export type Second = Omit<Tick, "exchanges">;

/** What came of exchanges within a time. Durations are milliseconds, undefined where there were none. */
export interface Rates {
  /** Since the process began. */
  readonly total: number;
  readonly perSecond: number;
  /** Answers of 4xx, and failures: a second, and as shares from 0 to 1 of those whose status is known. */
  readonly refusedPerSecond: number;
  readonly failedPerSecond: number;
  readonly refused: number;
  readonly failed: number;
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

/** Of one route; "" for exchanges that found none. */
export interface RouteRates extends Rates {
  readonly route: string;
}

/** Failures of one kind. */
export interface FailureCount extends OutcomeCount {
  readonly status: number;
  /** Within the time. */
  readonly lately: number;
}

/** A target's rates. */
export interface TargetRates {
  readonly perSecond: number;
  readonly failed: number;
}

/** A second of the charts. */
export interface Point {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly perSecond: number;
  /** Failures a second. */
  readonly failed: number;
  readonly p50: number | undefined;
  readonly p90: number | undefined;
  readonly p99: number | undefined;
}

/** What is remembered. Charts and tables are made of it. */
export class History {
  #ticks: Second[] = [];
  #points: Point[] = [];
  #exchanges: readonly SeenExchange[] = [];

  /** The newest tick. */
  get last(): Second | undefined {
    return this.#ticks.at(-1);
  }

  /** One for each tick but the first. */
  get points(): readonly Point[] {
    return this.#points;
  }

  /** The last exchanges that were told of, the newest first; of those that a process had before it began anew, too. */
  get exchanges(): readonly SeenExchange[] {
    return this.#exchanges;
  }

  /** Another second. A process that has begun anew has another past. */
  add({ exchanges, ...tick }: Tick): void {
    if (exchanges.length > 0) {
      this.#exchanges = [...exchanges.toReversed(), ...this.#exchanges].slice(0, MOST_EXCHANGES);
    }
    const before = this.last;
    if (before !== undefined && before.process.startedAtSeconds !== tick.process.startedAtSeconds) {
      this.#ticks = [];
      this.#points = [];
    } else if (before !== undefined) {
      this.#points.push(pointOf(before, tick));
    }
    this.#ticks.push(tick);
    const oldest = tick.at - KEEP_MS;
    this.#ticks = this.#ticks.filter(({ at }) => at >= oldest);
    this.#points = this.#points.filter(({ at }) => at * 1000 >= oldest);
  }

  /** All exchanges. */
  rates(ms: number): Rates {
    const [from, to] = this.#ends(ms);
    return ratesOf(from, to, () => true, this.#durations(ms, undefined));
  }

  /** Those of each route that has had any. */
  routes(ms: number): RouteRates[] {
    const [from, to] = this.#ends(ms);
    const names = new Set(to?.outcomes.map(({ route }) => route));
    return Array.from(names, (route) => ({
      route,
      ...ratesOf(from, to, (each) => each.route === route, this.#durations(ms, route)),
    }));
  }

  /** Answers from 400 on and failures, those of late first. */
  failures(ms: number): FailureCount[] {
    const [from, to] = this.#ends(ms);
    const before = new Map(from?.outcomes.map((each) => [keyOf(each), each.count]));
    return (to?.outcomes ?? [])
      .filter(hasStatus)
      .filter(({ status, code }) => status >= 400 || status === 0 || code !== "")
      .map((each) => ({ ...each, lately: each.count - (before.get(keyOf(each)) ?? 0) }))
      .sort((a, b) => b.lately - a.lately || b.count - a.count);
  }

  /** Attempts at a target. */
  target(ms: number, upstream: string, url: string): TargetRates {
    const [from, to] = this.#ends(ms);
    const now = targetIn(to?.upstreams, upstream, url);
    const before = targetIn(from?.upstreams, upstream, url);
    const attempts = now.attempts - before.attempts;
    const seconds = secondsBetween(from, to);
    return {
      perSecond: seconds === 0 ? 0 : attempts / seconds,
      failed: attempts === 0 ? 0 : (now.failures - before.failures) / attempts,
    };
  }

  /** How much of a time it remembers. */
  seconds(ms: number): number {
    return secondsBetween(...this.#ends(ms));
  }

  /** Processor time, as a share of one core. */
  cpu(ms: number): number {
    const [from, to] = this.#ends(ms);
    const seconds = secondsBetween(from, to);
    return seconds === 0 ? 0 : (to!.process.cpuSeconds - from!.process.cpuSeconds) / seconds;
  }

  /** The newest tick, and the oldest one within the time. */
  #ends(ms: number): [from: Second | undefined, to: Second | undefined] {
    const to = this.last;
    return [to && this.#ticks.find(({ at }) => at >= to.at - ms), to];
  }

  #durations(ms: number, route: string | undefined): Uint32Array {
    const counts = new Uint32Array(STEPS);
    const [from, to] = this.#ends(ms);
    for (const { at, durations } of this.#ticks) {
      // What the first one holds came before it.
      if (from === undefined || (at <= from.at && from !== to)) continue;
      for (const [name, pairs] of durations) if (route === undefined || route === name) addPairs(counts, pairs);
    }
    return counts;
  }
}

function pointOf(from: Second, to: Second): Point {
  const counts = new Uint32Array(STEPS);
  for (const [, pairs] of to.durations) addPairs(counts, pairs);
  const { perSecond, failedPerSecond: failed, p50, p90, p99 } = ratesOf(from, to, () => true, counts);
  return { at: to.at / 1000, perSecond, failed, p50, p90, p99 };
}

function ratesOf(
  from: Second | undefined,
  to: Second | undefined,
  isWanted: (each: OutcomeCount) => boolean,
  durations: Uint32Array,
): Rates {
  const count = (tick: Second | undefined, is: (each: OutcomeCount) => boolean): number =>
    (tick?.outcomes ?? []).reduce((sum, each) => sum + (isWanted(each) && is(each) ? each.count : 0), 0);
  const lately = (is: (each: OutcomeCount) => boolean): number => count(to, is) - count(from, is);
  const isAny = (): boolean => true;
  const seconds = secondsBetween(from, to);
  const perSecond = (many: number): number => (seconds === 0 ? 0 : many / seconds);
  const [known, refused, failed] = [lately(hasStatus), lately(isRefused), lately(hasFailed)];
  return {
    total: count(to, isAny),
    perSecond: perSecond(lately(isAny)),
    refusedPerSecond: perSecond(refused),
    failedPerSecond: perSecond(failed),
    refused: known === 0 ? 0 : refused / known,
    failed: known === 0 ? 0 : failed / known,
    p50: quantile(durations, 0.5),
    p90: quantile(durations, 0.9),
    p99: quantile(durations, 0.99),
  };
}

/** As the log and traces have it: an answer from 500 on, none, or one that an upstream or the gateway broke off. */
function hasFailed({ status, code }: OutcomeCount): boolean {
  if (status === undefined) return false;
  return status >= 500 || status === 0 || (code !== "" && MEANINGS[code as ErrorCode]?.fault !== "client");
}

function isRefused(each: OutcomeCount): boolean {
  return hasStatus(each) && each.status >= 400 && !hasFailed(each);
}

function hasStatus(each: OutcomeCount): each is OutcomeCount & { readonly status: number } {
  return each.status !== undefined;
}

function secondsBetween(from: Second | undefined, to: Second | undefined): number {
  return from === undefined || to === undefined ? 0 : Math.max(0, (to.at - from.at) / 1000);
}

function keyOf({ route, status, code }: OutcomeCount): string {
  return `${status} ${code} ${route}`;
}

function targetIn(
  upstreams: readonly UpstreamCount[] | undefined,
  name: string,
  url: string,
): { readonly attempts: number; readonly failures: number } {
  const target = upstreams?.find((each) => each.name === name)?.targets.find((each) => each.url === url);
  return target ?? { attempts: 0, failures: 0 };
}

/** Seconds that a chart shows: at first the least, then as many as there are. */
const LEAST_SPAN = 60;
const MOST_SPAN = 300;

/** From when to when a chart goes whose points are at these times, in seconds and ascending; null where there are none. */
export function shownSpan(times: ArrayLike<number>): [from: number, to: number] | [null, null] {
  if (times.length === 0) return [null, null];
  const to = times[times.length - 1]!;
  const span = Math.min(MOST_SPAN, Math.max(LEAST_SPAN, to - times[0]!));
  return [to - span, to];
}
