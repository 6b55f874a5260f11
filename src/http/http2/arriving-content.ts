// Content as it comes in DATA frames: at the reader's pace, because the peer may send no more than was taken.
import { Accumulator } from "../accumulator.ts";
import type { Body, BodySink } from "../body.ts";
import type { Fields } from "../fields.ts";

/** What the content needs of the stream it arrives on. */
export interface ArrivingEvents {
  /** Somebody reads. */
  wanted(): void;
  /** So many bytes are no longer held here. */
  taken(bytes: number): void;
  /** Nobody reads the rest. */
  abandoned?(): void;
}

/** A body that a stream feeds. What waits is bounded by the stream's window. */
export class ArrivingContent implements Body {
  readonly length: number | undefined;
  /** Content bytes received. */
  received = 0;
  /** The last byte has arrived. */
  whole = false;
  readonly #events: ArrivingEvents;
  #trailers: Fields | undefined = undefined;
  #failure: Error | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  readonly #held = new Accumulator();
  /** In the hands of a sink that is full: taken once it has room again. */
  #passed = 0;
  #isFull = false;
  /** Nothing is owed to the sink any more: it has its end, or nobody reads. */
  #isOver = false;

  constructor(length: number | undefined, events: ArrivingEvents) {
    this.length = length;
    this.#events = events;
  }

  /** All of it, if it is here, nobody has begun to read it, and there is nothing behind it; the body is used up then. */
  takeWhole(most: number): Uint8Array | undefined {
    if (!this.whole || this.#sink !== undefined || this.#trailers !== undefined || this.#held.length > most)
      return undefined;
    this.#isOver = true;
    return this.#held.take();
  }

  pipe(sink: BodySink): void {
    if (this.#isOver) return;
    this.#sink = sink;
    if (!this.whole && this.#failure === undefined) this.#events.wanted();
    this.#pass();
  }

  resume(): void {
    if (!this.#isFull) return;
    this.#isFull = false;
    const passed = this.#passed;
    this.#passed = 0;
    this.#events.taken(passed);
    this.#pass();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#drop();
    if (!this.whole) this.#events.abandoned?.();
  }

  /** A piece has come. */
  data(piece: Uint8Array): void {
    this.received += piece.length;
    if (this.#isOver) return this.#events.taken(piece.length);
    if (this.#sink === undefined || this.#isFull || this.#held.length > 0) this.#held.append(piece);
    else this.#give(this.#sink, piece);
  }

  /** It is whole. */
  end(trailers: Fields | undefined): void {
    this.whole = true;
    this.#trailers = trailers;
    this.#pass();
  }

  /** It breaks off. Nothing happens when it was whole. */
  fail(error: Error): void {
    if (this.#failure !== undefined || this.whole) return;
    this.#failure = error;
    this.#pass();
  }

  /** Gives the sink what waits, as far as it has room. */
  #pass(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isOver) return;
    if (this.#failure !== undefined) {
      this.#isOver = true;
      this.#drop();
      return sink.fail(this.#failure);
    }
    if (this.#isFull) return;
    if (this.#held.length > 0) this.#give(sink, this.#held.take());
    // The sink may have ended it, or be full now.
    if (!this.whole || this.#isFull || this.#isOver) return;
    this.#isOver = true;
    sink.end(this.#trailers);
  }

  #give(sink: BodySink, piece: Uint8Array): void {
    if (sink.write(piece) || this.#isOver) return this.#events.taken(piece.length);
    this.#isFull = true;
    this.#passed += piece.length;
  }

  #drop(): void {
    const bytes = this.#held.length + this.#passed;
    this.#held.take();
    this.#passed = 0;
    this.#sink = undefined;
    this.#events.taken(bytes);
  }
}
