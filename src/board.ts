// The board: what is known of targets and upstreams, in rows of words that are found by name and outlive a plan.

/** Words in a row of a target: see TARGET. */
export const TARGET_WORDS = 16;

/** Words in a row of an upstream: its breaker. */
export const UPSTREAM_WORDS = 64;

/** Rows of words, each found by its name. */
export interface Board {
  /**
   * The row of a name, zero at first. Whoever asks for the same name while it is claimed gets the same words. To be
   * released as often as it was claimed; then its words are forgotten.
   */
  claim(name: string): Int32Array;
  release(name: string): void;
  /** Grows with every change that decides which targets may be picked. */
  readonly version: number;
  /** What stands in a row has changed so that others may be picked. */
  changed(): void;
}

/** A board for a process of one thread. */
export class OwnBoard implements Board {
  readonly #width: number;
  readonly #rows = new Map<string, { readonly words: Int32Array; claims: number }>();
  version = 0;

  /** @param width words in a row */
  constructor(width: number) {
    this.#width = width;
  }

  claim(name: string): Int32Array {
    let row = this.#rows.get(name);
    if (row === undefined) {
      row = { words: new Int32Array(this.#width), claims: 0 };
      this.#rows.set(name, row);
    }
    row.claims++;
    return row.words;
  }

  /** Whether somebody has claimed the name. */
  has(name: string): boolean {
    return this.#rows.has(name);
  }

  release(name: string): void {
    const row = this.#rows.get(name);
    if (row !== undefined && --row.claims === 0) this.#rows.delete(name);
  }

  changed(): void {
    this.version++;
  }
}
