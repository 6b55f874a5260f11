// What follows a failed attempt: nothing, another target, a fresh connection, or a retry. Pure.
import type { RetriesPlan } from "../config/upstream/plan.ts";
import type { GatewayError, ErrorCode } from "../errors.ts";
import type { Exchange } from "../exchange.ts";

/** Methods that may be repeated (RFC 9110 section 9.2.2, RFC 10008). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"]);

/** Whether a request may be acted on twice. */
export function bearsRepetition({ method, fields }: Exchange, retries: RetriesPlan | undefined): boolean {
  if (IDEMPOTENT.has(method)) return true;
  return retries?.idempotencyKey === true && (fields.get("idempotency-key") ?? "") !== "";
}

/** Most attempts of one exchange, where no option says otherwise. */
export const MOST_ATTEMPTS = 3;

/** What went wrong, in the words of `retries.on`. `busy`: all places are taken. `final`: another attempt changes nothing. */
export type Failure = "connect" | "busy" | "reset" | "timeout" | "final";

/** Failures before a whole head of an answer; of a code that is not here another attempt changes nothing. */
const FAILURES: Partial<Readonly<Record<ErrorCode, Failure>>> = {
  connection_terminated: "reset",
  http_response_incomplete: "reset",
  http_protocol_error: "reset",
  http_response_transfer_coding: "reset",
  http_response_header_section_size: "reset",
  http_response_timeout: "timeout",
  connection_write_timeout: "timeout",
};

/** What a failure is. */
export function failureOf({ code, retry }: GatewayError): Failure {
  if (retry !== "safe") return FAILURES[code] ?? "final";
  return code === "connection_limit_reached" ? "busy" : "connect";
}

/** All that decides on what follows. */
export interface Tried {
  /** A failure, or the status of an answer. */
  readonly outcome: Failure | number;
  /** Nothing of the request was sent. */
  readonly unsent: boolean;
  /** It met a connection that had served before and was dying. */
  readonly stale: boolean;
  /** An earlier attempt of the exchange did. */
  readonly staleBefore: boolean;
  /** The content can be sent again, whole. */
  readonly replayable: boolean;
  /** The request may be acted on twice. */
  readonly repeatable: boolean;
  /** Attempts made. */
  readonly attempts: number;
  /** There is a target to which the request has not gone yet. */
  readonly hasOthers: boolean;
}

/** `other`: at once, to the next target. `fresh`: at once, on a fresh connection. `retry`: after a pause, if the budget has it. */
export type Move = "end" | "other" | "fresh" | "retry";

/**
 * A request of which nothing was sent may go to another target, while there is one. A request that met a dying reused
 * connection may go once more, on a fresh one, if it may be acted on twice (case GW-19). Neither costs an upstream anything
 * that it has seen. All else is a retry, which only `retries` allows.
 */
export function nextMove(tried: Tried, retries: RetriesPlan | undefined): Move {
  const { outcome, unsent, stale, staleBefore, replayable, repeatable, attempts, hasOthers } = tried;
  if (attempts >= (retries?.attempts ?? MOST_ATTEMPTS) || !replayable) return "end";
  if (!unsent && !repeatable) return "end";
  if (stale && !staleBefore) return "fresh";
  if (unsent && hasOthers) return "other";
  return retries !== undefined && isListed(outcome, retries) ? "retry" : "end";
}

function isListed(outcome: Failure | number, { on }: RetriesPlan): boolean {
  if (typeof outcome === "number") return on.statuses.has(outcome);
  return outcome !== "busy" && outcome !== "final" && on.failures.has(outcome);
}

/** The pause before the retry that follows so many attempts: anything up to a bound that doubles each time ("full jitter"). */
export function backoff(attempts: number, { baseMs, mostMs }: RetriesPlan["backoff"], chance: number): number {
  return Math.floor(Math.min(mostMs, baseMs * 2 ** (attempts - 1)) * chance);
}
