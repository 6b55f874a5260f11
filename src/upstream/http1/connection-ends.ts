// What a connection to a target works with: the request it sends, who is told of the answer, and where it goes then.
import type { Answer } from "../../answer.ts";
import type { TimeoutsPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { Content } from "../../http/body.ts";
import type { Deadlines } from "../../http/deadlines.ts";
import type { HeadLimits } from "../../http/message.ts";
import type { Connection } from "./connection.ts";

/** A request ready to be sent. */
export interface Outgoing {
  readonly method: string;
  /** Request line and fields, with the empty line. */
  readonly head: string;
  readonly content: Content;
  /** Whether the target may see a trailer field of this name (lower case). Undefined: all that the listener lets pass. */
  readonly trails: ((key: string) => boolean) | undefined;
  /** The protocol the request asks to switch to, or "". */
  readonly upgrade: string;
  readonly timeouts: TimeoutsPlan;
}

/** Told once what became of a request. */
export interface Receiver {
  /** The final head has come; content may still be on its way. */
  answered(answer: Answer): void;
  /** No answer. `error.retry` says whether the request may be sent again. */
  failed(error: GatewayError): void;
}

/** What an attempt borrows: a connection of its own, or a place on one that others share. */
export interface Lent {
  /** Whether an answer has come on the connection before. */
  readonly reused: boolean;
  /** Sends a request. Once. */
  send(request: Outgoing, receiver: Receiver): void;
  /** Gives it back unused. */
  release(): void;
  /** Ends what runs. Nobody is told. */
  destroy(): void;
}

/** Wants to borrow. Told once, perhaps before `acquire` returns. */
export interface Borrower {
  ready(lent: Lent): void;
  failed(error: GatewayError): void;
}

/** A wish to borrow that can be taken back. */
export interface Wish {
  cancel(): void;
}

/**
 * Which connection will do. `fresh`: none that has served, for a second try when one of those has just failed. `quiet`: one
 * that has served only if, as far as the kernel knows, its target has not left it: for what cannot be sent twice.
 */
export type Need = "any" | "quiet" | "fresh";

/** All connections to one target. */
export interface Lender {
  /** Connections open, and how many of them are idle. */
  readonly counts: { readonly open: number; readonly idle: number };
  acquire(borrower: Borrower, connectMs: number, need: Need): Wish | undefined;
  /** Closes what is idle and keeps nothing any more. */
  close(): void;
}

/** Where a connection goes when it has served, or is gone. */
export interface Home {
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  /** Free for another request. */
  release(connection: Connection): void;
  /** Gone. Called once. */
  closed(connection: Connection): void;
}
