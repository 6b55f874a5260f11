// Smooth weighted round robin: every target in turn, the heavier ones more often, never in bursts.
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import { Draw } from "./draw.ts";
import type { Policy } from "./policy.ts";

/**
 * Picks in turn. Over any run of `sum of weights` picks each target is picked exactly as often as its weight. When targets
 * or weights change, those that stay keep what they are behind: however often that happens, the lightest gets its share. A
 * later attempt goes to any target that was not tried, by weight, and takes nobody's turn.
 */
export class RoundRobin<T extends Target> implements Policy<T> {
  readonly #random: () => number;
  #targets: readonly T[] = [];
  #weights: readonly number[] = [];
  #draw = new Draw([], () => 0);
  /** How far each is behind its share. Empty where all weights are equal and nobody is: then `#turn` suffices. */
  #behind = new Float64Array();
  #turn = 0;

  /** @param random numbers from 0 up to 1 */
  constructor(random: () => number) {
    this.#random = random;
  }

  use(targets: readonly T[], weights: readonly number[]): void {
    const before = new Map(this.#targets.map((target, i) => [target, this.#owed(i)]));
    this.#targets = targets;
    this.#weights = weights;
    const { total: was } = this.#draw;
    this.#draw = new Draw(weights, this.#random);
    const { total } = this.#draw;
    const behind = Float64Array.from(targets, (target) => ((before.get(target) ?? 0) * total) / (was || 1));
    const even = weights.every((weight) => weight === weights[0]) && behind.every((each) => each === 0);
    this.#behind = even ? new Float64Array() : behind;
    this.#turn = 0;
  }

  pick(_x: Exchange): T {
    const targets = this.#targets;
    const behind = this.#behind;
    if (behind.length === 0) {
      const at = this.#turn;
      this.#turn = at + 1 === targets.length ? 0 : at + 1;
      return targets[at]!;
    }
    const weights = this.#weights;
    let best = 0;
    for (let i = 0; i < behind.length; i++) {
      behind[i]! += weights[i]!;
      if (behind[i]! > behind[best]!) best = i;
    }
    behind[best]! -= this.#draw.total;
    return targets[best]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    const at = this.#draw.except((i) => tried.includes(this.#targets[i]!));
    return at < 0 ? this.pick(x) : this.#targets[at]!;
  }

  /** How far a target is behind its share now. */
  #owed(i: number): number {
    if (this.#behind.length > 0) return this.#behind[i]!;
    // Those before the turn have had theirs, as smooth turns of equal weights leave them.
    const weight = this.#weights[i]!;
    const count = this.#targets.length;
    const given = this.#turn * weight;
    return i < this.#turn ? given - count * weight : given;
  }
}
