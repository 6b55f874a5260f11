// What all connections of a listener share.
import type { ListenPlan } from "../config/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Answer, Ending, Exchange } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { Fields } from "../http/fields.ts";
import type { HeadLimits } from "../http/message.ts";
import type { Platform } from "../platform.ts";
import type { Connection } from "./connection.ts";

/** The way an exchange takes, as the listener sees it. */
export interface Way {
  /** Sends an exchange its way. `send` is called exactly once, perhaps before this returns. Never throws. */
  travel(x: Exchange, send: (answer: Answer) => void): void;
  /** The answer to what cannot travel. */
  refuse(x: Exchange, error: GatewayError): Answer;
  /** The exchange is over. Called exactly once. */
  finish(x: Exchange, ending: Ending): void;
}

/** One for each listener. */
export interface Shared {
  readonly way: Way;
  readonly plan: ListenPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  readonly noFields: Fields;
  readonly draining: boolean;
  /** Text of a Date field for now. */
  date(): string;
  /** The connection is gone, or its tunnel is. */
  closed(connection: Connection): void;
  /** Nobody will read this answer. */
  discard(answer: Answer): void;
}
