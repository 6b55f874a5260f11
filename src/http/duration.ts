// Spans of time as people write them: "250ms", "30s", "1.5h".

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** The longest timer the runtimes keep, in milliseconds: a longer one fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * Reads a decimal number and one of `ms`, `s`, `m`, `h`, `d`, with nothing between or around them. Returns milliseconds,
 * rounded to whole ones, or undefined if it is no duration. Zero is one; a sign or an exponent is not.
 */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (parts === null) return undefined;
  const ms = Math.round(Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS]);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** Writes whole milliseconds in the largest unit that leaves no fraction; `parseDuration` reads it back. */
export function formatDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms !== 0 && ms % UNITS[unit] === 0) return `${ms / UNITS[unit]}${unit}`;
  }
  return `${ms}ms`;
}
