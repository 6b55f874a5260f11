// The access log for a person at a terminal: one aligned line an exchange.
import colors from "picocolors";
import type { Ending, Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { attemptsOf, decisiveAttempt, errorOf, pathOf, queryOf, statusOf } from "./outcome.ts";

type Colors = Pick<typeof colors, "dim" | "red" | "green" | "yellow" | "cyan" | "bold">;

const MOST_TARGET = 256;
const MOST = 64;
const MOST_DETAIL = 256;

/**
 * Makes the line: local time, status, method, path and query, duration, route and target, error. Colours as picocolors
 * finds the terminal (`NO_COLOR` and `FORCE_COLOR` are heard). What a client sent can neither move the cursor nor begin
 * a second line.
 */
export function prettyLine(
  redact: (query: string) => string,
  platform: Platform,
  color: Colors = colors,
): (x: Exchange, ending: Ending) => string {
  return (x, ending) => {
    const status = statusOf(x, ending);
    const error = errorOf(x, ending);
    const target = shown(pathOf(x) + redact(queryOf(x)), MOST_TARGET);
    let line =
      `${color.dim(clockText(platform.wallClock()))}  ${statusText(status, color)}  ` +
      `${shown(x.method, MOST).padEnd(7)} ${target.padEnd(36)} ${durationText(platform.now() - x.startedAt).padStart(8)}`;
    if (x.route !== undefined) line += "  " + color.cyan(shown(x.route.name, MOST));
    const attempt = decisiveAttempt(x);
    if (attempt !== undefined) {
      line += color.dim(" → ") + shown(attempt.target, MOST_TARGET);
      if (attemptsOf(x) > 1) line += color.dim(` (attempt ${attemptsOf(x)})`);
    }
    for (const { upstream, reason } of x.fallbacks) {
      line += color.yellow(` fallback of ${shown(upstream.name, MOST)}: ${reason}`);
    }
    if (error !== undefined) line += "  " + color.red(`${error.code}: ${shown(error.message, MOST_DETAIL)}`);
    return line;
  };
}

function statusText(status: number, color: Colors): string {
  const text = status === 0 ? "---" : String(status);
  if (status >= 500 || status === 0) return color.red(text);
  if (status >= 400) return color.yellow(text);
  return status >= 300 ? color.cyan(text) : color.green(text);
}

function clockText(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, "0");
  const millis = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${millis}`;
}

function durationText(ms: number): string {
  if (ms >= 1000) return (ms / 1000).toFixed(2) + " s";
  return ms.toFixed(ms < 100 ? 1 : 0) + " ms";
}

/** Printable ASCII as it is, all else as `\u` and four digits; cut at `most` characters. */
function shown(text: string, most: number): string {
  const kept = text.length > most ? text.slice(0, most) : text;
  const safe = kept.replace(/[^ -~]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return text.length > most ? safe + "…" : safe;
}
