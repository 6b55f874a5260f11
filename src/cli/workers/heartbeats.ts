// Whether the event loops of all workers go round: each counts in a word of shared memory, the main thread looks.

/** The hearts of all workers, by number. */
export class Heartbeats {
  /** The shared words that workers count their beats in. */
  readonly words: Int32Array;
  readonly #seen: Int32Array;

  /** @param workers how many there are */
  constructor(workers: number) {
    this.words = new Int32Array(new SharedArrayBuffer((workers + 1) * 4));
    this.#seen = new Int32Array(workers + 1).fill(-1);
  }

  /** Whether each of these has beaten since it was last asked for. */
  haveBeaten(workers: readonly number[]): boolean {
    let all = true;
    for (const worker of workers) {
      const beats = Atomics.load(this.words, worker);
      if (beats === this.#seen[worker]) all = false;
      this.#seen[worker] = beats;
    }
    return all;
  }
}

/** Beats in this thread, for as long as its event loop goes round. */
export function beat(words: Int32Array, worker: number, everyMs: number): void {
  setInterval(() => Atomics.add(words, worker, 1), everyMs);
}
