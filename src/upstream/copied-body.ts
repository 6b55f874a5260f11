// Content that passes, and of which a copy is kept as long as it is short.
import { Accumulator } from "../http/accumulator.ts";
import type { Body, BodySink } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";

/** Passes at the pace of its reader, who never waits for the copy. */
export class CopiedBody implements Body, BodySink {
  readonly length: number | undefined;
  readonly #body: Body;
  readonly #most: number;
  #whole: ((copy: Uint8Array | undefined) => void) | undefined;
  #copy: Accumulator | undefined = new Accumulator();
  #sink: BodySink | undefined = undefined;

  /**
   * @param most bytes of a copy
   * @param whole called once: with the copy when all has passed, with undefined when it is too long, or breaks off
   */
  constructor(body: Body, most: number, whole: (copy: Uint8Array | undefined) => void) {
    this.length = body.length;
    this.#body = body;
    this.#most = most;
    this.#whole = whole;
  }

  pipe(sink: BodySink): void {
    this.#sink = sink;
    this.#body.pipe(this);
  }

  resume(): void {
    this.#body.resume();
  }

  cancel(reason?: Error): void {
    this.#over(undefined);
    this.#body.cancel(reason);
  }

  write(piece: Uint8Array): boolean {
    const room = this.#sink!.write(piece);
    const copy = this.#copy;
    if (copy === undefined) return room;
    if (copy.length + piece.length > this.#most) this.#over(undefined);
    else copy.append(piece);
    return room;
  }

  end(trailers?: Fields): void {
    this.#sink!.end(trailers);
    this.#over(this.#copy?.take());
  }

  fail(error: Error): void {
    this.#sink!.fail(error);
    this.#over(undefined);
  }

  #over(copy: Uint8Array | undefined): void {
    const call = this.#whole;
    this.#whole = undefined;
    this.#copy = undefined;
    call?.(copy);
  }
}
