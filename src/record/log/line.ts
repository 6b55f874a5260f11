// A line of the access log in the form that the config wants.
import type { LogFormat } from "../../config/log/options.ts";
import type { LogPlan } from "../../config/log/plan.ts";
import type { Ending, Exchange } from "../../exchange.ts";
import type { Platform } from "../../platform.ts";
import { jsonText } from "../json-text.ts";
import { prettyLine } from "../pretty.ts";
import { queryRedactor } from "../redact.ts";
import { caddyLine } from "./caddy.ts";
import { commonLine } from "./combined.ts";
import { ecsLine } from "./ecs.ts";
import { fieldMembers } from "./fields.ts";
import { jsonLine } from "./json.ts";

/** Makes the line of an exchange that has ended, without its newline: printable ASCII, whatever the client sent. */
export type LineMaker = (x: Exchange, ending: Ending) => string;

/** Makes lines of a form. */
export function lineMaker(format: Exclude<LogFormat, "auto">, plan: LogPlan, platform: Platform): LineMaker {
  const redact = queryRedactor(plan.redactQuery);
  switch (format) {
    case "json":
      return changed(jsonLine(redact, platform), plan, fieldMembers(plan, redact));
    case "ecs":
      return changed(ecsLine(redact, platform), plan, fieldMembers(plan, redact));
    case "caddy":
      return changed(caddyLine(plan, redact, platform), plan, undefined);
    case "combined":
    case "common":
      return commonLine(plan, redact, platform, format === "combined");
    case "pretty":
      return prettyLine(redact, platform);
  }
}

const MOST_VALUE = 1024;

/** With the members that the config adds, and without those that it does not want. */
function changed(make: LineMaker, plan: LogPlan, fields: ((x: Exchange) => string) | undefined): LineMaker {
  const { set, remove } = plan.members;
  const constant = set
    .map(([name, value]) => {
      const text = typeof value === "string" ? `"${jsonText(value, MOST_VALUE)}"` : String(value);
      return `,"${jsonText(name, MOST_VALUE)}":${text}`;
    })
    .join("");
  const whole: LineMaker =
    constant === "" && fields === undefined
      ? make
      : (x, ending) => `${make(x, ending).slice(0, -1)}${fields?.(x) ?? ""}${constant}}`;
  if (remove.length === 0) return whole;
  return (x, ending) => {
    const record = JSON.parse(whole(x, ending)) as Record<string, unknown>;
    for (const name of remove) delete record[name];
    return JSON.stringify(record).replace(/[^ -~]/g, (unit) => jsonText(unit, 1));
  };
}
