// Retry-After: when to come back (RFC 9110 section 10.2.3).

/** The milliseconds that it asks for; 0 for one that cannot be read. */
export function retryAfterMs(value: string | undefined, wallClock: number): number {
  if (value === undefined) return 0;
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? 0 : Math.max(0, at - wallClock);
}

/** Milliseconds as Retry-After says them: whole seconds, rounded up, and never 0, which would ask for a retry at once. */
export function retryAfterSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
