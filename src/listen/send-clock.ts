// The clock of a client that takes its answer: slow is allowed, standing still is not.
import type { GatewayError } from "../errors.ts";
import { Deadline, type Deadlines } from "../http/deadlines.ts";
import type { Socket } from "../platform.ts";
import { tookNothing } from "./lateness.ts";

/** Tells when a socket's peer has taken nothing of what waits for it, for so long. */
export class SendClock {
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;
  readonly #ms: number;
  readonly #deadline: Deadline;
  /** Bytes that waited when the clock was set. */
  #waiting = 0;

  constructor(socket: Socket, deadlines: Deadlines, ms: number, tooSlow: (error: GatewayError) => void) {
    this.#socket = socket;
    this.#deadlines = deadlines;
    this.#ms = ms;
    this.#deadline = new Deadline(() => {
      if (socket.waiting < this.#waiting) this.start();
      else tooSlow(tookNothing(ms));
    });
  }

  /** The socket is full. */
  start(): void {
    this.#waiting = this.#socket.waiting;
    this.#deadlines.arm(this.#deadline, this.#ms);
  }

  /** Nothing waits any more. */
  stop(): void {
    this.#deadlines.disarm(this.#deadline);
  }
}
