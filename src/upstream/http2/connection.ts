// One connection of HTTP/2 to a target: requests out on streams of their own, their answers in (RFC 9113).
import { GatewayError } from "../../errors.ts";
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { ANSWERED, CONTENT, Calm } from "../../http/http2/calm.ts";
import * as faults from "../../http/http2/fault.ts";
import type { ConnectionFault } from "../../http/http2/fault.ts";
import * as frames from "../../http/http2/frame.ts";
import { WINDOW, type IncomingOwner } from "../../http/http2/incoming.ts";
import { Sender } from "../../http/http2/sender.ts";
import * as settings from "../../http/http2/settings.ts";
import type { HeadLimits } from "../../http/message.ts";
import type { Socket, SocketError, SocketHandler } from "../../platform.ts";
import type { Lent } from "../http1/connection-ends.ts";
import { tookNothing } from "../lateness.ts";
import { Answers } from "./answers.ts";
import { ANSWER_WINDOW, RequestStream, type StreamConnection } from "./stream.ts";

/** Requests on one connection at a time, until its target has said how many it takes, and at most. */
const MOST_STREAMS = 100;
/** Frames of content of this size, or the last that waited, are progress. */
const PROGRESS = 1024;

/** Where a connection goes when a place on it is free, or it is gone. */
export interface Http2Home {
  readonly deadlines: Deadlines;
  readonly limits: HeadLimits;
  /** How long a target may take nothing of what waits for it. */
  readonly sendMs: number;
  now(): number;
  /** A place has become free. */
  freed(connection: Http2TargetConnection): void;
  /** Gone. Called once. */
  closed(connection: Http2TargetConnection): void;
}

/** A connection to a target. */
export class Http2TargetConnection implements SocketHandler, IncomingOwner, StreamConnection {
  /** Monotonic milliseconds when it was opened. */
  readonly openedAt: number;
  /** The pool's: when it stops being kept. */
  readonly idle: Deadline;
  readonly home: Http2Home;
  readonly scheme: "http" | "https";
  readonly sender: Sender;
  readonly calm: Calm;
  firstWindow = frames.FIRST_WINDOW;
  readonly #socket: Socket;
  readonly #answers: Answers;
  #maxStreams = MOST_STREAMS;
  /** Places that are lent, and on which no request has been sent yet. */
  #lent = 0;
  #answered = 0;
  #nextStream = 1;
  /** No request is sent on it any more. */
  #isLeaving = false;
  #isGone = false;
  #isReading = false;
  readonly #writing: Deadline;
  /** Bytes that waited for the target when the clock was set. */
  #waiting = 0;

  constructor(socket: Socket, home: Http2Home, scheme: "http" | "https") {
    this.#socket = socket;
    this.home = home;
    this.scheme = scheme;
    this.openedAt = home.now();
    this.idle = new Deadline(() => this.retire());
    this.calm = new Calm(() => home.now());
    this.#writing = new Deadline(() => this.#stuck());
    this.sender = new Sender(socket, () => this.#awaitRoom());
    this.#answers = new Answers(this, (value) => this.#allow(value));
    socket.handler = this;
    const ours = frames.settings([
      [settings.ENABLE_PUSH, 0],
      [settings.INITIAL_WINDOW_SIZE, ANSWER_WINDOW],
      [settings.MAX_HEADER_LIST_SIZE, home.limits.maxHead],
    ]);
    this.sender.control(frames.PREFACE + ours + frames.windowUpdate(0, WINDOW - frames.FIRST_WINDOW));
  }

  get deadlines(): Deadlines {
    return this.home.deadlines;
  }

  get limits(): HeadLimits {
    return this.home.limits;
  }

  get reused(): boolean {
    return this.#answered > 0;
  }

  /** Requests under way, and places lent. */
  get busy(): number {
    return this.#answers.streams.size + this.#lent;
  }

  /** Whether another request may be sent. */
  get hasRoom(): boolean {
    return !this.#isLeaving && this.busy < this.#maxStreams && this.#nextStream < frames.MOST;
  }

  /** The socket waits for the target. */
  get isFull(): boolean {
    return this.#socket.waiting > 0;
  }

  /** A place for one request. Only while there is room. */
  lend(): Lent {
    this.#lent++;
    return new RequestStream(this);
  }

  giveBack(): void {
    this.#lent--;
    this.#settle();
  }

  open(stream: RequestStream): number | undefined {
    this.#lent--;
    if (this.#isLeaving) return undefined;
    const id = this.#nextStream;
    this.#nextStream += 2;
    this.#answers.lastStream = id;
    this.#answers.streams.set(id, stream);
    return id;
  }

  answered(): void {
    this.#answered++;
  }

  /** What waits is bounded by the windows of streams. */
  taken(bytes: number): void {
    if (!this.#isGone) this.#answers.taken(bytes);
  }

  sentContent(bytes: number, isAll: boolean): void {
    if (isAll || bytes >= PROGRESS) this.calm.earn(CONTENT);
  }

  over(id: number, code: number | undefined): void {
    if (!this.#answers.streams.delete(id)) return;
    if (code === undefined) this.calm.earn(ANSWERED);
    else {
      this.#answers.remember(id);
      if (!this.#isGone) this.sender.control(frames.rstStream(id, code));
    }
    if (!this.#isReading) this.#settle();
  }

  /** Closes when nothing runs on it; lends no place any more. */
  retire(): void {
    this.#isLeaving = true;
    this.#settle();
  }

  /** Closes in good order, whatever runs. Nobody is told but the pool. */
  close(): void {
    this.#isLeaving = true;
    for (const stream of [...this.#answers.streams.values()]) stream.destroy();
    this.#settle();
  }

  // SocketHandler

  data(bytes: Uint8Array): void {
    if (this.#isGone) return;
    this.#isReading = true;
    const fault = this.#answers.receive(bytes);
    if (fault !== undefined) this.#fail(fault);
    this.#isReading = false;
    this.sender.uncork();
    this.#settle();
  }

  drained(): void {
    this.home.deadlines.disarm(this.#writing);
    this.sender.drained();
    this.#settle();
  }

  ended(): void {
    this.#socket.destroy();
    this.closed();
  }

  closed(error?: SocketError): void {
    this.#leave(error === undefined ? "closed" : error.code);
  }

  // IncomingOwner

  peerLeaves(last: number): void {
    this.#isLeaving = true;
    for (const [id, stream] of this.#answers.streams) {
      if (id <= last) continue;
      this.#answers.streams.delete(id);
      stream.unserved();
    }
  }

  #awaitRoom(): void {
    if (this.#isGone || this.#writing.queue !== undefined) return;
    this.#waiting = this.#socket.waiting;
    this.home.deadlines.arm(this.#writing, this.home.sendMs);
  }

  #stuck(): void {
    // Some of what waited has gone: the target is slow, but it moves.
    if (this.#socket.waiting < this.#waiting) return this.#awaitRoom();
    this.#socket.destroy();
    const error = tookNothing(this.home.sendMs);
    this.#leave(error.message, error);
  }

  #allow(streams: number): void {
    this.#maxStreams = Math.min(MOST_STREAMS, streams);
  }

  /** Looks whether the connection has had its time, or who waits can be served. */
  #settle(): void {
    if (this.#isGone || this.#isReading) return;
    if (this.#isLeaving && this.busy === 0 && !this.isFull) {
      this.sender.control(frames.goAway(0, faults.NO_ERROR));
      this.#socket.close();
      return this.#leave("closed");
    }
    this.home.freed(this);
  }

  #fail({ code, message }: ConnectionFault): void {
    this.sender.control(frames.goAway(0, code));
    this.sender.uncork();
    this.#socket.close();
    this.#leave(message, new GatewayError("http_protocol_error", `the target breaks the rules of HTTP/2: ${message}`));
  }

  /** Nothing goes on. The pool learns it before anybody else. */
  #leave(how: string, fault?: GatewayError): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isLeaving = true;
    for (const deadline of [this.idle, this.#writing]) this.home.deadlines.disarm(deadline);
    const streams = [...this.#answers.streams.values()];
    this.#answers.streams.clear();
    this.home.closed(this);
    for (const stream of streams) stream.lost(how, fault);
  }
}
