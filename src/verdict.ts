// Verdict: what an attempt says of its target, and why, as a word for the board and as text for operators.
import { type ErrorCode, MEANINGS } from "./errors.ts";
import type { AttemptRecord } from "./exchange.ts";

/** `"none"`: it says nothing of the target, as when the client left. */
export type Verdict = "good" | "bad" | "none";

/**
 * An attempt is bad when no answer came through a fault of the upstream, or one that says that there is none behind it:
 * 502, 503, 504. Other statuses are the service's own matter: a stranger who finds a request that it answers with 500
 * takes no target from others. A kept connection that the target had closed says nothing: that is its right.
 */
export function verdictOf({ status, error }: AttemptRecord): Verdict {
  if (error === undefined) return status >= 502 && status <= 504 ? "bad" : "good";
  return MEANINGS[error.code].fault === "upstream" && error.retry !== "idempotent" ? "bad" : "none";
}

/** A reason that is no status and no code. */
export const UNEXPECTED_BODY = 1;
/** The reason of a target that no check has looked at yet. */
export const UNCHECKED = 2;

/** Codes stand behind the statuses. */
const FIRST_CODE = 1000;
const CODES = Object.keys(MEANINGS) as ErrorCode[];

/** Why an attempt was bad, as a word. */
export function reasonOf({ status, error }: AttemptRecord): number {
  return error === undefined ? status : reasonOfCode(error.code);
}

/** The reason, as a word for the board, that an error code stands for. */
export function reasonOfCode(code: ErrorCode): number {
  return FIRST_CODE + CODES.indexOf(code);
}

/** A reason as operators read it. */
export function reasonText(reason: number): string {
  if (reason >= FIRST_CODE) return CODES[reason - FIRST_CODE] ?? "";
  if (reason >= 100) return `status ${reason}`;
  if (reason === UNEXPECTED_BODY) return "unexpected body";
  return reason === UNCHECKED ? "not checked yet" : "";
}
