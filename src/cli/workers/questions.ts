// What a worker asks of the main thread, which keeps it for all.
import type { Noted, PlaceState, Shared } from "../../shared.ts";
import type { FromWorker, ToWorker } from "./messages.ts";

/** Asks, and hands each answer to whom it is for. */
export class Questions {
  readonly #post: (message: FromWorker) => void;
  readonly #notes = new Map<number, (noted: Noted) => void>();
  readonly #claims = new Map<number, (state: PlaceState) => void>();
  #count = 0;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  /** Asks the main thread whether a key was seen before. See Shared. */
  readonly note: Shared["note"] = (bounds, key) => {
    const { promise, resolve } = Promise.withResolvers<Noted>();
    const id = ++this.#count;
    this.#notes.set(id, resolve);
    this.#post({ kind: "note", id, bounds, key });
    return promise;
  };

  /** Asks the main thread for a place of `inFlight`. See Shared. */
  readonly claim: Shared["claim"] = ({ name, max, queue, observe }, text, answered) => {
    const id = ++this.#count;
    this.#claims.set(id, answered);
    this.#post({ kind: "claim", id, bound: { name, max, queue, observe }, text });
    return () => {
      // An answer that is on its way is for nobody; the main thread knows whether there is a place to free.
      this.#claims.delete(id);
      this.#post({ kind: "release", id });
    };
  };

  /** Takes an answer of the main thread. */
  answered(message: Extract<ToWorker, { kind: "noted" | "claimed" }>): void {
    const { id } = message;
    if (message.kind === "noted") {
      this.#notes.get(id)?.(message.noted);
      this.#notes.delete(id);
      return;
    }
    const answered = this.#claims.get(id);
    if (message.state === "full") this.#claims.delete(id);
    answered?.(message.state);
  }
}
