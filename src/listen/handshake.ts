// A connection before TLS is established: bounded in time, and nobody's yet.
import { Deadline } from "../http/deadlines.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import type { Guest, Shared } from "./shared.ts";

/** Owns a socket until its handshake is done. */
export class Handshake implements Guest, SocketHandler {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #done: (handshake: Handshake) => void;
  readonly #patience: Deadline;

  /** @param done told once TLS is established; gives the socket another handler */
  constructor(socket: Socket, shared: Shared, done: (handshake: Handshake) => void) {
    this.#socket = socket;
    this.#shared = shared;
    this.#done = done;
    this.#patience = new Deadline(() => socket.destroy());
    socket.handler = this;
    shared.deadlines.arm(this.#patience, shared.plan.headMs);
  }

  secured(): void {
    this.#shared.deadlines.disarm(this.#patience);
    this.#done(this);
  }

  drain(): void {
    // It may end, and the client may ask what it came for: the connection is told then.
  }

  cut(): void {
    this.#socket.destroy();
  }

  reroute(): void {}

  data(): void {}

  drained(): void {}

  ended(): void {
    this.#socket.destroy();
  }

  closed(): void {
    this.#shared.deadlines.disarm(this.#patience);
    this.#shared.closed(this);
  }
}
