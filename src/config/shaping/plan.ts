// The part of the plan that says how traffic is shaped.
import type { AnswerDestination, CallerByPlan, RewritePlan, UpstreamDestination } from "../plan.ts";
import type { UpstreamPlan } from "../upstream/plan.ts";

/** Which requests are meant: see WhenOptions. Names of fields are lower case. */
export interface WhenPlan {
  readonly headers: readonly (readonly [name: string, value: string | true])[];
  readonly cookies: readonly (readonly [name: string, value: string | true])[];
  /** Names of consumers that are meant; undefined for any caller. */
  readonly consumers: readonly string[] | undefined;
  readonly groups: readonly string[] | undefined;
}

/** One upstream of a split. */
export interface BranchPlan {
  readonly weight: number;
  readonly when: WhenPlan | undefined;
  readonly leadsTo: UpstreamDestination;
}

/** Several upstreams, each at most once, one of them with a weight above 0. */
export interface SplitDestination {
  readonly kind: "split";
  readonly branches: readonly BranchPlan[];
  /** Who keeps to a branch; undefined: nobody. */
  readonly by: CallerByPlan | undefined;
  /** The rewrite of the path, the same for every branch. */
  readonly rewrite: RewritePlan | undefined;
}

/** An upstream that gets copies of a route's requests. */
export interface MirrorPlan {
  readonly upstream: UpstreamPlan;
  /** The share of requests that is copied, from 0 to 1. */
  readonly share: number;
  readonly maxInFlight: number;
  readonly maxBody: number;
  readonly timeoutMs: number;
}

/** What is used when an upstream has no answer. */
export interface FallbackPlan {
  /** Statuses in whose place it is used too. */
  readonly on: readonly number[];
  readonly leadsTo: { readonly kind: "upstream"; readonly name: string } | AnswerDestination;
}

/** A fallback as a route uses it, with the route's options for the other upstream. */
export interface FallbackDestination {
  readonly on: readonly number[];
  readonly leadsTo: UpstreamDestination | AnswerDestination;
}

/** Faults that a route makes on purpose. Shares are from 0 to 1. */
export interface FaultsPlan {
  readonly delay: { readonly ms: number; readonly share: number } | undefined;
  readonly abort: { readonly status: number; readonly share: number } | undefined;
  /** Undefined: all requests may meet them. */
  readonly when: WhenPlan | undefined;
}
