// Doubles for bodies: sinks that collect, bodies that are pushed by hand, streams of every kind.
import fc from "fast-check";
import type { Body, BodySink } from "../../src/http/body.ts";

/** Any content in any pieces. */
export const chunkings = fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 20 });

/** Takes chunks, says "full" by turns, and tells how it ended. */
export class CollectingSink implements BodySink {
  readonly outcome: Promise<"end" | Error>;
  writesWhileFull = 0;
  readonly #body: Body;
  readonly #room: readonly boolean[];
  readonly #chunks: Uint8Array[] = [];
  #settle: (outcome: "end" | Error) => void = () => {};
  #full = false;

  constructor(body: Body, room: readonly boolean[] = [true]) {
    this.#body = body;
    this.#room = room;
    this.outcome = new Promise((resolve) => (this.#settle = resolve));
  }

  write(chunk: Uint8Array): boolean {
    if (this.#full) this.writesWhileFull += 1;
    this.#chunks.push(chunk);
    const room = this.#room[this.#chunks.length % this.#room.length]!;
    if (!room) {
      this.#full = true;
      queueMicrotask(() => {
        this.#full = false;
        this.#body.resume();
      });
    }
    return room;
  }

  end(): void {
    this.#settle("end");
  }

  fail(error: Error): void {
    this.#settle(error);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}

/** A body that the test pushes by hand. */
export class ManualBody implements Body {
  readonly length = undefined;
  sink: BodySink | undefined = undefined;
  resumed = 0;
  wanted = true;
  cancelled: Error | true | undefined = undefined;
  readonly piped: Promise<void>;
  #begin: () => void = () => {};

  constructor() {
    this.piped = new Promise((resolve) => (this.#begin = resolve));
  }

  pipe(sink: BodySink): void {
    this.sink = sink;
    this.#begin();
  }

  resume(): void {
    this.resumed += 1;
    this.wanted = true;
  }

  cancel(reason?: Error): void {
    this.cancelled = reason ?? true;
  }
}

/** Pipes a body into a sink that takes everything. */
export function pipedTo(body: Body): CollectingSink {
  const sink = new CollectingSink(body);
  body.pipe(sink);
  return sink;
}

/** A stream of these chunks. */
export function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.close();
    },
  });
}

/** A stream of these chunks that fails after the last. */
export function failingStream(chunks: readonly Uint8Array[], failure: Error): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      if (next < chunks.length) controller.enqueue(chunks[next++]!);
      else controller.error(failure);
    },
  });
}

/** A stream that never ends; tells each time it is asked. */
export function endless(pulled: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      pulled();
      controller.enqueue(new Uint8Array(1));
    },
  });
}

/** Waits turn by turn. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await settled();
}

/** Everything that is due has run. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
