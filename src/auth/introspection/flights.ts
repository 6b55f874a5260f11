// Work that many wait for and one does; only so much of it at once.

/** Bounds of {@link Flights}. */
export interface FlightBounds {
  /** Most pieces of work that run at once. */
  readonly running: number;
  /** Most who wait, for work that runs or for its turn. */
  readonly waiting: number;
}

/** One piece of work per key at a time. */
export class Flights<T> {
  readonly #bounds: FlightBounds;
  readonly #flights = new Map<string, Promise<T>>();
  /** What has not begun, in order. */
  readonly #queue = new Set<() => void>();
  #running = 0;
  #waiting = 0;

  constructor(bounds: FlightBounds) {
    this.#bounds = bounds;
  }

  /** How many callers wait now. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * The result of the work for this key: of what is under way, or else of `work`, once it is its turn. Undefined when too
   * many wait. `work` must settle; it must not throw.
   */
  join(key: string, work: () => Promise<T>): Promise<T> | undefined {
    if (this.#waiting >= this.#bounds.waiting) return undefined;
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      flight = this.#turn()
        .then(work)
        .finally(() => {
          this.#flights.delete(key);
          this.#next();
        });
      this.#flights.set(key, flight);
    }
    this.#waiting++;
    return flight.finally(() => {
      this.#waiting--;
    });
  }

  #turn(): Promise<void> {
    if (this.#running < this.#bounds.running) {
      this.#running++;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#queue.add(resolve));
  }

  #next(): void {
    const [first] = this.#queue;
    if (first === undefined) this.#running--;
    else {
      this.#queue.delete(first);
      first();
    }
  }
}
