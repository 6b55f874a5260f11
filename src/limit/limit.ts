// The stage that limits: every limit of the route must let the exchange pass, and what it counts it counts at once.
import type { LimitPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Limited, Stage } from "../exchange.ts";
import { retryAfterSeconds } from "../http/retry-after.ts";
import type { Platform } from "../platform.ts";
import { calendar } from "./calendar.ts";
import { costOf, countedBy } from "./counted-by.ts";
import { type HashKey, keyOf } from "../http/key-hash.ts";
import type { Limiter } from "./limiter.ts";
import type { Ask } from "./store.ts";
import { type WindowRule, windowRule } from "./window.ts";

/** A limit of the plan as it runs: it counts exchanges, or says what is left. */
export interface RunningLimit {
  readonly plan: LimitPlan;
  /** Counts the exchange if it fits. Undefined: the exchange is none that this limit counts. */
  take(x: Exchange): Limited | undefined;
  /** What stands for whoever asks. Undefined: the exchange is none that this limit counts. */
  callerOf(x: Exchange): string | undefined;
  /** What is left for a caller, without counting anything. */
  left(caller: string): number;
  /** Forgets what it has counted for a caller: in the period that runs, where the calendar has periods. */
  reset(caller: string): void;
  /** What a store is asked in place of that. @param wall milliseconds since the epoch */
  ask(x: Exchange, wall: number): Ask | undefined;
  /** What it is asked about a caller, for nothing. */
  askAbout(caller: string, wall: number): Ask;
}

/**
 * Brings a limit to life. Its count belongs to its name and rule, whichever routes name it: with another rule it begins
 * anew, for what is counted is kept in parts of the rule.
 * @param clock of the table, milliseconds
 */
export function runLimit(
  plan: LimitPlan,
  limiter: Limiter,
  secret: HashKey,
  clock: () => number,
  platform: Pick<Platform, "wallClock">,
): RunningLimit {
  const key = keyOf(secret, `${plan.name} ${plan.limit} ${JSON.stringify(plan.span)}`);
  const textOf = countedBy(plan.by);
  const unitsOf = costOf(plan);
  const askFor = (text: string, units: number, wall: number): Ask => {
    const { rule, prefix, endsInMs } = spanOf(wall);
    return { limit: plan, text: prefix + text, units, windowMs: rule.windowMs, endsInMs };
  };
  const spanOf = "windowMs" in plan.span ? windowSpan(plan, plan.span.windowMs) : quotaSpan(plan);
  return {
    plan,
    take(x) {
      const text = textOf(x);
      if (text === undefined) return undefined;
      const units = unitsOf(x);
      const now = clock();
      const { rule, prefix, endsInMs } = spanOf(platform.wallClock());
      const counted = prefix + text;
      const allowed = limiter.take(rule, key, counted, units, now);
      const { remaining, resetMs } = limiter.decision;
      const giveBack = (): void => {
        const later = clock();
        // What has left the window counts no more: giving it back would free what came after it.
        if (later - now <= rule.windowMs) limiter.giveBack(rule, key, counted, units, later);
      };
      return {
        limit: plan,
        allowed,
        remaining,
        resetMs: endsInMs ?? resetMs,
        giveBack: allowed && units > 0 ? giveBack : undefined,
      };
    },
    callerOf: textOf,
    left(caller) {
      const { rule, prefix } = spanOf(platform.wallClock());
      return limiter.remaining(rule, key, prefix + caller, clock());
    },
    reset: (caller) => limiter.reset(key, spanOf(platform.wallClock()).prefix + caller),
    ask(x, wall) {
      const text = textOf(x);
      return text === undefined ? undefined : askFor(text, unitsOf(x), wall);
    },
    askAbout: (caller, wall) => askFor(caller, 0, wall),
  };
}

/** What is asked at this moment. */
interface Span {
  readonly rule: WindowRule;
  /** Before the text: another one is another count. */
  readonly prefix: string;
  /** When the count begins anew, where the calendar says it. */
  readonly endsInMs: number | undefined;
}

function windowSpan({ limit }: LimitPlan, windowMs: number): () => Span {
  const span = { rule: windowRule(limit, windowMs), prefix: "", endsInMs: undefined };
  return () => span;
}

/** A period is a count of its own: its name stands before the text, and it is remembered for as long as it lasts. */
function quotaSpan({ limit, span }: LimitPlan): (wall: number) => Span {
  const { per, timeZone } = span as Extract<LimitPlan["span"], { per: string }>;
  const periodOf = calendar(per, timeZone);
  const rule = windowRule(limit, (per === "day" ? 2 : 33) * 86_400_000);
  return (wall) => {
    const { name, endsAt } = periodOf(wall);
    return { rule, prefix: `${name} `, endsInMs: endsAt - wall };
  };
}

/**
 * Makes the stage. The first limit that refuses ends the way with 429; what the limits before it counted is given back.
 * Limits that observe count, and their refusals are noted.
 */
export function limitStage(limits: readonly RunningLimit[]): Stage {
  return (x) => {
    const said: Limited[] = [];
    takeAll(limits, x, said);
    note(x, said);
  };
}

/** Takes of each limit and adds what it said. @throws GatewayError when one refuses, see {@link refuse} */
export function takeAll(limits: readonly RunningLimit[], x: Exchange, said: Limited[]): void {
  for (const limit of limits) {
    const taken = limit.take(x);
    if (taken === undefined) continue;
    said.push(taken);
    if (taken.allowed) continue;
    if (limit.plan.observe) observe(x, taken.limit, refusalOf(taken));
    else refuse(x, said, refusalOf(taken));
  }
}

/** Tells the log what would have been refused. */
export function observe(x: Exchange, { name }: LimitPlan, error: GatewayError): void {
  x.observe(`limits.${name}`, error);
}

/** Keeps what limits said for the answer. */
export function note(x: Exchange, said: readonly Limited[]): void {
  if (said.length > 0) x.limited = x.limited.length === 0 ? said : [...x.limited, ...said];
}

/** Gives back what was counted and ends the way. @throws the error */
export function refuse(x: Exchange, said: readonly Limited[], error: GatewayError): never {
  for (const other of said) other.giveBack?.();
  note(
    x,
    said.map((each) => (each.giveBack === undefined ? each : { ...each, giveBack: undefined })),
  );
  throw error;
}

/** 429, with all that it should say. */
export function refusalOf({ limit, resetMs }: Limited): GatewayError {
  const seconds = retryAfterSeconds(resetMs);
  return new GatewayError("rate_limit_exceeded", `limits.${limit.name}: over ${limit.limit}`, {
    fields: Number.isFinite(seconds) ? [["Retry-After", String(seconds)]] : [],
    members: {
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      "violated-policies": [limit.name],
    },
  });
}
