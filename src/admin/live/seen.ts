// What a thread has seen of its exchanges while somebody looked: plain values, which workers send to the main thread.
import type { ErrorCode } from "../../errors.ts";

/** A part of an exchange's time. Milliseconds since its head had come. */
export interface Span {
  readonly name: SpanName;
  readonly from: number;
  readonly to: number;
  /** Of which target, and what came of it: a status, or the failure's code. */
  readonly target?: string;
  readonly outcome?: string;
}

/** What takes the time of exchanges, in the order in which it comes. */
export type SpanName =
  | "limit"
  | "auth"
  | "allow"
  /** For a place of `inFlight`. */
  | "wait"
  /** A delay that was made on purpose. */
  | "fault"
  | "mirror"
  /** Until a connection to a target was there, opened or borrowed. */
  | "connect"
  | "first byte"
  /** An answer of the gateway's own, or of the user's code. */
  | "answer"
  | "body";

/** An exchange that has ended. Texts are cut, and hold no query, no field and no content. */
export interface SeenExchange {
  readonly id: string;
  /** When it began, in milliseconds since the epoch. */
  readonly at: number;
  readonly ms: number;
  readonly method: string;
  readonly path: string;
  /** 0 where there was none. */
  readonly status: number;
  readonly code?: ErrorCode;
  /** What the gateway says of the failure. */
  readonly detail?: string;
  readonly route?: string;
  readonly consumer?: string;
  readonly scheme?: string;
  readonly upstream?: string;
  readonly attempts: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly spans: readonly Span[];
}

/** How far a caller has used a limit. */
export interface LimitUse {
  readonly limit: string;
  /** A name or an address; what may be a credential is not told. */
  readonly caller: string;
  readonly used: number;
  readonly of: number;
  /** Milliseconds until there is more. */
  readonly resetMs: number;
}

/** Since the last time that somebody looked. */
export interface Seen {
  /** Some of them, drawn by lot where there were many; of failures more than of others. */
  readonly exchanges: readonly SeenExchange[];
  /** By route ("" for none): how many took so long, see latencies.ts. */
  readonly durations: ReadonlyMap<string, Uint32Array>;
  /** Callers that have used most of a limit. */
  readonly uses: readonly LimitUse[];
}
