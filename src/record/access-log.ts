// The access log: one line an exchange, written when it has ended, in each form that the config wants.
import type { LogPlan } from "../config/log/plan.ts";
import type { Ending, Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { type LineMaker, lineMaker } from "./log/line.ts";
import type { Sink } from "./log/sinks.ts";
import { wanted } from "./log/wanted.ts";

/** Takes an exchange that has ended. */
export type Recorder = (x: Exchange, ending: Ending) => void;

/** Writes one line an exchange to each of the sinks, if the plan and the exchange's route want one. */
export function accessLog(plan: LogPlan, sinks: readonly Sink[], platform: Platform): Recorder {
  const write = writeTo(sinks, plan, platform);
  const isWanted = wanted(plan, platform);
  return (x, ending) => {
    if (x.route?.log === false || isWanted?.(x, ending) === false) return;
    write(x, ending);
  };
}

/** Sinks of one form share the line. */
function writeTo(sinks: readonly Sink[], plan: LogPlan, platform: Platform): Recorder {
  const formats = [...new Set(sinks.map(({ format }) => format))];
  const makers = new Map<string, LineMaker>(formats.map((format) => [format, lineMaker(format, plan, platform)]));
  const [only] = sinks;
  if (only !== undefined && sinks.length === 1) {
    const make = makers.get(only.format)!;
    return (x, ending) => only.take(make(x, ending), x, ending);
  }
  const forms = formats.map((format) => ({
    make: makers.get(format)!,
    takers: sinks.filter((sink) => sink.format === format),
  }));
  return (x, ending) => {
    for (const { make, takers } of forms) {
      const line = make(x, ending);
      for (const sink of takers) sink.take(line, x, ending);
    }
  };
}
