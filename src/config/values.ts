// The single values of a config: texts, choices, numbers, durations, sizes.
import { formatDuration, LONGEST_TIMER_MS, parseDuration } from "../http/duration.ts";
import { formatSize, parseSize } from "../http/size.ts";
import { Problem, type ConfigReader } from "./fault.ts";
import { describeReference } from "./describe.ts";
import { readReference } from "./environment.ts";
import { EnvReference, REDACTED, Secret } from "./secrets.ts";
import { leaf, type Shape } from "./shape.ts";

/** Most bytes that anything is allowed to hold in memory for one message. */
const LARGEST_BUFFER = 2 ** 30;

/** A text that `read` converts or refuses. */
export function text<T>(wanted: string, read: (text: string) => T | Problem): Shape<T> {
  return leaf((value) => {
    if (typeof value !== "string") return new Problem(wanted);
    return holdsMark(value) ? joined(wanted) : read(value);
  });
}

/** A text, from the config or from outside it. */
export interface FoundText {
  readonly text: string;
  /** Set when the text is not to be shown. */
  readonly secret: Secret | undefined;
}

/** As {@link text}, and also what `env` returns. What `read` finds wrong with a secret is told without its value. */
export function hiddenText<T>(wanted: string, reader: ConfigReader, read: (found: FoundText) => T | Problem): Shape<T> {
  return leaf((value) => {
    if (typeof value === "string") {
      return holdsMark(value) ? joined(wanted) : read({ text: value, secret: undefined });
    }
    const secret = value instanceof EnvReference ? readReference(value, reader) : value;
    if (secret instanceof Problem) return secret;
    if (!(secret instanceof Secret)) return new Problem(wanted);
    const result = read({ text: secret.reveal(), secret });
    if (!(result instanceof Problem)) return result;
    const found = value instanceof EnvReference ? describeReference(value) : REDACTED;
    return new Problem(result.wanted, { found, ...(result.hint && { hint: result.hint }) });
  });
}

/** A reference that became part of a text left its mark there instead of its value. */
export function holdsMark(text: string): boolean {
  return text.includes(REDACTED);
}

function joined(wanted: string): Problem {
  return new Problem(wanted, { hint: "env() cannot be part of a text: let the variable hold the whole value." });
}

/** Checks that the value is one of these words. */
export function choice<const W extends string>(...words: readonly W[]): Shape<W> {
  const wanted = `one of ${words.map((word) => `"${word}"`).join(", ")}`;
  return leaf((value) => {
    const word = words.find((candidate) => candidate === value);
    if (word !== undefined) return word;
    return new Problem(wanted, typeof value === "string" ? { nearest: [value, words] } : {});
  });
}

/** Checks for true or false. */
export const flag: Shape<boolean> = leaf((value) =>
  typeof value === "boolean" ? value : new Problem("true or false"),
);

/** A whole number within bounds, both included. */
export function whole(least: number, most: number): Shape<number> {
  return leaf((value) => {
    const right = typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
    return right ? value : new Problem(`a whole number from ${least} to ${most}`);
  });
}

const A_STATUS = 'a status such as 404, or a class such as "4xx"';

/** A status, or a class of statuses as its first digit. */
export const statusOrClass: Shape<number> = leaf((value) => {
  if (typeof value === "number" && Number.isInteger(value) && value >= 100 && value <= 599) return value;
  const digit = typeof value === "string" ? /^([1-5])xx$/.exec(value)?.[1] : undefined;
  return digit === undefined ? new Problem(A_STATUS) : Number(digit);
});

/** Checks for a number from 0 to 1, both included. */
export const share: Shape<number> = leaf((value) => {
  const right = typeof value === "number" && value >= 0 && value <= 1;
  return right ? value : new Problem("a share from 0 to 1, such as 0.05");
});

/** A duration in milliseconds, from `leastMs` to `mostMs`, both included. A timer lasts no longer than 24 days; what is no timer may. */
export function duration(leastMs = 1, mostMs = LONGEST_TIMER_MS): Shape<number> {
  const wanted = 'a duration such as "250ms", "30s" or "1.5h"';
  return leaf((value) => {
    if (typeof value === "number") return new Problem(wanted, { hint: `Give the unit, such as "${value}s".` });
    const ms = typeof value === "string" ? parseDuration(value) : undefined;
    if (ms === undefined) return new Problem(wanted, unitHint(value, ["ms", "s", "m", "h", "d"]));
    if (ms < leastMs) return new Problem(`a duration of at least ${formatDuration(leastMs)}`);
    const most = mostMs === LONGEST_TIMER_MS ? "24 days" : formatDuration(mostMs);
    if (ms > mostMs) return new Problem(`a duration of at most ${most}`);
    return ms;
  });
}

/** A size in bytes, at least 1 and small enough to be held in memory. */
export const size: Shape<number> = sizeUpTo(LARGEST_BUFFER);

/** As {@link size}, for what is not held in memory. */
export const lengthOfStream: Shape<number> = sizeUpTo(Number.MAX_SAFE_INTEGER);

function sizeUpTo(most: number): Shape<number> {
  return leaf((value) => {
    const wanted = 'a size such as "512B", "64KiB" or "1MB"';
    if (typeof value === "number") return new Problem(wanted, { hint: `Give the unit, such as "${value}B".` });
    const bytes = typeof value === "string" ? parseSize(value) : undefined;
    if (bytes === undefined) return new Problem(wanted, unitHint(value, ["B", "KiB", "MiB", "GiB", "KB", "MB", "GB"]));
    if (bytes < 1) return new Problem("a size of at least 1B");
    if (bytes > most) return new Problem(`a size of at most ${formatSize(most)}`);
    return bytes;
  });
}

/** Says what is nearly right: a blank, a missing unit, a unit in other letters. */
function unitHint(value: unknown, units: readonly string[]): { hint?: string } {
  const parts = typeof value === "string" ? /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(value) : null;
  if (parts === null) return {};
  const [, number, written] = parts;
  if (written === "") return { hint: `Give the unit: ${units.join(", ")}.` };
  const unit = units.find((candidate) => candidate === written) ?? unitMeant(written!, units);
  return unit === undefined ? { hint: `Units are ${units.join(", ")}.` } : { hint: `Write "${number}${unit}".` };
}

const MEANT: Readonly<Record<string, string>> = {
  sec: "s",
  secs: "s",
  second: "s",
  seconds: "s",
  min: "m",
  mins: "m",
  minute: "m",
  minutes: "m",
  hour: "h",
  hours: "h",
  hr: "h",
  day: "d",
  days: "d",
  byte: "B",
  bytes: "B",
  k: "KiB",
  g: "GiB",
};

function unitMeant(written: string, units: readonly string[]): string | undefined {
  const lower = written.toLowerCase();
  const same = units.find((candidate) => candidate.toLowerCase() === lower);
  const meant = Object.hasOwn(MEANT, lower) ? MEANT[lower] : undefined;
  return same ?? (meant !== undefined && units.includes(meant) ? meant : undefined);
}
