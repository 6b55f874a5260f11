// The stage that limits: every limit of the route must let the exchange pass, and what it counts it counts at once.
import type { LimitPlan } from "../config/limit/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, Limited, Stage } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { calendar } from "./calendar.ts";
import { costOf, countedBy } from "./counted-by.ts";
import { type HashKey, keyOf } from "./key-hash.ts";
import type { Limiter } from "./limiter.ts";
import { type WindowRule, windowRule } from "./window.ts";

/** A limit as it runs. */
export interface RunningLimit {
  readonly plan: LimitPlan;
  /** Counts the exchange if it fits. Undefined: the exchange is none that this limit counts. */
  take(x: Exchange): Taken | undefined;
}

/** What a limit decided. */
export interface Taken extends Limited {
  readonly allowed: boolean;
}

/** Brings a limit to life. Its count belongs to its name, whichever routes name it. */
export function runLimit(plan: LimitPlan, limiter: Limiter, secret: HashKey, platform: Platform): RunningLimit {
  const key = keyOf(secret, plan.name);
  const textOf = countedBy(plan.by);
  const unitsOf = costOf(plan);
  const spanOf = "windowMs" in plan.span ? windowSpan(plan, plan.span.windowMs, platform) : quotaSpan(plan, platform);
  return {
    plan,
    take(x) {
      const text = textOf(x);
      if (text === undefined) return undefined;
      const units = unitsOf(x);
      const { rule, now, prefix, endsInMs } = spanOf();
      const counted = prefix + text;
      const allowed = limiter.take(rule, key, counted, units, now);
      const { remaining, resetMs } = limiter.decision;
      return {
        limit: plan,
        allowed,
        remaining,
        resetMs: endsInMs ?? resetMs,
        giveBack: allowed && units > 0 ? () => limiter.giveBack(rule, key, counted, units, now) : undefined,
      };
    },
  };
}

/** What is asked of the table at this moment. */
interface Span {
  readonly rule: WindowRule;
  readonly now: number;
  /** Before the text: another one is another count. */
  readonly prefix: string;
  /** When the count begins anew, where the calendar says it. */
  readonly endsInMs: number | undefined;
}

function windowSpan({ limit }: LimitPlan, windowMs: number, platform: Platform): () => Span {
  const rule = windowRule(limit, windowMs);
  return () => ({ rule, now: platform.now(), prefix: "", endsInMs: undefined });
}

/** A period is a count of its own: its name stands before the text, and it is remembered for as long as it lasts. */
function quotaSpan({ limit, span }: LimitPlan, platform: Platform): () => Span {
  const { per, timeZone } = span as Extract<LimitPlan["span"], { per: string }>;
  const periodOf = calendar(per, timeZone);
  const rule = windowRule(limit, (per === "day" ? 2 : 33) * 86_400_000);
  return () => {
    const wall = platform.wallClock();
    const { name, endsAt } = periodOf(wall);
    return { rule, now: platform.now(), prefix: `${name} `, endsInMs: endsAt - wall };
  };
}

/**
 * Makes the stage. The first limit that refuses ends the way with 429; what the limits before it counted is given back.
 * Limits that observe count, and their refusals are noted.
 */
export function limitStage(limits: readonly RunningLimit[]): Stage {
  return (x) => {
    const said: Taken[] = [];
    for (const limit of limits) {
      const taken = limit.take(x);
      if (taken === undefined) continue;
      said.push(taken);
      if (taken.allowed) continue;
      const error = refusalOf(taken);
      if (limit.plan.observe) {
        x.observations = [...x.observations, { policy: `limits.${limit.plan.name}`, error }];
        continue;
      }
      for (const other of said) other.giveBack?.();
      x.limited = [...x.limited, ...said.map((each) => (each === taken ? each : { ...each, giveBack: undefined }))];
      throw error;
    }
    if (said.length > 0) x.limited = x.limited.length === 0 ? said : [...x.limited, ...said];
  };
}

function refusalOf({ limit, resetMs }: Taken): GatewayError {
  const seconds = Math.max(1, Math.ceil(resetMs / 1000));
  return new GatewayError("rate_limit_exceeded", `limits.${limit.name}: over ${limit.limit}`, {
    fields: Number.isFinite(seconds) ? [["Retry-After", String(seconds)]] : [],
    members: {
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      "violated-policies": [limit.name],
    },
  });
}
