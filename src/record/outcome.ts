// What an exchange came to: the one reading of status and error that every form of the record shares.
import type { GatewayError } from "../errors.ts";
import type { Ending, Exchange } from "../exchange.ts";

/**
 * The status to record: of the answer, or, when none was begun, of the failure (499 for a client that left).
 * 0 when there was neither.
 */
export function statusOf(x: Exchange, ending: Ending): number {
  if (x.answer !== undefined) return x.answer.status;
  const error = errorOf(x, ending);
  return error === undefined ? 0 : error.status;
}

/**
 * The failure to record. What the gateway answered with comes first, for it explains the status; else how sending broke
 * off.
 */
export function errorOf(x: Exchange, ending: Ending): GatewayError | undefined {
  return x.error ?? ending.error;
}
