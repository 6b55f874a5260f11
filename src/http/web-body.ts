// Bodies between the two worlds: a Body pushes at the sink's pace, a ReadableStream is pulled by its reader.
import type { Body, BodySink, Content } from "./body.ts";
import { isStream } from "./body.ts";

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

/** Streams that stand for a Body and that nobody has read yet; the call takes the Body out. */
const standIns = new WeakMap<ReadableStream<Uint8Array>, () => Body>();

/**
 * A ReadableStream as a Body. A stream that {@link streamFromContent} made and nobody has read gives back the Body it
 * stands for. A `length` is a promise: content that turns out shorter or longer fails, for a message framed by it would
 * be wrong. The stream is read no faster than the sink takes it, and cancelled with the body.
 */
export function bodyFromStream(stream: ReadableStream<Uint8Array>, length?: number): Body {
  const takeOut = stream.locked ? undefined : standIns.get(stream);
  return takeOut === undefined ? new StreamBody(stream, length) : takeOut();
}

/**
 * Content as the Web API takes it. A stream that was only carried comes out as the same object; any other Body is read
 * when the stream is, and not ahead of it. Cancelling the stream cancels the body; a body that fails makes the stream
 * fail with the same error. Trailers are lost: the Web API has no place for them.
 */
export function streamFromContent(content: Content): ReadableStream<Uint8Array> | Uint8Array | null {
  if (!isStream(content)) return content;
  return (content instanceof StreamBody ? content.take() : undefined) ?? streamFromBody(content);
}

function streamFromBody(body: Body): ReadableStream<Uint8Array> {
  let piped = false;
  let wanted = false;
  let writing = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        wanted = true;
        if (!piped) {
          if (!standIns.delete(stream)) throw new TypeError("this content has been passed on: it cannot be read here");
          piped = true;
          body.pipe(sinkOf(controller));
        } else if (!writing) {
          body.resume();
        }
      },
      cancel(reason) {
        if (piped || standIns.delete(stream)) body.cancel(reason === undefined ? undefined : asError(reason));
      },
    },
    // Nothing is read ahead: what nobody asks for stays with its sender.
    { highWaterMark: 0 },
  );
  standIns.set(stream, () => {
    standIns.delete(stream);
    return body;
  });
  return stream;

  function sinkOf(controller: ReadableStreamDefaultController<Uint8Array>): BodySink {
    return {
      write(chunk) {
        if (chunk.length === 0) return true;
        wanted = false;
        // `enqueue` may call `pull` before it returns: the answer below tells the body then, not a nested `resume`.
        writing = true;
        controller.enqueue(chunk);
        writing = false;
        return wanted;
      },
      end() {
        controller.close();
      },
      fail(error) {
        controller.error(error);
      },
    };
  }
}

/** Content up to this size is taken whole when it is here already. */
const MOST_WHOLE = 1024 * 1024;
/** Turns of the microtask queue that the runtimes take to hand out what is here: 3 on Bun, 8 on Deno. */
const TURNS = 10;

/** What a promise has settled to within a few turns of the microtask queue; undefined if it has not, or was rejected. */
async function atOnce<T>(promise: Promise<T>): Promise<T | undefined> {
  let value: T | undefined;
  let settled = false;
  promise.then(
    (given) => {
      value = given;
      settled = true;
    },
    () => (settled = true),
  );
  for (let turn = 0; turn < TURNS && !settled; turn++) await undefined;
  return value;
}

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

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

function ignore(): void {}
