// What is said of a target that let one of the clocks towards it run out: which option it is, and how long it was.
import { GatewayError } from "../errors.ts";

/** It did not begin to answer: `timeouts.firstByte`. */
export function silent(ms: number, option = "timeouts.firstByte"): GatewayError {
  return new GatewayError("http_response_timeout", `the target did not begin to answer within ${ms} ms (${option})`);
}

/** Its answer stood still: `timeouts.idle`. */
export function stoodStill(ms: number): GatewayError {
  return new GatewayError(
    "connection_read_timeout",
    `the target sent nothing of its answer for ${ms} ms (timeouts.idle)`,
  );
}

/** It took nothing of the request: `timeouts.send`. */
export function tookNothing(ms: number): GatewayError {
  return new GatewayError(
    "connection_write_timeout",
    `the target took nothing of the request for ${ms} ms (timeouts.send)`,
  );
}

/** All attempts together took too long: `timeouts.whole`. */
export function tooLongAsAWhole(ms: number): GatewayError {
  return new GatewayError(
    "http_response_timeout",
    `the upstream was not done within ${ms} ms as a whole (timeouts.whole)`,
  );
}
