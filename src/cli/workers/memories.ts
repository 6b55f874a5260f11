// What the main thread keeps for all workers: what was seen before, and the places of what is under way.
import { ReplayStore } from "../../auth/dpop/replay-store.ts";
import { Places } from "../../limit/places.ts";
import type { Claim, NoteBounds, Noted } from "../../shared.ts";

/** Memories by their names in the config. */
export class Memories {
  readonly #seen = new Map<string, ReplayStore>();
  readonly #places = new Map<string, Places>();

  /** Notes a key, and says whether it was seen before. See Shared. */
  note(bounds: NoteBounds, key: string): Noted {
    let seen = this.#seen.get(bounds.name);
    if (seen === undefined) {
      seen = new ReplayStore();
      this.#seen.set(bounds.name, seen);
    }
    return seen.add(bounds, key, performance.now());
  }

  /** See Claim. Answers before it returns. */
  readonly claim: Claim = (bound, text, answered) => {
    let places = this.#places.get(bound.name);
    if (places === undefined) {
      places = new Places();
      this.#places.set(bound.name, places);
    }
    return places.claim(bound, text, answered);
  };
}
