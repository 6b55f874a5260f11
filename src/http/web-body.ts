// Bodies between the two worlds: a Body pushes at the sink's pace, a ReadableStream is pulled by its reader.
import type { Body, BodySink, Content } from "./body.ts";
import { isStream } from "./body.ts";

/** A body whose bytes come from a ReadableStream. While nobody has read it, the stream can be handed on as it is. */
export class StreamBody implements Body {
  readonly length: number | undefined;
  readonly #stream: ReadableStream<Uint8Array>;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined = undefined;
  #sink: BodySink | undefined = undefined;
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

  pipe(sink: BodySink): void {
    if (this.#over) return;
    try {
      this.#reader = this.#stream.getReader();
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
      let piece: Awaited<ReturnType<typeof reader.read>>;
      try {
        piece = await reader.read();
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

/**
 * A ReadableStream as a Body. A `length` is a promise: content that turns out shorter or longer fails, for an answer or
 * request framed by it would be wrong. The stream is read no faster than the sink takes it, and cancelled with the body.
 */
export function bodyFromStream(stream: ReadableStream<Uint8Array>, length?: number): StreamBody {
  return new StreamBody(stream, length);
}

/**
 * Content as the Web API takes it. A stream that was only carried comes out as the same object; any other Body is read
 * when the stream is, one piece ahead of nobody. Cancelling the stream cancels the body; a body that fails makes the
 * stream fail with the same error. Trailers are lost: the Web API has no place for them.
 */
export function streamFromContent(content: Content): ReadableStream<Uint8Array> | Uint8Array | null {
  if (!isStream(content)) return content;
  return (content instanceof StreamBody ? content.take() : undefined) ?? streamFromBody(content);
}

function streamFromBody(body: Body): ReadableStream<Uint8Array> {
  let piped = false;
  let wanted = false;
  let writing = false;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        wanted = true;
        if (!piped) {
          piped = true;
          body.pipe(sinkOf(controller));
        } else if (!writing) {
          body.resume();
        }
      },
      cancel(reason) {
        body.cancel(reason === undefined ? undefined : asError(reason));
      },
    },
    // Nothing is read ahead: what nobody asks for stays with its sender.
    { highWaterMark: 0 },
  );

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

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

function ignore(): void {}
