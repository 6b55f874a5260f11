// When a certificate is renewed, and when what has failed is tried again. Pure: chance is a number from 0 to 1.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** When a certificate holds. Milliseconds since the epoch, as all moments here. */
export interface Lifetime {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** From when to when an authority wants a certificate to be renewed (ARI, RFC 9773 section 4.2). */
export interface RenewalWindow {
  readonly start: number;
  readonly end: number;
}

/** The moment of renewal where the authority says none: when two thirds of the lifetime are over, or up to a fiftieth earlier. */
export function renewalOf({ notBefore, notAfter }: Lifetime, chance: number): number {
  return notBefore + (notAfter - notBefore) * (2 / 3 - chance / 50);
}

/** The moment of renewal in a window: any, by chance, so that certificates are not all renewed at once. */
export function renewalIn({ start, end }: RenewalWindow, chance: number): number {
  return start + (end - start) * chance;
}

/** Bounds of how long an authority is not asked again about a window, whatever it says, and how long where it says nothing. */
const LOOK = { least: MINUTE_MS, most: DAY_MS, usual: 6 * HOUR_MS };

/** The longest time between two looks at a renewal window, in milliseconds. */
export const LONGEST_LOOK_MS = LOOK.most;

/** How long the window of a renewal is good for. @param askedMs Retry-After of the answer; 0 for none */
export function nextLookMs(askedMs: number): number {
  return askedMs === 0 ? LOOK.usual : Math.min(LOOK.most, Math.max(LOOK.least, askedMs));
}

const LEAST_PAUSE_MS = MINUTE_MS;
const MOST_PAUSE_MS = DAY_MS;
/** An authority may ask for a longer pause than any of ours, within reason. */
const MOST_ASKED_MS = 7 * DAY_MS;

/** The longest pause after failures, in milliseconds: what an authority may ask for. */
export const LONGEST_PAUSE_MS = MOST_ASKED_MS;

/**
 * The pause after so many failures in a row: a minute, and twice as long each time, up to a day; up to a fifth longer by
 * chance, but for the longest. It is never shorter than what the authority asks for, up to a week.
 */
export function pauseAfter(failures: number, askedMs: number, chance: number): number {
  const grown = Math.round(LEAST_PAUSE_MS * 2 ** Math.min(failures - 1, 20) * (1 + chance / 5));
  return Math.max(Math.min(MOST_PAUSE_MS, grown), Math.min(MOST_ASKED_MS, askedMs));
}
