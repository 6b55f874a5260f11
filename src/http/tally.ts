// A count that never goes over its bound, of one thread or of all workers together.

/** Counts what is there now. Each worker has a word of its own: what one has counted goes when it dies. */
export class Tally {
  readonly #words: Int32Array;
  readonly #own: number;
  /** How often this thread found no room. */
  refused = 0;

  /** @param words a word a worker, shared; absent for one thread */
  constructor(words: Int32Array = new Int32Array(1), own = 0) {
    this.#words = words;
    this.#own = own;
  }

  /** What is there now, with all workers. */
  get sum(): number {
    if (this.#words.length === 1) return this.#words[0]!;
    let sum = 0;
    for (let i = 0; i < this.#words.length; i++) sum += Atomics.load(this.#words, i);
    return sum;
  }

  /** Counts one more if it fits. Of several workers that want the last place at the same moment, perhaps none gets it. */
  add(most: number): boolean {
    if (this.#words.length === 1) {
      if (this.#words[0]! >= most) return this.#refuse();
      this.#words[0]!++;
      return true;
    }
    Atomics.add(this.#words, this.#own, 1);
    if (this.sum <= most) return true;
    Atomics.sub(this.#words, this.#own, 1);
    return this.#refuse();
  }

  #refuse(): false {
    this.refused++;
    return false;
  }

  /** One has gone. */
  remove(): void {
    if (this.#words.length === 1) this.#words[0]!--;
    else Atomics.sub(this.#words, this.#own, 1);
  }
}
