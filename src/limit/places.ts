// The places of bounds on what is under way: who has one, and who waits for one, in order.
import type { Claim, PlaceBound, PlaceState } from "../shared.ts";

/** What one claim has come to. */
interface Claimant {
  holds: boolean;
  /** `max` of the bound when the claim was made. */
  readonly max: number;
  readonly answered: (state: PlaceState) => void;
}

/** Places of one value. There is an entry only while one is taken. */
interface Value {
  taken: number;
  readonly waiting: Set<Claimant>;
}

/** The places of one bound, each value for itself. */
export class Places {
  readonly #values = new Map<string, Value>();

  /** How many values have places taken. */
  get values(): number {
    return this.#values.size;
  }

  /** See {@link Claim}. Answers before it returns. */
  readonly claim: Claim = ({ max, queue, observe }: PlaceBound, text, answered) => {
    const value = this.#values.get(text) ?? { taken: 0, waiting: new Set() };
    const isOver = value.taken >= max;
    const claimant: Claimant = { holds: !isOver || observe, max, answered };
    if (claimant.holds) {
      if (value.taken++ === 0) this.#values.set(text, value);
      answered(isOver ? "over" : "held");
    } else if (value.waiting.size < queue) {
      value.waiting.add(claimant);
      answered("waits");
    } else {
      answered("full");
      return () => undefined;
    }
    return () => this.#release(text, value, claimant);
  };

  #release(text: string, value: Value, claimant: Claimant): void {
    if (!claimant.holds) {
      value.waiting.delete(claimant);
      return;
    }
    claimant.holds = false;
    value.taken--;
    const [next] = value.waiting;
    // Fewer places than there were are not given away as they become free.
    if (next !== undefined && value.taken < next.max) {
      value.waiting.delete(next);
      value.taken++;
      next.holds = true;
      next.answered("held");
    } else if (value.taken === 0) this.#values.delete(text);
  }
}
