// The end of a client's connection: our FIN is out, and what the client still sends is read and dropped, for a while.
import { Deadline } from "../http/deadlines.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import type { Shared, Successor } from "./shared.ts";

/** A client that has sent all it had has so long to close too. */
const CLOSING_MS = 1000;
/** One that still sends is heard for so long, so that its answer is not lost in a reset. */
const LINGER_MS = 5000;
/** Of what it still sends, so much is read and dropped; then it waits. */
const MOST_DROPPED = 1024 * 1024;

/** Takes a socket over whose last answer is out, and closes it (RFC 9112 section 9.6). */
export class Lingering implements SocketHandler, Successor {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #gone: () => void;
  readonly #patience: Deadline;
  #dropped = 0;

  /**
   * @param sending whether the client may be in the middle of a request
   * @param gone told once, when the socket is closed
   */
  constructor(socket: Socket, shared: Shared, sending: boolean, gone: () => void) {
    this.#socket = socket;
    this.#shared = shared;
    this.#gone = gone;
    // What the client has not read yet is the kernel's to deliver: a reset would take it back.
    this.#patience = new Deadline(() => this.cut());
    socket.handler = this;
    socket.end();
    shared.deadlines.arm(this.#patience, sending ? LINGER_MS : CLOSING_MS);
  }

  /** Waits no longer. The last answer is out: nothing is broken off. */
  cut(): void {
    this.#socket.close();
  }

  reroute(): void {}

  data(bytes: Uint8Array): void {
    this.#dropped += bytes.length;
    if (this.#dropped > MOST_DROPPED) this.#socket.pause();
  }

  drained(): void {}

  ended(): void {}

  closed(): void {
    this.#shared.deadlines.disarm(this.#patience);
    this.#gone();
  }
}
