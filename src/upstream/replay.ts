// Content that can be sent again: what has gone through is kept, up to a bound; what has not come yet follows it.
import type { Body, BodySink } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";

/** How content has ended: with trailers, or broken. */
type End = { readonly trailers: Fields | undefined } | Error;

/**
 * Stands between content that comes once and attempts that each read it from its beginning. Only the last view that was
 * made is served.
 */
export class Replay implements BodySink {
  readonly #source: Body;
  readonly #most: number;
  #kept: Uint8Array[] = [];
  #size = 0;
  /** It has grown too long, and its beginning is lost. */
  #lost = false;
  #begun = false;
  #end: End | undefined = undefined;
  #sink: BodySink | undefined = undefined;
  #view: Body | undefined = undefined;
  #isDecided = false;
  #whole: (() => void) | undefined = undefined;

  /** @param most bytes that are kept */
  constructor(source: Body, most: number) {
    this.#source = source;
    this.#most = most;
  }

  /** Whether another attempt can read it from its beginning. */
  get replayable(): boolean {
    return !this.#lost;
  }

  /** Calls once all of it has come; at once if it has. */
  whenWhole(call: () => void): void {
    if (this.#end === undefined) this.#whole = call;
    else call();
  }

  /** The content for another attempt. Views made before get nothing any more. */
  view(): Body {
    const view: Body = {
      length: this.#source.length,
      pipe: (sink) => this.#pipe(view, sink),
      resume: () => {
        if (this.#view === view && this.#end === undefined) this.#source.resume();
      },
      cancel: (reason) => {
        if (this.#view === view) this.#leave(reason);
      },
    };
    this.#view = view;
    this.#sink = undefined;
    return view;
  }

  /** No other attempt follows: nothing is kept any more, and what nobody reads is not read from its source. */
  decide(): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    this.#kept = [];
    if (this.#begun && this.#view === undefined) this.#source.cancel();
  }

  // As the sink of the source

  write(piece: Uint8Array): boolean {
    if (!this.#isDecided && !this.#lost) this.#keep(piece);
    return this.#sink !== undefined && this.#sink.write(piece);
  }

  end(trailers?: Fields): void {
    this.#over({ trailers });
    this.#sink?.end(trailers);
  }

  fail(error: Error): void {
    this.#over(error);
    this.#sink?.fail(error);
  }

  #keep(piece: Uint8Array): void {
    this.#kept.push(piece);
    this.#size += piece.length;
    // Between two attempts nobody else has it: what comes then is kept, and the source is told to stop.
    if (this.#size <= this.#most || this.#sink === undefined) return;
    this.#lost = true;
    this.#kept = [];
  }

  #over(end: End): void {
    this.#end = end;
    const call = this.#whole;
    this.#whole = undefined;
    call?.();
  }

  #pipe(view: Body, sink: BodySink): void {
    if (this.#view !== view) return;
    const kept = this.#kept;
    let room = true;
    for (const piece of [...kept]) {
      room = sink.write(piece) && room;
      if (this.#view !== view) return;
    }
    this.#sink = sink;
    const end = this.#end;
    if (end instanceof Error) sink.fail(end);
    else if (end !== undefined) sink.end(end.trailers);
    else if (!this.#begun) {
      this.#begun = true;
      this.#source.pipe(this);
    } else if (room) this.#source.resume();
  }

  #leave(reason: Error | undefined): void {
    this.#view = undefined;
    this.#sink = undefined;
    if (this.#isDecided && this.#end === undefined) this.#source.cancel(reason);
  }
}
