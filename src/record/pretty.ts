// The access log for a person at a terminal: one aligned line an exchange.
import colors from "picocolors";
import type { Ending, Exchange } from "../exchange.ts";
import type { Platform } from "../platform.ts";
import { attemptsOf, decisiveAttempt, errorOf, pathOf, queryOf, statusOf } from "./outcome.ts";

type Colors = Pick<typeof colors, "dim" | "red" | "green" | "yellow" | "cyan" | "bold">;

const MOST_TARGET = 256;
const MOST = 64;
const MOST_DETAIL = 256;

/** What a person reads of an exchange. */
export interface PrettyParts {
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** 0 for none. */
  readonly status: number;
  readonly method: string;
  /** Path and query, without secrets. */
  readonly target: string;
  readonly durationMs: number;
  readonly route: string | undefined;
  /** Where the decisive attempt went. */
  readonly attempted: string | undefined;
  readonly attempts: number;
  readonly fallbacks: readonly { readonly upstream: string; readonly reason: string | number }[];
  readonly error: { readonly code: string; readonly detail: string } | undefined;
}

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
    const error = errorOf(x, ending);
    const parts: PrettyParts = {
      time: platform.wallClock(),
      status: statusOf(x, ending),
      method: x.method,
      target: pathOf(x) + redact(queryOf(x)),
      durationMs: platform.now() - x.startedAt,
      route: x.route?.name,
      attempted: decisiveAttempt(x)?.target,
      attempts: attemptsOf(x),
      fallbacks: x.fallbacks.map(({ upstream, reason }) => ({ upstream: upstream.name, reason })),
      error: error && { code: error.code, detail: error.message },
    };
    return prettyText(parts, color);
  };
}

/** The line of these parts. See {@link prettyLine}. */
export function prettyText(parts: PrettyParts, color: Colors): string {
  const { time, status, method, durationMs, route, attempted, attempts, error } = parts;
  let line =
    `${color.dim(clockText(time))}  ${statusText(status, color)}  ` +
    `${shown(method, MOST).padEnd(7)} ${shown(parts.target, MOST_TARGET).padEnd(36)} ${durationText(durationMs).padStart(8)}`;
  if (route !== undefined) line += "  " + color.cyan(shown(route, MOST));
  if (attempted !== undefined) {
    line += color.dim(" → ") + shown(attempted, MOST_TARGET);
    if (attempts > 1) line += color.dim(` (attempt ${attempts})`);
  }
  for (const { upstream, reason } of parts.fallbacks) {
    line += color.yellow(` fallback of ${shown(upstream, MOST)}: ${shown(String(reason), MOST)}`);
  }
  if (error !== undefined) line += "  " + color.red(`${shown(error.code, MOST)}: ${shown(error.detail, MOST_DETAIL)}`);
  return line;
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
export function shown(text: string, most: number): string {
  const kept = text.length > most ? text.slice(0, most) : text;
  const safe = kept.replace(/[^ -~]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));
  return text.length > most ? safe + "…" : safe;
}
