// The first target that may be picked, in the order of the config: the others stand by.
import type { Exchange } from "../exchange.ts";
import type { Target } from "../target.ts";
import type { Policy } from "./policy.ts";

/** Picks the first. A later attempt goes to the next in order. Weights say nothing here, but 0 is never picked. */
export class First<T extends Target> implements Policy<T> {
  #targets: readonly T[] = [];

  use(targets: readonly T[]): void {
    this.#targets = targets;
  }

  pick(_x: Exchange): T {
    return this.#targets[0]!;
  }

  other(x: Exchange, tried: readonly T[]): T {
    return this.#targets.find((target) => !tried.includes(target)) ?? this.pick(x);
  }
}
