// Reads content whole before it goes on, up to a bound; beyond it, it goes on as it was.
import { Accumulator } from "./accumulator.ts";
import type { Body, BodySink } from "./body.ts";
import type { Fields } from "./fields.ts";

/** All bytes of the content; or, when there are more than were wanted, a body of all of them, of which nothing is lost. */
export type Gathered = Uint8Array | Body;

/**
 * Reads the body to its end. Resolves to a body when it has more than `most` bytes: it begins with what was read, and waits
 * for its sink. Trailers are lost with a body that is read whole. Rejects when the body breaks off.
 */
export function gather(body: Body, most: number): Promise<Gathered> {
  if (body.length !== undefined && body.length > most) return Promise.resolve(body);
  return new Promise((resolve, reject) => body.pipe(new Gathering(body, most, resolve, reject)));
}

class Gathering implements BodySink, Body {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #most: number;
  readonly #resolve: (gathered: Gathered) => void;
  readonly #reject: (error: Error) => void;
  readonly #held = new Accumulator();
  #over = false;
  #sink: BodySink | undefined = undefined;
  /** How it ended while nobody read: with trailers, or broken. */
  #end: { readonly trailers: Fields | undefined } | Error | undefined = undefined;

  constructor(body: Body, most: number, resolve: (gathered: Gathered) => void, reject: (error: Error) => void) {
    this.length = body.length;
    this.#body = body;
    this.#most = most;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  // As the sink of the body

  write(piece: Uint8Array): boolean {
    if (this.#sink !== undefined) return this.#sink.write(piece);
    this.#held.append(piece);
    if (this.#held.length <= this.#most) return true;
    this.#over = true;
    this.#resolve(this);
    return false;
  }

  end(trailers?: Fields): void {
    if (this.#sink !== undefined) this.#sink.end(trailers);
    else if (this.#over) this.#end = { trailers };
    else this.#resolve(this.#held.take());
  }

  fail(error: Error): void {
    if (this.#sink !== undefined) this.#sink.fail(error);
    else if (this.#over) this.#end = error;
    else this.#reject(error);
  }

  // As the body that goes on

  pipe(sink: BodySink): void {
    this.#sink = sink;
    const room = sink.write(this.#held.take());
    const end = this.#end;
    if (end instanceof Error) sink.fail(end);
    else if (end !== undefined) sink.end(end.trailers);
    else if (room) this.#body.resume();
  }

  resume(): void {
    if (this.#end === undefined) this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#held.take();
    this.#body.cancel(reason);
  }
}
