// What a client still sends of a request that has been answered: taken and dropped, within bounds.
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { WINDOW } from "../../http/http2/incoming.ts";

/** So long is waited for its end. */
const LONGEST_MS = 5000;
/** So much of it is taken. */
const MOST = 1024 * 1024;

/**
 * A rest up to this size is taken also behind an answer that is no error: the window for all of it is opened before the answer.
 * Half of a connection's window, so that nothing else has to be waited for.
 */
export const MOST_UNASKED = WINDOW / 2;

/**
 * The rest of one request. A client may be told at once to send no more, in one breath with its answer (RFC 9113 section 8.1);
 * but there are clients that lose the answer then, or, told later, do not hear of it any more while they wait for a window (both
 * curl 7.88). Behind an error they stop by themselves: what comes until then is taken. Behind any other answer they send all of
 * it: that is let in if it is little, else they are told at once.
 */
export class Leftover {
  readonly #deadlines: Deadlines;
  readonly #patience: Deadline;
  readonly #tooMuch: () => void;
  #left = MOST;

  /** @param tooMuch told once, when it takes too long or is too much */
  constructor(deadlines: Deadlines, tooMuch: () => void) {
    this.#deadlines = deadlines;
    this.#tooMuch = tooMuch;
    this.#patience = new Deadline(tooMuch);
    deadlines.arm(this.#patience, LONGEST_MS);
  }

  /** So much has come. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) this.#tooMuch();
  }

  /** Nothing more is waited for. */
  end(): void {
    this.#deadlines.disarm(this.#patience);
  }
}
