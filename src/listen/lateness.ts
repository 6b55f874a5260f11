// What is said of a client that let one of the listener's clocks run out: which option it is, and how long it was.
import { GatewayError } from "../errors.ts";

/** A request's head has not come whole: `listen.timeouts.head`. */
export function headTooLate(ms: number): GatewayError {
  return new GatewayError("request_timeout", `the head did not arrive within ${ms} ms (listen.timeouts.head)`);
}

/** A request's content stood still: `listen.timeouts.body`. */
export function bodyTooLate(ms: number): GatewayError {
  return new GatewayError("request_timeout", `nothing of the body arrived for ${ms} ms (listen.timeouts.body)`);
}

/** The client has taken nothing of its answer: `listen.timeouts.send`. */
export function tookNothing(ms: number): GatewayError {
  return new GatewayError(
    "client_disconnect",
    `the client took nothing of its answer for ${ms} ms (listen.timeouts.send)`,
  );
}
