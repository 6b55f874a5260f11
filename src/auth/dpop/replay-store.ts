// What has been seen before, for as long as it could be shown again. Bounded; nothing is forgotten early.

import type { Platform } from "../../platform.ts";
import type { NoteBounds, Noted } from "../../shared.ts";

/** A memory of what was seen before, of this gateway alone or of all workers. */
export type Replays = (key: string) => Noted | Promise<Noted>;

/** The memory with these bounds. Of all workers where there are several. */
export function replays(bounds: NoteBounds, platform: Pick<Platform, "shared" | "now">): Replays {
  const { shared } = platform;
  if (shared !== undefined) return (key) => shared.note(bounds, key);
  const store = new ReplayStore(bounds.spanMs, bounds.most);
  return (key) => store.add(key, platform.now());
}

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
   * Notes a key.
   * @param now monotonic milliseconds
   */
  add(key: string, now: number): Noted {
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
