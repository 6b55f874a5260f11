// Smooth weighted round robin: every target in turn, the heavier ones more often, never in bursts.
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import type { Policy } from "./policy.ts";

/**
 * Picks in turn. Over any run of `sum of weights` picks each target is picked exactly as often as its weight. A later
 * attempt goes to the first target that was not tried, and takes nobody's turn.
 */
export class RoundRobin<T extends Target> implements Policy<T> {
  #targets: readonly T[] = [];
  #weights: readonly number[] = [];
  #total = 0;
  /** How far each is behind its share. Empty where all weights are equal: then `#turn` suffices. */
  #behind: number[] = [];
  #turn = 0;

  use(targets: readonly T[], weights: readonly number[]): void {
    this.#targets = targets;
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#behind = weights.every((weight) => weight === weights[0]) ? [] : weights.map(() => 0);
    if (this.#turn >= targets.length) this.#turn = 0;
  }

  pick(_x: Exchange): T {
    const targets = this.#targets;
    const behind = this.#behind;
    if (behind.length === 0) {
      const at = this.#turn;
      this.#turn = at + 1 === targets.length ? 0 : at + 1;
      return targets[at]!;
    }
    let best = 0;
    for (let i = 0; i < behind.length; i++) {
      behind[i]! += this.#weights[i]!;
      if (behind[i]! > behind[best]!) best = i;
    }
    behind[best]! -= this.#total;
    return targets[best]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    return this.#targets.find((target) => !tried.includes(target)) ?? this.pick(x);
  }
}
