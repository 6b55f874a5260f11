// The content of a request on its way to a target, at the target's pace.
import { type GatewayError, toGatewayError } from "../../errors.ts";
import type { Body, BodySink } from "../../http/body.ts";
import type { Fields } from "../../http/fields.ts";
import { chunkOf, lastChunk } from "../../http/framing.ts";
import type { Socket } from "../../platform.ts";

/** What becomes of the content. */
export interface OutgoingEvents {
  /** All of it is out. */
  sent(): void;
  /** The target takes no more for now. */
  full(): void;
  /** It takes again. */
  moving(): void;
  /** It broke off at its source. */
  failed(error: GatewayError): void;
}

/** Writes content to a target's socket: as it is when its length is known, else in chunks. */
export class OutgoingBody implements BodySink {
  /** The last byte has been given to the socket. */
  done = false;
  readonly #socket: Socket;
  readonly #content: Body;
  readonly #trails: ((key: string) => boolean) | undefined;
  readonly #events: OutgoingEvents;
  readonly #chunked: boolean;
  #abandoned = false;

  constructor(socket: Socket, content: Body, trails: ((key: string) => boolean) | undefined, events: OutgoingEvents) {
    this.#socket = socket;
    this.#content = content;
    this.#trails = trails;
    this.#events = events;
    this.#chunked = content.length === undefined;
  }

  /** Begins. The head must be out. */
  start(): void {
    this.#content.pipe(this);
  }

  write(piece: Uint8Array): boolean {
    if (this.#abandoned) return false;
    if (piece.length === 0) return true;
    const room = this.#socket.write(this.#chunked ? chunkOf(piece) : piece);
    if (!room) this.#events.full();
    return room;
  }

  end(trailers?: Fields): void {
    if (this.#abandoned) return;
    this.done = true;
    if (this.#chunked) this.#socket.writeText(lastChunk(trailers, this.#trails));
    this.#events.sent();
  }

  fail(error: Error): void {
    if (!this.#abandoned) this.#events.failed(toGatewayError(error));
  }

  /** The socket has room again. */
  drained(): void {
    if (this.done || this.#abandoned) return;
    this.#events.moving();
    this.#content.resume();
  }

  /** The target needs no more of it. */
  abandon(): void {
    if (this.done || this.#abandoned) return;
    this.#abandoned = true;
    this.#content.cancel();
  }
}
