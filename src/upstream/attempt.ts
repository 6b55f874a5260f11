// Attempt: one try at one target, by whichever client. It is its own record.
import type { GatewayError } from "../errors.ts";
import type { AttemptReason, AttemptRecord } from "../exchange.ts";
import type { Content } from "../http/body.ts";
import type { Deadline } from "../http/deadlines.ts";
import type { Attempts } from "./attempts.ts";
import type { UpstreamTarget } from "./upstream.ts";

/** What an attempt is begun with. */
export interface AttemptStart {
  readonly to: UpstreamTarget;
  readonly startedAt: number;
  readonly reason: AttemptReason | undefined;
  readonly content: Content;
  /** Only a connection that has not served before will do. */
  readonly fresh: boolean;
}

/** Makes the attempts of one client. */
export type Client = (attempts: Attempts, start: AttemptStart) => Attempt;

/** One try. It tells its loop once, by `answered` or `failed`, unless it is withdrawn. */
export abstract class Attempt implements AttemptRecord {
  readonly target: string;
  readonly to: UpstreamTarget;
  readonly startedAt: number;
  readonly reason: AttemptReason | undefined;
  readonly content: Content;
  readonly fresh: boolean;
  sentAt = 0;
  settledAt = 0;
  status = 0;
  error: GatewayError | undefined = undefined;
  /** Whether content may have begun to flow. */
  sent = false;
  /** Whether it met a connection that had served before and was dying: no fault of the request's or of the target's. */
  stale = false;
  /** Ends it when it takes too long, where that is asked for. */
  clock: Deadline | undefined = undefined;
  protected readonly attempts: Attempts;

  constructor(attempts: Attempts, { to, startedAt, reason, content, fresh }: AttemptStart) {
    this.attempts = attempts;
    this.to = to;
    this.target = to.plan.url;
    this.startedAt = startedAt;
    this.reason = reason;
    this.content = content;
    this.fresh = fresh;
  }

  /** Sends the request; the loop is told, perhaps before this returns. */
  abstract send(): void;

  /** Takes back what was sent: the loop is told nothing any more. */
  abstract withdraw(): void;
}
