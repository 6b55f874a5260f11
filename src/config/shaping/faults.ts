// The schema of faults that are made on purpose.
import type { AllowNames } from "../auth/allow.ts";
import { Problem } from "../fault.ts";
import { maybe, options, or, then, type Shape } from "../shape.ts";
import { duration, share, whole } from "../values.ts";
import type { FaultsPlan } from "./plan.ts";
import { whenShape } from "./when.ts";

/** Checks the option `faults` of a route. */
export function faultsShape(names: AllowNames): Shape<FaultsPlan> {
  const delay = then(options({ by: duration(), share: or(share, 1) }), ({ by, share }) => ({ ms: by, share }));
  const abort = options({ status: whole(400, 599), share: or(share, 1) });
  return options({ delay: maybe(delay), abort: maybe(abort), when: maybe(whenShape(names)) }, function* (_, written) {
    if (written["delay"] === undefined && written["abort"] === undefined) {
      yield new Problem("at least one of delay, abort");
    }
  });
}
