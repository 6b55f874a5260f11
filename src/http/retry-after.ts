// Retry-After: when to come back (RFC 9110 section 10.2.3).

/** The milliseconds that it asks for; 0 for one that cannot be read. */
export function retryAfterMs(value: string | undefined, wallClock: number): number {
  if (value === undefined) return 0;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallClock);
}
