// What a connection to a target works with: the request it sends, who is told of the answer, and where it goes then.
import type { TimeoutsPlan } from "../../config/upstream/plan.ts";
import type { GatewayError } from "../../errors.ts";
import type { Answer } from "../../exchange.ts";
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

/** Where a connection goes when it has served, or is gone. */
export interface Home {
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  /** Free for another request. */
  release(connection: Connection): void;
  /** Gone. Called once. */
  closed(connection: Connection): void;
}
