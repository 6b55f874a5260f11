// What stands before a line in a message of syslog: of RFC 5424, and to a socket of this machine that of syslog(3).
import type { LogSinkPlan } from "../../config/log/plan.ts";
import type { Platform } from "../../platform.ts";
import { openings } from "../line-parts.ts";

/** Severities (RFC 5424, table 2). */
const ERROR = 3;
const INFO = 6;

/** Makes it. What reads the datagrams of this machine, journald or rsyslog, takes RFC 5424 for a part of the text. */
export function syslogHead(
  { to, facility, app }: Extract<LogSinkPlan, { kind: "syslog" }>,
  platform: Platform,
): (isError: boolean) => string {
  const { host, pid } = platform.self ?? { host: "", pid: 0 };
  const head = to.kind === "unix-datagram" ? localHead(app, pid) : standardHead(host, app, pid);
  const opening = openings((time, level) => {
    return `<${facility * 8 + (level === "error" ? ERROR : INFO)}>${head(time)}`;
  });
  return (isError) => opening(platform.wallClock(), isError);
}

/** Version, time, machine, name, process, no id and no structured data (RFC 5424 section 6.2). */
function standardHead(host: string, app: string, pid: number): (time: string) => string {
  // HOSTNAME is printable ASCII, 255 characters at most.
  const name = host.replace(/[^!-~]/g, "").slice(0, 255) || "-";
  return (time) => `1 ${time} ${name} ${app} ${pid} - - `;
}

/** The time here, name and process, as the C library's syslog(3) writes them: `Oct  1 13:55:36 sluice[7]: `. */
function localHead(app: string, pid: number): (time: string) => string {
  return (time) => {
    // "Thu Oct 01 2026 13:55:36 GMT+0000" (ECMA-262, Date.prototype.toString)
    const text = new Date(time).toString();
    return `${text.slice(4, 7)} ${text.slice(8, 10).replace(/^0/, " ")} ${text.slice(16, 24)} ${app}[${pid}]: `;
  };
}
