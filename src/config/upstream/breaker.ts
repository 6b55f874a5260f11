// The schema of breakers.
import { maybe, options, or, then, type Shape } from "../shape.ts";
import { duration, share, whole } from "../values.ts";
import type { BreakerPlan } from "./plan.ts";

const slow: Shape<BreakerPlan["slow"]> = then(
  options({ over: duration(), share: or(share, 0.5) }),
  ({ over, share }) => ({
    overMs: over,
    share,
  }),
);

/** When nothing is sent to an upstream for a while. */
export const breakerShape: Shape<BreakerPlan> = then(
  options({
    errors: or(share, 0.5),
    slow: maybe(slow),
    minimum: or(whole(1, 1_000_000), 20),
    window: or(duration(100, 3_600_000), "10s"),
    open: or(duration(100, 3_600_000), "5s"),
    probes: or(whole(1, 1000), 3),
  }),
  ({ errors, slow, minimum, window, open, probes }) => ({
    errors,
    slow,
    minimum,
    windowMs: window,
    openMs: open,
    probes,
  }),
);
