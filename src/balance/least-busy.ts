// The less busy of two: attempts under way, relative to weight.
import type { Target } from "../target.ts";
import { TwoChoices } from "./two-choices.ts";
import { UnderWay } from "./under-way.ts";

/**
 * Takes the second only if it is no busier with this attempt than the first is without it. So shares follow weights while
 * nothing is under way, a light target is not flooded because it is idle, and a new one fills up as others empty.
 */
export class LeastBusy<T extends Target> extends TwoChoices<T> {
  readonly watchers = [new UnderWay<T>()];

  protected isBetter(second: number, first: number): boolean {
    const { weights } = this;
    return (this.target(second).inFlight + 1) * weights[first]! <= this.target(first).inFlight * weights[second]!;
  }
}
