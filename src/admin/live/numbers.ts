// Numbers as people read them: short, and of the same width wherever they stand below each other.

/** "0", "0.25", "12.5", "1,234". */
export function countText(value: number): string {
  if (value === 0) return "0";
  if (Number.isInteger(value) || value >= 100) return Math.round(value).toLocaleString("en-US");
  return value < 0.1 ? value.toPrecision(1) : value.toFixed(value < 10 ? 2 : 1);
}

/** Of many below each other: "0", "<0.1", "6.2", "13.1", "1,234". */
export function rateText(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.05) return "<0.1";
  return perSecond < 99.95 ? perSecond.toFixed(1) : Math.round(perSecond).toLocaleString("en-US");
}

/** Until something is over, in whole parts, for it is told every second: "8 s", "59 min", "24 h". */
export function waitText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

/** "0.4 ms", "12 ms", "1.25 s"; "–" for none. */
export function durationText(ms: number | undefined): string {
  if (ms === undefined) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 9.95) return `${ms.toFixed(ms < 0.995 ? 2 : 1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  return seconds < 100 ? `${seconds.toFixed(seconds < 10 ? 2 : 1)} s` : `${Math.round(seconds / 60)} min`;
}

/** "0%", "<0.1%", "2.5%", "100%". */
export function shareText(share: number): string {
  if (share === 0) return "0%";
  if (share < 0.001) return "<0.1%";
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)}%`;
}

/** "512 B", "1.5 KiB". */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** The time of day with milliseconds, where the reader is. */
export function timeText(at: number): string {
  return `${clockText(at)}.${String(new Date(at).getMilliseconds()).padStart(3, "0")}`;
}

/** The same without them. */
export function clockText(at: number): string {
  const date = new Date(at);
  const two = (value: number): string => String(value).padStart(2, "0");
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
}
