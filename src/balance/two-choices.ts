// The power of two choices (Mitzenmacher): of two targets drawn by weight the better one. What all such policies share.
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import { Draw } from "./draw.ts";
import type { Policy } from "./policy.ts";

/**
 * Draws two targets by weight and takes the first, unless the second is better. Nobody takes all that comes because it
 * looks best for a moment, and who is best is never looked for among all.
 */
export abstract class TwoChoices<T extends Target> implements Policy<T> {
  readonly #random: () => number;
  #targets: readonly T[] = [];
  #draw = new Draw([], () => 0);
  protected weights: readonly number[] = [];

  /** @param random numbers from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    this.#targets = targets;
    this.weights = weights;
    this.#draw = new Draw(weights, this.#random);
  }

  pick(_x: Exchange): T {
    const targets = this.#targets;
    if (targets.length === 1) return targets[0]!;
    const first = this.#draw.any();
    const second = this.#draw.but(first);
    return targets[this.isBetter(second, first) ? second : first]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    const targets = this.#targets;
    const wasTried = (i: number): boolean => tried.includes(targets[i]!);
    const first = this.#draw.except(wasTried);
    if (first < 0) return this.pick(x);
    const second = this.#draw.except((i) => i === first || wasTried(i));
    return targets[second >= 0 && this.isBetter(second, first) ? second : first]!;
  }

  /** The sum of the weights of all targets. */
  protected get totalWeight(): number {
    return this.#draw.total;
  }

  protected target(i: number): T {
    return this.#targets[i]!;
  }

  /** A random number from 0 up to 1. */
  protected chance(): number {
    return this.#random();
  }

  /** Whether the second is to be taken though the first was drawn first. Both are indices. */
  protected abstract isBetter(second: number, first: number): boolean;
}
