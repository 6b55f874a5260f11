// The end of the way: what is kept of an exchange, whatever happened to it.
import type { Plan } from "../config/plan.ts";
import type { Platform } from "../platform.ts";
import { accessLog } from "./access-log.ts";
import type { Recorder } from "./access-log.ts";

/** What to call once for each exchange that has ended. */
export function recorder({ log }: Plan, platform: Platform): Recorder {
  return log === false ? () => undefined : accessLog(log, platform);
}
