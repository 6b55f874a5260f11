// A plain connection before its first bytes: a client that knows so begins with HTTP/2 (RFC 9113 section 3.3).
import { Deadline } from "../../http/deadlines.ts";
import { PREFACE } from "../../http/http2/frame.ts";
import { joined } from "../../http/framing.ts";
import type { Socket, SocketHandler } from "../../platform.ts";
import { type Guest, LAST_MS, type Shared } from "../shared.ts";

/** What no request of HTTP/1.1 begins with. */
const SIGN = PREFACE.slice(0, PREFACE.indexOf("\r"));

/** Owns a socket until it is known what its client speaks. */
export class Greeting implements Guest, SocketHandler {
  readonly #socket: Socket;
  readonly #shared: Shared;
  readonly #known: (greeting: Greeting, isHttp2: boolean) => void;
  readonly #patience: Deadline;
  #bytes: Uint8Array = new Uint8Array(0);

  /** @param known told what the client speaks; gives the socket another handler, which gets what has come */
  constructor(socket: Socket, shared: Shared, known: (greeting: Greeting, isHttp2: boolean) => void) {
    this.#socket = socket;
    this.#shared = shared;
    this.#known = known;
    // What has begun to come and goes no further is HTTP/1.1's to judge.
    this.#patience = new Deadline(() => (this.#bytes.length === 0 ? socket.close() : this.#hand(false)));
    socket.handler = this;
    shared.deadlines.arm(this.#patience, shared.plan.keepAliveMs);
  }

  data(bytes: Uint8Array): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : joined([this.#bytes, bytes]);
    const length = Math.min(this.#bytes.length, SIGN.length);
    for (let i = 0; i < length; i++) if (this.#bytes[i] !== SIGN.charCodeAt(i)) return this.#hand(false);
    if (length === SIGN.length) this.#hand(true);
    else this.#shared.deadlines.arm(this.#patience, this.#shared.plan.headMs);
  }

  drain(): void {
    this.#shared.deadlines.arm(this.#patience, LAST_MS);
  }

  cut(): void {
    this.#socket.destroy();
  }

  reroute(): void {}

  drained(): void {}

  ended(): void {
    this.#socket.end();
  }

  closed(): void {
    this.#shared.deadlines.disarm(this.#patience);
    this.#shared.closed(this);
  }

  /** Whoever takes over goes on as if it had been there from the beginning. */
  #hand(isHttp2: boolean): void {
    this.#shared.deadlines.disarm(this.#patience);
    this.#known(this, isHttp2);
    if (this.#bytes.length > 0) this.#socket.handler.data(this.#bytes);
  }
}
