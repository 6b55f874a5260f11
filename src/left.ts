// Left: whether the client of an exchange is gone, and who wants to know.

/** Tells those who want to know that the client is gone: an AbortSignal without its cost. */
export class Left {
  yes = false;
  #call: Listener = undefined;

  /** Whether somebody wants to know. */
  get isHeard(): boolean {
    return this.#call !== undefined;
  }

  /**
   * Adds one who is told, once, behind those who were there before; at once nobody is told. Gives who was there before, for
   * `restore`: whoever adds one takes it away before anybody who came earlier does.
   */
  also(call: () => void): Listener {
    const before = this.#call;
    this.#call = before === undefined ? call : () => (before(), call());
    return before;
  }

  /** Those are told who were there before. */
  restore(before: Listener): void {
    this.#call = before;
  }

  /** What runs for the client is given up, though the client is there: somebody else has answered. */
  giveUp(): void {
    this.#call?.();
  }

  /** Notes that the client is gone, and calls who wants to know. Later calls do nothing. */
  tell(): void {
    if (this.yes) return;
    this.yes = true;
    const call = this.#call;
    this.#call = undefined;
    call?.();
  }
}

/** Who is told; undefined: nobody. */
export type Listener = (() => void) | undefined;
