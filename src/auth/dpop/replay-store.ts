// What has been seen before, for as long as it could be shown again. Bounded; nothing is forgotten early.

/** Remembers keys for at least a span of time. */
export class ReplayStore {
  readonly #spanMs: number;
  readonly #most: number;
  /** Two generations: the older one is forgotten as a whole once the younger has lasted a span. */
  #young = new Set<string>();
  #old = new Set<string>();
  #turnAt = 0;

  /**
   * @param spanMs how long a key is remembered at least; at most twice as long
   * @param most keys in one generation
   */
  constructor(spanMs: number, most: number) {
    this.#spanMs = spanMs;
    this.#most = most;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Notes a key. `"seen"`: it was noted before. `"full"`: it cannot be noted, so that it must not be let pass.
   * @param now monotonic milliseconds
   */
  add(key: string, now: number): "new" | "seen" | "full" {
    if (now >= this.#turnAt) {
      this.#old = now - this.#turnAt >= this.#spanMs ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnAt = now + this.#spanMs;
    }
    if (this.#young.has(key) || this.#old.has(key)) return "seen";
    if (this.#young.size >= this.#most) return "full";
    this.#young.add(key);
    return "new";
  }
}
