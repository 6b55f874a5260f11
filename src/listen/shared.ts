// What all connections of a listener share.
import type { ListenPlan } from "../config/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Answer, Ending, Exchange } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { HeadLimits } from "../http/message.ts";
import type { Platform } from "../platform.ts";

/** The way an exchange takes, as the listener sees it. */
export interface Way {
  /** Sends an exchange its way. `send` is called exactly once, perhaps before this returns. Never throws. */
  travel(x: Exchange, send: (answer: Answer) => void): void;
  /** The answer to what cannot travel. */
  refuse(x: Exchange, error: GatewayError): Answer;
  /** The exchange is over. Called exactly once. */
  finish(x: Exchange, ending: Ending): void;
}

/** What a listener knows of a connection. */
export interface Guest {
  /** The gateway shuts down: close now if nobody is served, else after the answer. */
  drain(): void;
  /** Ends whatever runs. */
  cut(): void;
}

/** One for each listener. */
export interface Shared {
  readonly way: Way;
  readonly plan: ListenPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  readonly draining: boolean;
  /** Text of a Date field for now. */
  date(): string;
  /** The connection is gone, or its tunnel is. */
  closed(guest: Guest): void;
  /** Nobody will read this answer. */
  discard(answer: Answer): void;
}
