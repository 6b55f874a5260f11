// Whether a failed attempt may be followed by another one.
import type { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";

/** Methods that may be repeated (RFC 9110 section 9.2.2, RFC 10008). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "QUERY"]);

/** Most attempts of one exchange. */
const MOST_ATTEMPTS = 3;

/**
 * A request of which nothing was sent may go to another target, while there is one. A request that met a dying reused
 * connection may go once more, on a fresh one, if its method bears repetition (case GW-19).
 */
export function mayTryAgain(error: GatewayError, x: Exchange, hasOthers: boolean): boolean {
  if (x.attempts.length >= MOST_ATTEMPTS) return false;
  if (error.retry === "safe") return hasOthers;
  if (error.retry === "never" || !IDEMPOTENT.has(x.method)) return false;
  return x.attempts.every((attempt, i) => i === x.attempts.length - 1 || attempt.error?.retry !== "idempotent");
}
