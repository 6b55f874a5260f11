// Chance, by weight.
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import { Draw } from "./draw.ts";
import type { Policy } from "./policy.ts";

/** Picks by chance, each as often as its weight says. Threads and gateways that know nothing of each other stay even. */
export class Random<T extends Target> implements Policy<T> {
  readonly #random: () => number;
  #targets: readonly T[] = [];
  #draw = new Draw([], () => 0);

  /** @param random numbers from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    this.#targets = targets;
    this.#draw = new Draw(weights, this.#random);
  }

  pick(_x: Exchange): T {
    return this.#targets[this.#draw.any()]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    const at = this.#draw.except((i) => tried.includes(this.#targets[i]!));
    return at < 0 ? this.pick(x) : this.#targets[at]!;
  }
}
