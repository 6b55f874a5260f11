// The schema of ejection.
import type { EjectionPlan } from "./plan.ts";
import { Problem } from "../fault.ts";
import { either, leaf, options, or, then, type Shape } from "../shape.ts";
import { duration, share, whole } from "../values.ts";

const off: Shape<undefined> = leaf((value) =>
  value === false ? undefined : new Problem("false or an object of options"),
);

const on: Shape<EjectionPlan> = then(
  options(
    {
      failures: or(whole(1, 1000), 5),
      time: or(duration(100), "30s"),
      maxTime: or(duration(100), "5m"),
      maxShare: or(share, 0.5),
    },
    function* ({ time, maxTime }) {
      if (time === undefined || maxTime === undefined || time <= maxTime) return;
      yield new Problem("a time of at most `maxTime`", { at: ["time"] });
    },
  ),
  ({ failures, time, maxTime, maxShare }) => ({ failures, timeMs: time, maxTimeMs: maxTime, maxShare }),
);

/** When a target that fails gets nothing for a while; undefined for never. */
export const ejectionShape: Shape<EjectionPlan | undefined> = either((value) => typeof value === "object", on, off);
