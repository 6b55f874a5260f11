// What a user writes to shape traffic: which of several upstreams a request goes to, who gets a copy, and faults for tests.
import type { AnyNames, Duration, FixedAnswer, Names, Size } from "../options.ts";

/** Which requests are meant: all that is given must hold. */
export interface WhenOptions<N extends Names = AnyNames> {
  /** Fields that must be there (`true`) or have this value. */
  header?: Readonly<Record<string, string | true>>;
  /** Cookies that must be there (`true`) or have this value. */
  cookie?: Readonly<Record<string, string | true>>;
  /** Consumers, any one of which calls. */
  consumer?: N["consumer"] | readonly N["consumer"][];
  /** Groups, any one of which the consumer is in. */
  group?: N["group"] | readonly N["group"][];
}

/** One upstream of a split. */
export interface BranchOptions<N extends Names = AnyNames> {
  /** The name of an upstream, each at most once in a split. */
  to: N["upstream"];
  /** Share of requests relative to the other branches, a whole number; 0 gets none. Default: `1`, and `0` beside `when`. */
  weight?: number;
  /** Requests that come here whatever the weights. The first branch whose conditions hold has them. */
  when?: WhenOptions<N>;
}

/** An upstream that gets copies of a route's requests. Nobody waits for its answers, and they are dropped. */
export interface MirrorOptions<N extends Names = AnyNames> {
  /** Name of an upstream; none that the route itself leads to. */
  to: N["upstream"];
  /** Share of the requests, from 0 to 1. Default: `1`, all of them. */
  share?: number;
  /** Most copies under way at once, in each worker; more are dropped. Default: `64`. */
  maxInFlight?: number;
  /** Most bytes of content; requests with more are not copied. Default: `"64KiB"`. */
  maxBody?: Size;
  /** How long a copy may take, to the end of its answer. Default: `"10s"`. */
  timeout?: Duration;
}

/** What fallbacks have. */
interface FallbackCommon {
  /** Statuses of answers, from 400 to 599, in whose place it is used too. Default: none, an answer is an answer. */
  on?: readonly number[];
}

/** Another upstream that is asked when this one has no answer, if the request can be sent once more. */
export interface UpstreamFallback<U extends string = string> extends FallbackCommon {
  /** The name of the upstream that is asked instead. */
  to: U;
  answer?: never;
}

/** What the client gets when an upstream has no answer. */
export interface AnswerFallback extends FallbackCommon {
  answer: FixedAnswer;
  to?: never;
}

/** Faults that a route makes on purpose, to see how clients bear them. For tests: `check` and `run` warn of it. */
export interface FaultOptions<N extends Names = AnyNames> {
  /** Waits for so long before anything else is done. `share` of the requests, from 0 to 1. Default: `1`, all of them. */
  delay?: { by: Duration; share?: number };
  /** Answers with this status, from 400 to 599, in the upstream's place. `share` as for `delay`, which goes before. */
  abort?: { status: number; share?: number };
  /** Which requests may meet them. Default: all. */
  when?: WhenOptions<N>;
}
