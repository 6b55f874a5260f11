// Calendar days and months of a time zone: which one it is, and when it ends.

/** One calendar day or month of a time zone. */
export interface Period {
  /** Name of it: `2026-11-25`, `2026-11`. */
  readonly name: string;
  /** Milliseconds since the epoch at which the next one begins. */
  readonly endsAt: number;
}

const DAY_MS = 86_400_000;

/** Tells the period of a moment. Asks the calendar once a period, and again when the clock has been set back. */
export function calendar(per: "day" | "month", timeZone: string): (wallClock: number) => Period {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  const nameAt = (ms: number): string => format.format(ms).slice(0, per === "day" ? 10 : 7);
  let current: Period = { name: "", endsAt: -Infinity };
  let beganAt = Infinity;
  return (now) => {
    if (now >= beganAt && now < current.endsAt) return current;
    const name = nameAt(now);
    current = { name, endsAt: endOf(name, now, per === "day" ? DAY_MS / 4 : DAY_MS, nameAt) };
    beganAt = now;
    return current;
  };
}

/** The first moment with another name: midnights move by clock changes, so they are looked for and not computed. */
function endOf(name: string, from: number, stepMs: number, nameAt: (ms: number) => string): number {
  let before = from;
  let behind = from + stepMs;
  while (nameAt(behind) === name) {
    before = behind;
    behind += stepMs;
  }
  while (behind - before > 1) {
    const middle = Math.floor((before + behind) / 2);
    if (nameAt(middle) === name) before = middle;
    else behind = middle;
  }
  return behind;
}
