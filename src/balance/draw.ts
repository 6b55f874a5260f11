// Draws by weight: which of several is next, where chance decides.

/** Weights laid end to end: a random point falls on each as often as its weight says. */
export class Draw {
  /** Where the stretch of each ends. */
  readonly #ends: Float64Array;
  readonly #weights: readonly number[];
  readonly #random: () => number;
  /** The sum of all weights. */
  readonly total: number;

  /**
   * @param weights at least one, each above 0
   * @param random numbers from 0 up to 1
   */
  constructor(weights: readonly number[], random: () => number) {
    let end = 0;
    this.#ends = Float64Array.from(weights, (weight) => (end += weight));
    this.#weights = weights;
    this.#random = random;
    this.total = end;
  }

  /** An index, drawn by weight. */
  any(): number {
    return this.#at(this.#random() * this.total);
  }

  /** An index that is not this one; of at least two. */
  but(index: number): number {
    const weight = this.#weights[index]!;
    const point = this.#random() * (this.total - weight);
    const found = this.#at(point < this.#ends[index]! - weight ? point : point + weight);
    // Sums are rounded: a point at a border may fall on the wrong side of it.
    if (found !== index) return found;
    return index + 1 < this.#ends.length ? index + 1 : index - 1;
  }

  /** An index that none of the excluded ones is; -1 when there is none. Takes as long as there are weights. */
  except(isExcluded: (index: number) => boolean): number {
    let left = 0;
    for (let i = 0; i < this.#weights.length; i++) if (!isExcluded(i)) left += this.#weights[i]!;
    let point = this.#random() * left;
    let last = -1;
    for (let i = 0; i < this.#weights.length; i++) {
      if (isExcluded(i)) continue;
      last = i;
      point -= this.#weights[i]!;
      if (point < 0) return i;
    }
    return last;
  }

  /** On whose stretch a point lies. */
  #at(point: number): number {
    let low = 0;
    let high = this.#ends.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
