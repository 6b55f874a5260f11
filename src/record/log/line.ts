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
import { Writers } from "./writers.ts";

/** Makes the line of an exchange that has ended, without its newline: printable ASCII, whatever the client sent. */
export type LineMaker = (x: Exchange, ending: Ending) => string;

/** Makes lines of a form. */
export function lineMaker(format: Exclude<LogFormat, "auto">, plan: LogPlan, platform: Platform): LineMaker {
  const redact = queryRedactor(plan.redactQuery);
  const writers = new Writers(plan.members.remove);
  switch (format) {
    case "json":
      return writers.closed("time", more(jsonLine(writers, redact, platform), plan, fieldMembers(plan, redact)));
    case "ecs":
      return writers.closed("@timestamp", more(ecsLine(writers, redact, platform), plan, fieldMembers(plan, redact)));
    case "caddy":
      return writers.closed("level", more(caddyLine(writers, plan, redact, platform), plan, undefined));
    case "combined":
    case "common":
      return commonLine(plan, redact, platform, format === "combined");
    case "pretty":
      return prettyLine(redact, platform);
  }
}

const MOST_VALUE = 1024;

/** With the members that the config adds. */
function more(
  make: LineMaker,
  { members: { set } }: LogPlan,
  fields: ((x: Exchange) => string) | undefined,
): LineMaker {
  const constant = set
    .map(([name, value]) => {
      const text = typeof value === "string" ? `"${jsonText(value, MOST_VALUE)}"` : String(value);
      return `,"${jsonText(name, MOST_VALUE)}":${text}`;
    })
    .join("");
  if (constant === "" && fields === undefined) return make;
  return (x, ending) => `${make(x, ending).slice(0, -1)}${fields?.(x) ?? ""}${constant}}`;
}
