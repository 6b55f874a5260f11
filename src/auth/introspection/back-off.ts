// When a service that fails is asked again: not at all for a while, then once, and freely when it is back.

/** Failures in a row from which on the service counts as down. */
const FAILURES = 3;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

/** Keeps account of how a service answers. Times are monotonic milliseconds. */
export class BackOff {
  #failures = 0;
  #pauses = 0;
  #pausedUntil = -Infinity;
  #probing = false;

  /** Whether the service counts as down. */
  get down(): boolean {
    return this.#pauses > 0;
  }

  /**
   * Asks whether the service may be asked. 0: it may, and `succeeded` or `failed` must follow. Else the milliseconds after
   * which it may be tried again.
   */
  begin(now: number): number {
    if (!this.down) return 0;
    if (now < this.#pausedUntil) return this.#pausedUntil - now;
    if (this.#probing) return FIRST_PAUSE_MS;
    this.#probing = true;
    return 0;
  }

  /** It has answered. Returns whether it was down before. */
  succeeded(): boolean {
    const wasDown = this.down;
    this.#failures = 0;
    this.#pauses = 0;
    this.#probing = false;
    return wasDown;
  }

  /** It has not. Returns whether it counts as down from now on and did not before. */
  failed(now: number): boolean {
    this.#failures++;
    // Those that were asked before the pause began tell nothing new.
    if (this.down && !this.#probing) return false;
    if (this.#failures < FAILURES) return false;
    const wasDown = this.down;
    this.#pausedUntil = now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#pauses, 10));
    this.#pauses++;
    this.#probing = false;
    return !wasDown;
  }
}
