// What a peer may ask of a connection without getting on: frames that bring nothing, requests that it takes back.
import { ConnectionFault, ENHANCE_YOUR_CALM } from "./fault.ts";

/** So much may be spent at once. */
const MOST = 1000;
/** It comes back so fast, whatever the peer does. */
const A_SECOND = 10;

/** A frame that brings nothing by itself: a ping, a priority, a window, an empty piece. */
export const SMALL = 1;
/** Settings, which are answered, and may change every window. */
export const SETTINGS_COST = 5;
/** A stream that ends before its time, whoever ends it: what was begun for it was begun for nothing. */
export const RESET = 5;
/** A request that was answered to its end. */
export const ANSWERED = 10;
/** A frame of content, either way. */
export const CONTENT = 2;

/**
 * The budget of one connection (cases CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671). Work that gets
 * on refills it, so that busy peers have more of it than idle ones.
 */
export class Calm {
  readonly #now: () => number;
  #left = MOST;
  #since: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#since = now();
  }

  /** @throws ConnectionFault ENHANCE_YOUR_CALM when nothing is left */
  spend(cost: number): void {
    this.#left -= cost;
    if (this.#left >= 0) return;
    const now = this.#now();
    this.earn(((now - this.#since) * A_SECOND) / 1000);
    this.#since = now;
    if (this.#left < 0) throw new ConnectionFault(ENHANCE_YOUR_CALM, "too many frames that bring nothing");
  }

  earn(gain: number): void {
    this.#left = Math.min(MOST, this.#left + gain);
  }
}
