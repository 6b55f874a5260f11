// What all connections of a listener share.
import type { ListenPlan, RoutePlan } from "../config/plan.ts";
import type { GatewayError } from "../errors.ts";
import type { Way } from "../exchange.ts";
import type { Deadlines } from "../http/deadlines.ts";
import type { HeadLimits } from "../http/message.ts";
import type { Platform } from "../platform.ts";

/** A client that is about to ask again when the gateway accepts no more has so long to do it. */
export const LAST_MS = 250;
/** Content of a request that has arrived with its head, up to this size, is handed on as bytes: it can be sent again. */
export const REQUEST_AT_ONCE = 64 * 1024;

/** What a listener knows of a connection. */
export interface Guest {
  /** Nobody else is let in: close soon if nobody is served, else after the answer. */
  drain(): void;
  /** Ends whatever runs. */
  cut(): void;
  /** Other routes hold from now on: a tunnel ends whose route is none of them. */
  reroute(stays: Stays): void;
}

/** Whether a route of an earlier plan is still one. */
export type Stays = (route: RoutePlan) => boolean;

/** What has taken a client's socket over from its connection. */
export interface Successor {
  /** Ends it at once, for this reason. */
  cut(error: GatewayError): void;
  reroute(stays: Stays): void;
}

/** One for each listener. */
export interface Shared {
  readonly way: Way;
  /** The bounds that hold now. */
  readonly plan: ListenPlan;
  readonly platform: Platform;
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  /** Whether a route is one of those that hold now. */
  readonly stays: Stays;
  /** The gateway shuts down: each answer is the last on its connection. */
  readonly leaving: boolean;
  /** Text of a Date field for now. */
  date(): string;
  /** The connection is gone, or its tunnel is. */
  closed(guest: Guest): void;
}
