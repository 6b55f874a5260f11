// Writes an answer to a stream: HEADERS, DATA within the client's windows, trailers (RFC 9113 section 8.1).
import { GatewayError, toGatewayError } from "../../errors.ts";
import type { Answer } from "../../exchange.ts";
import { type Body, type BodySink, isStream } from "../../http/body.ts";
import { type Fields, HOP_BY_HOP } from "../../http/fields.ts";
import { FLOW_CONTROL_ERROR, StreamFault } from "../../http/http2/fault.ts";
import { DATA, END_STREAM, MOST, frameHead, headersFrames } from "../../http/http2/frame.ts";
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { announcedLength } from "../answer-writer.ts";
import type { Sender, Turn, Turns } from "./sender.ts";

/** What becomes of an answer. */
export interface AnswerEvents {
  /** The answer is out as far as this process is concerned. */
  finished(): void;
  /** The content broke off: the client must see that. */
  broken(error: GatewayError): void;
  /** The client has taken nothing for as long as it may. */
  stuck(): void;
  /** A frame of content has gone. @param isAll whether none waits behind it */
  sentContent(bytes: number, isAll: boolean): void;
}

/** Writes one answer. */
export class AnswerSender implements BodySink, Turns {
  /** Bytes of content that the client takes of this stream. May be below 0 (RFC 9113 section 6.9.2). */
  window: number;
  /** Content bytes given to the socket. */
  sent = 0;
  readonly #stream: number;
  readonly #sender: Sender;
  readonly #events: AnswerEvents;
  readonly #deadlines: Deadlines;
  readonly #sendMs: number;
  readonly #patience: Deadline;
  /** The block of the head, until it has gone. */
  #head: (() => string) | undefined = undefined;
  #content: Body | undefined = undefined;
  /** Bytes to come of content whose length is known. */
  #left = Infinity;
  readonly #pieces: Uint8Array[] = [];
  /** The source waits for room. */
  #isFull = false;
  #isEnded = false;
  #trailers: Fields | undefined = undefined;

  constructor(
    stream: number,
    window: number,
    sender: Sender,
    deadlines: Deadlines,
    sendMs: number,
    events: AnswerEvents,
  ) {
    this.#stream = stream;
    this.window = window;
    this.#sender = sender;
    this.#deadlines = deadlines;
    this.#sendMs = sendMs;
    this.#events = events;
    this.#patience = new Deadline(() => events.stuck());
  }

  /** Begins. @param method HEAD gets no content @param date for answers without one (RFC 9110 section 6.6.1) */
  start(answer: Answer, method: string, date: string): void {
    const { status, content } = answer;
    const isSilent = method === "HEAD" || status === 204 || status === 304;
    const length = isSilent ? announcedLength(answer) : content === null ? 0 : content.length;
    this.#head = () => this.#block(answer, length, date);
    if (isSilent || !isStream(content)) {
      if (isStream(content)) content.cancel();
      else if (!isSilent && content !== null && content.length > 0) this.#pieces.push(content);
      this.#isEnded = true;
      return this.#sender.schedule(this);
    }
    this.#content = content;
    if (content.length !== undefined) this.#left = content.length;
    content.pipe(this);
    // What is here already goes out with the head.
    if (this.#head !== undefined) this.#sender.schedule(this);
  }

  write(piece: Uint8Array): boolean {
    if (piece.length === 0) return this.#pieces.length === 0;
    this.#left -= piece.length;
    if (this.#left < 0) {
      this.fail(new GatewayError("http_response_incomplete", "the content is longer than its Content-Length"));
      return false;
    }
    this.#pieces.push(piece);
    // The last piece and the end are one frame; the end follows at once.
    if (this.#left === 0) return true;
    this.#sender.schedule(this);
    this.#isFull = this.#pieces.length > 0;
    return !this.#isFull;
  }

  end(trailers?: Fields): void {
    if (this.#content === undefined) return;
    if (this.#left > 0 && this.#left !== Infinity) {
      return this.fail(new GatewayError("http_response_incomplete", "the content is shorter than its Content-Length"));
    }
    this.#content = undefined;
    this.#isEnded = true;
    this.#trailers = trailers;
    this.#sender.schedule(this);
  }

  fail(error: Error): void {
    const content = this.#content;
    if (content === undefined) return;
    this.abandon();
    content.cancel();
    this.#events.broken(toGatewayError(error));
  }

  /** Nobody reads any more. */
  abandon(): void {
    const content = this.#content;
    this.#content = undefined;
    this.#head = undefined;
    this.#pieces.length = 0;
    this.#isEnded = false;
    this.#sender.forget(this);
    this.#deadlines.disarm(this.#patience);
    content?.cancel();
  }

  /** The client takes more. @throws StreamFault */
  widen(bytes: number): void {
    this.window += bytes;
    if (this.window > MOST) throw new StreamFault(this.#stream, FLOW_CONTROL_ERROR, "a window is over its bound");
    if (this.#pieces.length > 0) this.#sender.schedule(this);
  }

  /** Waits on: what keeps the answer back is not the client's doing alone. */
  waitOn(): void {
    this.#deadlines.arm(this.#patience, this.#sendMs);
  }

  turn(): Turn {
    let frames = "";
    if (this.#head !== undefined) {
      const isAll = this.#isEnded && this.#pieces.length === 0;
      frames = headersFrames(this.#stream, this.#head(), isAll, this.#sender.maxFrame);
      this.#head = undefined;
      if (isAll) return this.#finish(frames);
    }
    const piece = this.#pieces[0];
    if (piece === undefined) {
      if (this.#isEnded) return this.#finish(frames + this.#lastFrames());
      if (frames !== "") this.#sender.put(frames);
      return this.#rest();
    }
    const room = Math.min(this.window, this.#sender.window, this.#sender.longest);
    if (room <= 0) {
      if (frames !== "") this.#sender.put(frames);
      if (this.#patience.queue === undefined) this.waitOn();
      return this.window <= 0 ? "blocked" : "waits";
    }
    return this.#sendPiece(frames, piece, Math.min(piece.length, room));
  }

  #sendPiece(frames: string, piece: Uint8Array, size: number): Turn {
    if (size < piece.length) this.#pieces[0] = piece.subarray(size);
    else this.#pieces.shift();
    const isEmpty = this.#pieces.length === 0;
    const isLast = isEmpty && this.#isEnded && this.#trailers === undefined;
    this.window -= size;
    this.#sender.window -= size;
    this.sent += size;
    const head = frames + frameHead(size, DATA, isLast ? END_STREAM : 0, this.#stream);
    this.#deadlines.disarm(this.#patience);
    this.#events.sentContent(size, isEmpty);
    if (isLast) return this.#finish(head, piece);
    this.#sender.put(head, piece.subarray(0, size));
    if (!isEmpty || this.#isEnded) return "more";
    return this.#rest();
  }

  /** Nothing waits: the source may go on. */
  #rest(): Turn {
    if (this.#isFull) {
      this.#isFull = false;
      this.#content?.resume();
    }
    return this.#pieces.length > 0 && this.#left > 0 ? "more" : "idle";
  }

  /** The answer ends with these frames. */
  #finish(frames: string, piece?: Uint8Array): Turn {
    this.#isEnded = false;
    this.#sender.put(frames, piece);
    this.#events.finished();
    return "idle";
  }

  /** Behind the last piece, where that did not tell the end. */
  #lastFrames(): string {
    const trailers = this.#trailers;
    if (trailers === undefined || trailers.size === 0) return frameHead(0, DATA, END_STREAM, this.#stream);
    const { hpack, maxFrame } = this.#sender;
    let block = hpack.begin();
    for (let i = 0; i < trailers.size; i++) block += this.#field(trailers, i);
    return headersFrames(this.#stream, block, true, maxFrame);
  }

  #block({ status, fields }: Answer, length: number | string | undefined, date: string): string {
    const { hpack } = this.#sender;
    let block = hpack.begin() + hpack.status(status);
    for (let i = 0; i < fields.size; i++) block += this.#field(fields, i);
    if (!fields.has("date")) block += hpack.field("date", date);
    if (length !== undefined) block += hpack.field("content-length", String(length));
    return block;
  }

  /** A field, unless it is of HTTP/1.1 connections. */
  #field({ keys, values }: Fields, i: number): string {
    const key = keys[i]!;
    if (HOP_BY_HOP.has(key)) return "";
    const value = values[i]!;
    return this.#sender.hpack.field(key, /^[\t ]|[\t ]$/.test(value) ? value.replace(/^[\t ]+|[\t ]+$/g, "") : value);
  }
}
