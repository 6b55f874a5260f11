// Writes a message to a stream: HEADERS, DATA within the peer's windows, trailers (RFC 9113 section 8.1).
import { type ErrorCode, GatewayError, toGatewayError } from "../../errors.ts";
import { type Body, type BodySink, type Content, isStream } from "../body.ts";
import { Deadline, type Deadlines } from "../deadlines.ts";
import { type Fields, HOP_BY_HOP } from "../fields.ts";
import { FLOW_CONTROL_ERROR, StreamFault } from "./fault.ts";
import { DATA, END_STREAM, MOST, frameHead, headersFrames } from "./frame.ts";
import type { HpackEncoder } from "./hpack-encoder.ts";
import type { Sender, Turn, Turns } from "./sender.ts";

/** What becomes of a message. */
export interface MessageEvents {
  /** It is out as far as this process is concerned. */
  finished(): void;
  /** The content broke off: the peer must see that. */
  broken(error: GatewayError): void;
  /** The peer has taken nothing for as long as it may. */
  stuck(): void;
  /** A frame of content has gone. @param isAll whether none waits behind it */
  sentContent(bytes: number, isAll: boolean): void;
}

/** What a message is sent with. */
export interface MessageMeans {
  readonly sender: Sender;
  readonly deadlines: Deadlines;
  /** How long the peer may take nothing of what waits for it. */
  readonly sendMs: number;
  /** What it is called when the content is not as long as was said. */
  readonly incomplete: ErrorCode;
}

/** Writes one message. */
export class MessageSender implements BodySink, Turns {
  /** Bytes of content that the peer takes of this stream. May be below 0 (RFC 9113 section 6.9.2). */
  window: number;
  /** Content bytes given to the socket. */
  #sent = 0;
  /** Those of the last turn. */
  #sentLast = 0;
  next: Turns | undefined = undefined;
  isReady = false;
  readonly #stream: number;
  readonly #means: MessageMeans;
  readonly #events: MessageEvents;
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
  #trails: (key: string) => boolean = () => true;
  #isDone = false;

  constructor(stream: number, window: number, means: MessageMeans, events: MessageEvents) {
    this.#stream = stream;
    this.window = window;
    this.#means = means;
    this.#events = events;
    this.#patience = new Deadline(() => events.stuck());
  }

  /**
   * Begins. @param head makes the block of fields, once, when it is its turn @param content what is all here goes with it
   * @param trails whether a trailer of this name (lower case) may follow
   */
  start(head: () => string, content: Content, trails: (key: string) => boolean = () => true): void {
    this.#head = head;
    this.#trails = trails;
    if (!isStream(content)) {
      if (content !== null && content.length > 0) this.#pieces.push(content);
      this.#isEnded = true;
      return this.#means.sender.schedule(this);
    }
    this.#content = content;
    if (content.length !== undefined) this.#left = content.length;
    content.pipe(this);
    // What is here already goes out with the head.
    if (this.#head !== undefined) this.#means.sender.schedule(this);
  }

  /** Content bytes that the kernel has had, or will: less what was lost with the socket. */
  get sent(): number {
    return this.#sent - Math.min(this.#sentLast, this.#means.sender.lostOf(this));
  }

  /** Whether all of it has gone. */
  get isDone(): boolean {
    return this.#isDone;
  }

  write(piece: Uint8Array): boolean {
    if (piece.length === 0) return this.#pieces.length === 0;
    this.#left -= piece.length;
    if (this.#left < 0) {
      this.fail(new GatewayError(this.#means.incomplete, "the content is longer than its Content-Length"));
      return false;
    }
    this.#pieces.push(piece);
    // The last piece and the end are one frame; the end follows at once.
    if (this.#left === 0) return true;
    this.#means.sender.schedule(this);
    this.#isFull = this.#pieces.length > 0;
    return !this.#isFull;
  }

  end(trailers?: Fields): void {
    if (this.#content === undefined) return;
    if (this.#left > 0 && this.#left !== Infinity) {
      return this.fail(new GatewayError(this.#means.incomplete, "the content is shorter than its Content-Length"));
    }
    this.#content = undefined;
    this.#isEnded = true;
    this.#trailers = trailers;
    this.#means.sender.schedule(this);
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
    this.#means.sender.forget(this);
    this.#means.deadlines.disarm(this.#patience);
    content?.cancel();
  }

  /** The peer takes more. @throws StreamFault */
  widen(bytes: number): void {
    this.window += bytes;
    if (this.window > MOST) throw new StreamFault(this.#stream, FLOW_CONTROL_ERROR, "a window is over its bound");
    if (this.#pieces.length > 0) this.#means.sender.schedule(this);
  }

  /** Waits on: what keeps the answer back is not the peer's doing alone. */
  waitOn(): void {
    this.#means.deadlines.arm(this.#patience, this.#means.sendMs);
  }

  turn(): Turn {
    this.#sentLast = 0;
    let frames = "";
    if (this.#head !== undefined) {
      const isAll = this.#isEnded && this.#pieces.length === 0;
      frames = headersFrames(this.#stream, this.#head(), isAll, this.#means.sender.maxFrame);
      this.#head = undefined;
      if (isAll) return this.#finish(frames);
    }
    const piece = this.#pieces[0];
    if (piece === undefined) {
      if (this.#isEnded) return this.#finish(frames + this.#lastFrames());
      if (frames !== "") this.#means.sender.put(frames);
      return this.#rest();
    }
    const room = Math.min(this.window, this.#means.sender.window, this.#means.sender.longest);
    if (room <= 0) {
      if (frames !== "") this.#means.sender.put(frames);
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
    this.#means.sender.window -= size;
    this.#sent += size;
    this.#sentLast = size;
    const head = frames + frameHead(size, DATA, isLast ? END_STREAM : 0, this.#stream);
    this.#means.deadlines.disarm(this.#patience);
    this.#events.sentContent(size, isEmpty);
    if (isLast) return this.#finish(head, piece);
    this.#means.sender.put(head, piece.subarray(0, size));
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

  /** The message ends with these frames. */
  #finish(frames: string, piece?: Uint8Array): Turn {
    this.#isEnded = false;
    this.#isDone = true;
    this.#means.sender.put(frames, piece);
    this.#events.finished();
    return "idle";
  }

  /** Behind the last piece, where that did not tell the end. */
  #lastFrames(): string {
    const trailers = this.#trailers;
    if (trailers === undefined || trailers.size === 0) return frameHead(0, DATA, END_STREAM, this.#stream);
    const { hpack, maxFrame } = this.#means.sender;
    let block = hpack.begin();
    const { keys, values } = trailers;
    for (let i = 0; i < keys.length; i++) if (this.#trails(keys[i]!)) block += blockField(hpack, keys[i]!, values[i]!);
    return headersFrames(this.#stream, block, true, maxFrame);
  }
}

/** A field of a block, unless it is of HTTP/1.1 connections; "" then. @param key lower case */
export function blockField(hpack: HpackEncoder, key: string, value: string): string {
  if (HOP_BY_HOP.has(key)) return "";
  return hpack.field(key, /^[\t ]|[\t ]$/.test(value) ? value.replace(/^[\t ]+|[\t ]+$/g, "") : value);
}
