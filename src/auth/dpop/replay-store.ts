// What has been seen before, for as long as it could be shown again. Bounded; nothing is forgotten early.
import type { Keep } from "../../carried.ts";
import type { Platform } from "../../platform.ts";
import type { NoteBounds, Noted } from "../../shared.ts";

/** A memory of what was seen before, of this gateway alone or of all workers. */
export type Replays = (key: string) => Noted | Promise<Noted>;

/** The memory of this name. Of all workers where there are several. It outlives what asks it. */
export function replays(bounds: NoteBounds, platform: Pick<Platform, "shared" | "now">, keep: Keep): Replays {
  const { shared } = platform;
  if (shared !== undefined) return (key) => shared.note(bounds, key);
  const store = keep(`memory ${bounds.name}`, undefined, () => new ReplayStore());
  return (key) => store.add(bounds, key, platform.now());
}

/** Remembers keys for at least a span of time. */
export class ReplayStore {
  /** Two generations: the older one is forgotten as a whole once the younger has lasted a span. */
  #young = new Set<string>();
  #old = new Set<string>();
  #turnAt = 0;

  /** How many keys are remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Notes a key.
   * @param now monotonic milliseconds
   */
  add({ spanMs, most }: Pick<NoteBounds, "spanMs" | "most">, key: string, now: number): Noted {
    if (now >= this.#turnAt) {
      this.#old = now - this.#turnAt >= spanMs ? new Set() : this.#young;
      this.#young = new Set();
      this.#turnAt = now + spanMs;
    }
    if (this.#young.has(key) || this.#old.has(key)) return "seen";
    if (this.#young.size >= most) return "full";
    this.#young.add(key);
    return "new";
  }
}
