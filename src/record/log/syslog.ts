// What stands before a line in a message of syslog (RFC 5424).
import type { LogSinkPlan } from "../../config/log/plan.ts";
import type { Platform } from "../../platform.ts";
import { openings } from "../line-parts.ts";

/** Severities (RFC 5424, table 2). */
const ERROR = 3;
const INFO = 6;

/** Makes it: priority, version, time, machine, name, process, no id and no structured data. */
export function syslogHead(
  { facility, app }: Extract<LogSinkPlan, { kind: "syslog" }>,
  platform: Platform,
): (isError: boolean) => string {
  const { host, pid } = platform.self ?? { host: "", pid: 0 };
  // HOSTNAME is printable ASCII, 255 characters at most.
  const name = host.replace(/[^!-~]/g, "").slice(0, 255) || "-";
  const opening = openings((time, level) => {
    return `<${facility * 8 + (level === "error" ? ERROR : INFO)}>1 ${time} ${name} ${app} ${pid} - - `;
  });
  return (isError) => opening(platform.wallClock(), isError);
}
