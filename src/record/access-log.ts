// The access log: one line an exchange, written when it has ended, in the form that the config wants.
import type { LogPlan } from "../config/log/plan.ts";
import type { Ending, Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { lineMaker } from "./log/line.ts";
import { wanted } from "./log/wanted.ts";

/** Takes an exchange that has ended. */
export type Recorder = (x: Exchange, ending: Ending) => void;

/** Writes one line an exchange to `platform.line`, if the plan and the exchange's route want one. */
export function accessLog(plan: LogPlan, platform: Platform): Recorder {
  const { format } = plan;
  const line = lineMaker(format === "auto" ? (platform.terminal ? "pretty" : "json") : format, plan, platform);
  const isWanted = wanted(plan, platform);
  return (x, ending) => {
    if (x.route?.log === false || isWanted?.(x, ending) === false) return;
    platform.line(line(x, ending));
  };
}
