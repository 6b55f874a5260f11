// Some of many, drawn by lot: each has the same chance, however many come (reservoir sampling, algorithm R).

/** Keeps at most so many. */
export class Lot<T> {
  readonly #most: number;
  readonly #chance: () => number;
  #drawn: T[] = [];
  #offered = 0;

  constructor(most: number, chance: () => number) {
    this.#most = most;
    this.#chance = chance;
  }

  /** One more has come; it is made only if it is drawn. */
  offer(make: () => T): void {
    this.#offered++;
    const place = this.#drawn.length < this.#most ? this.#drawn.length : Math.floor(this.#chance() * this.#offered);
    if (place < this.#most) this.#drawn[place] = make();
  }

  /** Returns those that were drawn, and begins anew. */
  take(): T[] {
    const drawn = this.#drawn;
    this.#drawn = [];
    this.#offered = 0;
    return drawn;
  }
}
