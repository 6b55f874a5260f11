// A body on its way from a socket to whoever reads it: out of its framing, bounded, at the reader's pace.
import type { GatewayError } from "../errors.ts";
import type { Body, BodySink } from "./body.ts";
import { BodyReader } from "./framing.ts";
import { CHUNKED, Malformed, UNTIL_CLOSE } from "./message.ts";

/** What an arriving body needs of the connection it arrives on. */
export interface BodySource {
  /** Somebody reads. */
  wanted(): void;
  /** Stop or start reading the socket. */
  pauseReading(): void;
  resumeReading(): void;
  /** Nobody will read the rest. */
  abandoned(): void;
  /** What a malformed body means on this connection. */
  explain(fault: Malformed): GatewayError;
}

/** Most bytes kept for a reader that has not come yet; then the socket is paused. */
const MOST_EARLY = 64 * 1024;

/** A body that a connection feeds. */
export class ArrivingBody implements Body {
  readonly length: number | undefined;
  /** Content bytes received. */
  received = 0;
  readonly #source: BodySource;
  readonly #reader: BodyReader;
  #sink: BodySink | undefined = undefined;
  #early: Uint8Array[] = [];
  #failure: GatewayError | undefined = undefined;
  #cancelled = false;

  /** @param bodyLength bytes, CHUNKED or UNTIL_CLOSE */
  constructor(bodyLength: number, source: BodySource) {
    this.length = bodyLength === CHUNKED || bodyLength === UNTIL_CLOSE ? undefined : bodyLength;
    this.#source = source;
    this.#reader = new BodyReader(bodyLength);
  }

  /** The last byte has arrived. */
  get whole(): boolean {
    return this.#reader.done;
  }

  pipe(sink: BodySink): void {
    if (this.#cancelled) return;
    this.#sink = sink;
    if (!this.#reader.done && this.#failure === undefined) this.#source.wanted();
    const early = this.#early;
    this.#early = [];
    let room = true;
    for (const piece of early) {
      room = sink.write(piece) && room;
      if (this.#cancelled) return;
    }
    if (this.#failure !== undefined) {
      this.#sink = undefined;
      sink.fail(this.#failure);
    } else if (this.#reader.done) sink.end(this.#reader.trailers);
    else if (room) this.#source.resumeReading();
    else this.#source.pauseReading();
  }

  resume(): void {
    if (!this.#reader.done) this.#source.resumeReading();
  }

  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#sink = undefined;
    this.#early = [];
    if (!this.#reader.done) this.#source.abandoned();
  }

  /**
   * Takes bytes from the socket, from `at` on; returns the index behind those that belong to this body. Malformed
   * framing fails the body and takes all.
   */
  feed(bytes: Uint8Array, at: number): number {
    if (this.#failure !== undefined) return bytes.length;
    let end: number;
    try {
      end = this.#reader.feed(bytes, at, this.#take);
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      this.fail(this.#source.explain(fault));
      return bytes.length;
    }
    if (this.#reader.done) this.#end();
    return end;
  }

  /** The connection ends in good order: whether that makes the body whole. */
  endedByClose(): boolean {
    if (this.#failure !== undefined) return false;
    const before = this.#reader.done;
    const whole = this.#reader.endedByClose();
    if (whole && !before) this.#end();
    return whole;
  }

  /** The body breaks off. Nothing happens when it was whole. */
  fail(error: GatewayError): void {
    if (this.#failure !== undefined || this.#reader.done) return;
    this.#failure = error;
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.fail(error);
  }

  #end(): void {
    const sink = this.#sink;
    this.#sink = undefined;
    sink?.end(this.#reader.trailers);
  }

  readonly #take = (piece: Uint8Array): void => {
    this.received += piece.length;
    if (this.#cancelled) return;
    if (this.#sink !== undefined) {
      if (!this.#sink.write(piece)) this.#source.pauseReading();
      return;
    }
    this.#early.push(piece);
    if (this.received >= MOST_EARLY) this.#source.pauseReading();
  };
}
