// A ReadableStream as a body on its way: read no faster than its sink takes it.
import type { Body, BodySink } from "./body.ts";

type ReadResult = Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>>;

/** A body whose bytes come from a ReadableStream. While nobody has read it, the stream can be handed on as it is. */
export class StreamBody implements Body {
  readonly length: number | undefined;
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  /** Read before anybody piped. */
  readonly #early: Uint8Array[] = [];
  #reading: Promise<ReadResult> | undefined = undefined;
  #received = 0;
  #full = false;
  #pumping = false;
  #over = false;

  constructor(stream: ReadableStream<Uint8Array>, length: number | undefined) {
    this.#stream = stream;
    this.length = length;
  }

  /** The stream itself while nobody has begun to read, cancelled or taken it. */
  get untouched(): ReadableStream<Uint8Array> | undefined {
    return this.#over || this.#reader !== undefined ? undefined : this.#stream;
  }

  /** Takes the stream out, after which the body is used up; undefined if it is no longer untouched. */
  take(): ReadableStream<Uint8Array> | undefined {
    const stream = this.untouched;
    if (stream !== undefined) this.#over = true;
    return stream;
  }

  /**
   * All of it, if it is here already and need not be waited for: text and bytes of a Response are. The body is used up
   * then. Otherwise undefined, and the body goes on as before, with what was read. Only before `pipe`.
   */
  async whole(): Promise<Uint8Array | undefined> {
    if (this.untouched === undefined || this.#stream.locked) return undefined;
    this.#reader = this.#stream.getReader();
    let size = 0;
    while (size <= MOST_WHOLE) {
      this.#reading = this.#reader.read();
      const piece = await atOnce(this.#reading);
      // Not here yet, broken, or no bytes: whoever pipes will see.
      if (piece === undefined || !(piece.done || piece.value instanceof Uint8Array)) return undefined;
      this.#reading = undefined;
      if (piece.done) {
        this.#over = true;
        return joined(this.#early, size);
      }
      this.#early.push(piece.value);
      size += piece.value.length;
    }
    return undefined;
  }

  pipe(sink: BodySink): void {
    if (this.#over) return;
    try {
      this.#reader ??= this.#stream.getReader();
    } catch (thrown) {
      this.#over = true;
      sink.fail(asError(thrown));
      return;
    }
    this.#sink = sink;
    void this.#pump(this.#reader, sink);
  }

  resume(): void {
    if (!this.#full) return;
    this.#full = false;
    if (this.#reader !== undefined && this.#sink !== undefined) void this.#pump(this.#reader, this.#sink);
  }

  cancel(reason?: Error): void {
    if (this.#over) return;
    this.#over = true;
    // A stream that has failed already, or that somebody else has locked, refuses: there is nothing left to stop then.
    const source = this.#reader ?? this.#stream;
    source.cancel(reason).catch(ignore);
  }

  async #pump(reader: ReadableStreamDefaultReader<Uint8Array>, sink: BodySink): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#over && !this.#full) {
      const early = this.#early.shift();
      if (early !== undefined) {
        this.#pass(early, reader, sink);
        continue;
      }
      let piece: ReadResult;
      try {
        piece = await (this.#reading ?? reader.read());
        this.#reading = undefined;
      } catch (thrown) {
        this.#finish(sink, asError(thrown));
        break;
      }
      if (this.#over) break;
      if (piece.done) this.#finish(sink, this.#shortfall());
      else this.#pass(piece.value, reader, sink);
    }
    this.#pumping = false;
  }

  #pass(chunk: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>, sink: BodySink): void {
    if (!(chunk instanceof Uint8Array)) {
      const error = new TypeError("A body stream gave something that is not bytes (Uint8Array)");
      reader.cancel(error).catch(ignore);
      this.#finish(sink, error);
      return;
    }
    if (chunk.length === 0) return;
    this.#received += chunk.length;
    if (this.length !== undefined && this.#received > this.length) {
      const error = new Error(`Content is longer than its Content-Length of ${this.length} bytes`);
      reader.cancel(error).catch(ignore);
      this.#finish(sink, error);
      return;
    }
    if (!sink.write(chunk)) this.#full = true;
  }

  #shortfall(): Error | undefined {
    if (this.length === undefined || this.#received === this.length) return undefined;
    return new Error(`Content ended after ${this.#received} of ${this.length} bytes`);
  }

  #finish(sink: BodySink, error: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (error === undefined) sink.end();
    else sink.fail(error);
  }
}

/** Content up to this size is taken whole when it is here already. */
const MOST_WHOLE = 1024 * 1024;
/** Turns of the microtask queue that the runtimes take to hand out what is here: 3 on Bun, 8 on Deno. */
const TURNS = 10;

/** What a promise has settled to within a few turns of the microtask queue; undefined if it has not, or was rejected. */
async function atOnce<T>(promise: Promise<T>): Promise<T | undefined> {
  let settled = false;
  const value = promise.then(
    (given) => {
      settled = true;
      return given;
    },
    () => {
      settled = true;
      return undefined;
    },
  );
  for (let turn = 0; turn < TURNS && !settled; turn++) await NEXT_TURN;
  return settled ? value : undefined;
}

const NEXT_TURN = Promise.resolve();

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Whatever was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

function ignore(): void {}
