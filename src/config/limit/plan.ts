// The part of the plan that says how much is let through.
import type { CallerByPlan, TlsPlan } from "../plan.ts";
import type { Secret } from "../secrets.ts";
import type { LimitExchange } from "./options.ts";

/** What tells the callers of a limit apart. */
export type LimitByPlan =
  | Exclude<CallerByPlan, { kind: "cookie" }>
  | { readonly kind: "route" }
  | { readonly kind: "claim"; readonly claim: string }
  | { readonly kind: "function"; readonly of: (x: LimitExchange) => string | undefined };

/** One limit of the config. */
export interface LimitPlan {
  /** The limit's name in the config. */
  readonly name: string;
  readonly limit: number;
  /** A sliding window in milliseconds, or a calendar period. */
  readonly span: { readonly windowMs: number } | { readonly per: "day" | "month"; readonly timeZone: string };
  readonly by: LimitByPlan;
  readonly cost: number | ((x: LimitExchange) => number);
  /** Whether an answer of this status counts; undefined: all do. */
  readonly counts: ((status: number) => boolean) | undefined;
  readonly observe: boolean;
  /** Whether it is counted in the store that gateways share. */
  readonly shared: boolean;
}

/** A Redis in which gateways count together. */
export interface RedisStorePlan {
  readonly kind: "redis";
  readonly host: string;
  readonly port: number;
  /** How TLS is spoken; undefined for plain TCP. */
  readonly tls: TlsPlan | undefined;
  readonly user: string | undefined;
  readonly password: Secret | undefined;
  readonly database: number;
  /** What the keys in Redis begin with. */
  readonly prefix: string;
  /** Longest wait for one decision, in milliseconds. */
  readonly timeoutMs: number;
  readonly onError: "refuse" | "local";
}

/** Durable Objects of Cloudflare in which gateways count together. */
export interface DurableObjectStorePlan {
  readonly kind: "durable-object";
  /** Name of the binding in the Worker's `env`. */
  readonly binding: string;
  /** Longest wait for one decision, in milliseconds. */
  readonly timeoutMs: number;
  readonly onError: "refuse" | "local";
}

/** A store in which several gateways count together. */
export type LimitStorePlan = RedisStorePlan | DurableObjectStorePlan;

/** Limits of the whole gateway. */
export interface LimitsPlan {
  readonly fields: "draft" | "legacy" | "both" | false;
  readonly capacity: number;
  readonly store: LimitStorePlan | undefined;
  /** Absolute path of the file in which counts survive a restart. */
  readonly snapshot: string | undefined;
  /** All limits by name, in the order of the config. */
  readonly limits: readonly LimitPlan[];
}

/** A cap on all exchanges under way. */
export interface OverloadPlan {
  readonly maxInFlight: number;
  /** Paths, some with a last `/*`. */
  readonly exempt: readonly string[];
  readonly retryAfterSeconds: number;
}

/** A bound for exchanges under way at once. */
export interface InFlightPlan {
  /** The bound's name in the config. */
  readonly name: string;
  readonly max: number;
  readonly by: LimitByPlan | { readonly kind: "upstream" };
  readonly queue: number;
  readonly waitMs: number;
  readonly observe: boolean;
}
