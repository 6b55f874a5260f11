// The end of the way: what is kept of an exchange, whatever happened to it.
import type { Plan } from "../config/plan.ts";
import type { Platform } from "../platform.ts";
import { accessLog } from "./access-log.ts";
import type { Recorder } from "./access-log.ts";

/**
 * What to call once for each exchange that has ended. Writes the access log unless the plan or the exchange's route
 * says no. `isTerminal` decides when the format is `"auto"`.
 */
export function recorder(plan: Plan, platform: Platform, isTerminal: boolean): Recorder {
  if (plan.log === false) return () => {};
  const { format } = plan.log;
  const log = accessLog(plan.log, platform, format === "pretty" || (format === "auto" && isTerminal));
  return (x, ending) => {
    if (x.route === undefined || x.route.log) log(x, ending);
  };
}
