// What a user writes about limits: how many requests, of whom, in which time.
import type { AllowExchange } from "../auth/options.ts";
import type { Duration } from "../options.ts";

/** What a function of a limit is told. */
export type LimitExchange<I = unknown> = AllowExchange<Readonly<Record<string, string>>, I>;

/**
 * By what requests are counted, each value for itself:
 * - `"address"`: the client's address, an IPv6 address by its /64. Counted before `auth`.
 * - `"consumer"`: the consumer; where none is known, the caller's own name at its issuer, else the address.
 * - `"route"`: the route. All callers share it.
 * - `{ header }`, `{ claim }`: the value of a request field or of a claim; requests without it share one count.
 * - a function: the text it returns; `undefined` is not limited.
 */
export type LimitBy<I = unknown> =
  | "address"
  | "consumer"
  | "route"
  | { readonly header: string }
  | { readonly claim: string }
  | ((x: LimitExchange<I>) => string | undefined);

/** What limits of both kinds have. */
interface LimitCommon<I> {
  /** Most requests, or units of `cost`, from 1 to 1,000,000. */
  limit: number;
  /** What tells callers apart: each has a count of its own. Default: `"address"`. */
  by?: LimitBy<I>;
  /** What a request costs: a whole number from 0 on, or a function that gives it. Default: `1`. */
  cost?: number | ((x: LimitExchange<I>) => number);
  /** Count only requests that are answered with one of these: a status, or a class such as `"4xx"`. Default: all. */
  statuses?: readonly (number | `${1 | 2 | 3 | 4 | 5}xx`)[];
  /** `"observe"` counts and logs, and refuses nobody. Default: `"enforce"`. */
  mode?: "enforce" | "observe";
  /** `"process"`: counted in this process although there is a `limiting.store`. Default: in the store, where there is one. */
  store?: "process";
}

/** Where counts are kept beyond one process. Made by a function of its kind: `redis(…)`. */
export class LimitStoreOptions {
  /** Which kind: "redis", "durable-object". */
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;

  constructor(kind: string, options: object) {
    this.kind = kind;
    this.options = { ...options };
  }
}

/** A limit in a sliding window: in no span of `window` are more let through. */
export interface WindowLimit<I = unknown> extends LimitCommon<I> {
  /** Length of the sliding window, from `"1s"` to `"24d"`. */
  window: Duration;
  per?: never;
  timeZone?: never;
}

/** A quota of a calendar day or month, which begins anew at midnight. */
export interface QuotaLimit<I = unknown> extends LimitCommon<I> {
  per: "day" | "month";
  /** The time zone whose midnight it is, by its name: `"Europe/Berlin"`. Default: `"UTC"`. */
  timeZone?: string;
  window?: never;
}

/** One limit. Routes name those that hold for them; a limit that several routes name is one count. */
export type LimitOptions<I = unknown> = WindowLimit<I> | QuotaLimit<I>;

/** How answers tell of limits, and how much is remembered. */
export interface LimitSettings {
  /**
   * Fields of the answers of limited routes. `"draft"`: `RateLimit` and `RateLimit-Policy`
   * (draft-ietf-httpapi-ratelimit-headers-10). `"legacy"`: `X-RateLimit-Limit`, `-Remaining` and `-Reset` in seconds from
   * now. `false`: none but `Retry-After` of a refusal. Default: `"draft"`.
   */
  fields?: "draft" | "legacy" | "both" | false;
  /** Callers that are remembered at once, 64 bytes each, for all limits together. Default: `131072`. */
  capacity?: number;
  /** Where counts are kept that several gateways share: `redis("redis://…")`, or
   * `durableObject("LIMITS")` on Cloudflare. Default: each process counts for itself. */
  store?: LimitStoreOptions;
  /**
   * A file in which the process's own counts survive a restart: written at drain, read at start. A relative path begins at
   * the config's folder. Default: none.
   */
  snapshot?: string;
}

/** A cap on all exchanges under way at once. */
export interface OverloadOptions {
  /** Most at once in this process, tunnels included; more are answered with 503 at once. */
  maxInFlight: number;
  /** Paths that are answered all the same, such as those of health checks: `"/readyz"`, or `"/health/*"` for all below. */
  exempt?: readonly string[];
  /** What `Retry-After` says. Default: `"1s"`. */
  retryAfter?: Duration;
}

/** A bound for exchanges under way at once. */
export interface InFlightOptions<I = unknown> {
  /** Most at once, for each value. */
  max: number;
  /** As for limits; `"upstream"` counts all exchanges to an upstream together. Default: `"address"`. */
  by?: LimitBy<I> | "upstream";
  /** Most that wait for a place, for each value, first come first served. Default: `0`, nobody waits. */
  queue?: number;
  /** How long one waits. Default: `"1s"`. */
  wait?: Duration;
  /** `"observe"` counts and logs, and refuses nobody. Default: `"enforce"`. */
  mode?: "enforce" | "observe";
}
