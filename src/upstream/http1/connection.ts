// One connection to a target: a request out, its answer in, and then perhaps another.
import { Answer, type Tunnel } from "../../answer.ts";
import { GatewayError } from "../../errors.ts";
import { ArrivingBody, type BodySource } from "../../http/arriving-body.ts";
import { isStream } from "../../http/body.ts";
import { Deadline } from "../../http/deadlines.ts";
import { tokens } from "../../http/fields.ts";
import type { Malformed } from "../../http/message.ts";
import type { ResponseHead } from "../../http/response-head.ts";
import type { Socket, SocketError, SocketHandler } from "../../platform.ts";
import { silent, stoodStill, tookNothing } from "../lateness.ts";
import { AnswerReader, malformedAnswer } from "./answer-reader.ts";
import type { Home, Lent, Outgoing, Receiver } from "./connection-ends.ts";
import { OutgoingBody } from "./outgoing-body.ts";

/** `idle`: in the pool. `waiting`: for a head. `body`: content is coming. */
type Phase = "idle" | "waiting" | "body" | "gone";

/** Whole answers up to this size, arrived with their head, are handed on as bytes. */
const ANSWER_AT_ONCE = 256 * 1024;

/** A connection to a target. */
export class Connection implements Lent, SocketHandler, BodySource {
  /** Monotonic milliseconds when it was opened. */
  readonly openedAt: number;
  /** The pool's: when it stops being kept. */
  readonly idle: Deadline;
  /** Seconds for which the peer said it keeps the connection. */
  keepAliveTimeout: number | undefined = undefined;
  readonly #socket: Socket;
  readonly #home: Home;
  #phase: Phase = "idle";
  #served = 0;
  #request: Outgoing | undefined = undefined;
  #receiver: Receiver | undefined = undefined;
  #outgoing: OutgoingBody | undefined = undefined;
  #heads: AnswerReader | undefined = undefined;
  #body: ArrivingBody | undefined = undefined;
  #tunnel: Tunnel | undefined = undefined;
  #reusable = false;
  #paused = false;
  readonly #clock: Deadline;
  /** Bytes that waited for the target when the clock was set. */
  #waiting = 0;

  constructor(socket: Socket, home: Home, openedAt: number) {
    this.#socket = socket;
    this.#home = home;
    this.openedAt = openedAt;
    this.idle = new Deadline(() => this.#drop());
    this.#clock = new Deadline(() => this.#tooSlow());
    socket.handler = this;
  }

  /** Whether an answer has come on it before. */
  get reused(): boolean {
    return this.#served > 0;
  }

  /** Sends a request. The connection must be idle. */
  send(request: Outgoing, receiver: Receiver): void {
    this.#phase = "waiting";
    this.#heads = new AnswerReader(this.#home.limits, request.method);
    this.#request = request;
    this.#receiver = receiver;
    const { content } = request;
    if (!isStream(content)) {
      if (this.#socket.writeText(request.head, content ?? undefined)) this.#awaitAnswer();
      else this.#awaitRoom();
      return;
    }
    if (!this.#socket.writeText(request.head)) this.#awaitRoom();
    this.#outgoing = new OutgoingBody(this.#socket, content, request.trails, {
      sent: () => {
        if (this.#socket.waiting === 0) this.#awaitAnswer();
      },
      full: () => this.#awaitRoom(),
      moving: () => {
        if (this.#phase === "waiting") this.#home.deadlines.disarm(this.#clock);
      },
      failed: (error) => this.#breakOff(error),
    });
    this.#outgoing.start();
  }

  /** Tells whether it is as its peer left it: still idle, and nothing has come that nobody asked for. */
  look(told: (isQuiet: boolean) => void): void {
    this.#socket.look((isQuiet) => told(isQuiet && this.#phase === "idle"));
  }

  /** Gives the connection back unused. */
  release(): void {
    this.#home.release(this);
  }

  /** Closes in good order, whatever runs. Nobody is told but the pool. */
  close(): void {
    this.#receiver = undefined;
    this.#socket.close();
  }

  /** Closes at once, whatever runs. Nobody is told but the pool. */
  destroy(): void {
    this.#receiver = undefined;
    this.#socket.destroy();
  }

  data(bytes: Uint8Array): void {
    if (this.#phase === "waiting") return this.#readHead(bytes);
    if (this.#phase === "body") return this.#readBody(bytes);
    // Bytes that nobody asked for: an answer to no request must never become the answer to the next.
    this.#drop();
  }

  drained(): void {
    if (this.#outgoing?.done === false) this.#outgoing.drained();
    else this.#awaitAnswer();
  }

  ended(): void {
    if (this.#phase === "body" && this.#body!.endedByClose()) this.#settle();
    // Whoever still waits learns it from `closed`.
    if (this.#phase === "idle") this.#socket.close();
    else this.#socket.destroy();
    this.closed();
  }

  closed(error?: SocketError): void {
    if (this.#tunnel !== undefined) this.#tunnel.gone = { error };
    if (this.#phase === "gone") return;
    const phase = this.#phase;
    this.#leave();
    this.#home.closed(this);
    if (phase === "waiting") this.#fail(this.#brokenBefore(error));
    else if (phase === "body") {
      const how = error === undefined ? "closed" : error.code;
      this.#body!.fail(new GatewayError("http_response_incomplete", `the target broke off its answer: ${how}`));
    }
    this.#outgoing?.abandon();
  }

  // BodySource: the answer's content

  wanted(): void {
    this.#awaitMore();
  }

  pauseReading(): void {
    if (this.#paused || this.#phase !== "body") return;
    this.#paused = true;
    this.#socket.pause();
    // The client is slow, not the target.
    this.#home.deadlines.disarm(this.#clock);
  }

  resumeReading(): void {
    if (!this.#paused || this.#phase !== "body") return;
    this.#paused = false;
    this.#socket.resume();
    this.#awaitMore();
  }

  abandoned(): void {
    this.#socket.destroy();
  }

  explain(fault: Malformed): GatewayError {
    return malformedAnswer(fault);
  }

  #readHead(bytes: Uint8Array): void {
    let read: ReturnType<AnswerReader["read"]>;
    try {
      read = this.#heads!.read(bytes);
    } catch (error) {
      return this.#refuse(error as GatewayError);
    }
    if (read !== undefined) this.#answer(read.head, read.rest);
  }

  #answer(head: ResponseHead, rest: Uint8Array): void {
    const request = this.#request!;
    const receiver = this.#receiver!;
    this.#receiver = undefined;
    this.#served++;
    this.#home.deadlines.disarm(this.#clock);
    if (head.status === 101) return this.#switch(head, rest, receiver);
    const { bodyLength } = head;
    const answer = new Answer(head.status, head.reason, head.fields, null);
    if (request.method === "HEAD" || head.status === 304) answer.announcedLength = head.announcedLength;
    this.#reusable = head.keepAlive;
    this.keepAliveTimeout = head.keepAliveTimeout;
    this.#phase = "body";
    if (bodyLength >= 0 && bodyLength <= Math.min(ANSWER_AT_ONCE, rest.length)) {
      if (bodyLength > 0) answer.content = rest.length === bodyLength ? rest : rest.subarray(0, bodyLength);
      // Bytes behind the answer belong to no request: they must never become the answer to the next.
      if (rest.length > bodyLength) this.#reusable = false;
      this.#settle();
      receiver.answered(answer);
      return;
    }
    this.#body = new ArrivingBody(bodyLength, this);
    answer.content = this.#body;
    this.#awaitMore();
    if (rest.length > 0) this.#readBody(rest);
    receiver.answered(answer);
  }

  #switch(head: ResponseHead, rest: Uint8Array, receiver: Receiver): void {
    const asked = tokens(this.#request!.upgrade);
    const switched = tokens(head.upgrade);
    if (switched.length === 0 || !switched.every((protocol) => asked.includes(protocol))) {
      this.#receiver = receiver;
      return this.#refuse(new GatewayError("http_upgrade_failed", "the target switched to what nobody asked for"));
    }
    const answer = new Answer(101, head.reason, head.fields, null);
    head.fields.add("Connection", "upgrade");
    head.fields.add("Upgrade", head.upgrade);
    this.#tunnel = { upstream: this.#socket, early: rest, gone: undefined, closed: () => this.#home.closed(this) };
    answer.tunnel = this.#tunnel;
    // From here on the socket is the tunnel's. Until it is joined, which the user's own code may delay, nothing is read.
    this.#socket.pause();
    this.#leave();
    receiver.answered(answer);
  }

  #readBody(bytes: Uint8Array): void {
    const body = this.#body!;
    const end = body.feed(bytes, 0);
    if (this.#phase !== "body") return;
    if (!body.whole) return this.#awaitMore();
    if (end < bytes.length) this.#reusable = false;
    this.#settle();
  }

  /** The answer is whole. */
  #settle(): void {
    this.#home.deadlines.disarm(this.#clock);
    this.#request = undefined;
    this.#body = undefined;
    const sent = this.#outgoing === undefined || this.#outgoing.done;
    this.#outgoing?.abandon();
    this.#outgoing = undefined;
    this.#phase = "idle";
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    if (!sent) this.#socket.destroy();
    else if (this.#reusable) this.#home.release(this);
    else this.#socket.close();
  }

  /** Closes while idle, in good order: a target that logs resets is not told of any. The pool learns it before the socket says so: nobody may borrow it in between. */
  #drop(): void {
    this.#socket.close();
    this.closed();
  }

  /** No usable answer will come on this connection. */
  #refuse(error: GatewayError): void {
    this.#fail(error);
    this.#socket.destroy();
  }

  /** The request broke off at its source. */
  #breakOff(error: GatewayError): void {
    // An answer that has begun breaks off for the same reason: the target is not to blame.
    if (this.#phase === "body") this.#body!.fail(error);
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (this.#phase !== "gone") this.#socket.destroy();
    receiver?.failed(error);
  }

  /** The request's last byte has gone: from now on the target is to answer. */
  #awaitAnswer(): void {
    if (this.#phase === "waiting") this.#home.deadlines.arm(this.#clock, this.#request!.timeouts.firstByteMs);
  }

  /** The target is to take more of the request. While its answer comes, that is what is timed. */
  #awaitRoom(): void {
    if (this.#phase !== "waiting") return;
    this.#waiting = this.#socket.waiting;
    this.#home.deadlines.arm(this.#clock, this.#request!.timeouts.sendMs);
  }

  #awaitMore(): void {
    if (this.#phase === "body" && !this.#paused) {
      this.#home.deadlines.arm(this.#clock, this.#request!.timeouts.idleMs);
    }
  }

  #tooSlow(): void {
    const { firstByteMs, idleMs, sendMs } = this.#request!.timeouts;
    if (this.#phase === "body") {
      this.#body!.fail(stoodStill(idleMs));
      this.#socket.destroy();
    } else if (this.#socket.waiting > 0) {
      // Some of what waited has gone: the target is slow, but it moves.
      if (this.#socket.waiting < this.#waiting) this.#awaitRoom();
      else this.#refuse(tookNothing(sendMs));
    } else this.#refuse(silent(firstByteMs));
  }

  /** The connection broke before a whole head: only on a reused one may that mean that nothing was done (case GW-19). */
  #brokenBefore(error: SocketError | undefined): GatewayError {
    const how = error === undefined ? "closed" : error.code;
    if (this.#heads!.begun) {
      return new GatewayError("http_response_incomplete", `the target broke off in the head of its answer: ${how}`);
    }
    return new GatewayError("connection_terminated", `the target ended the connection before it answered: ${how}`, {
      retry: this.reused ? "idempotent" : "never",
    });
  }

  #leave(): void {
    this.#phase = "gone";
    this.#home.deadlines.disarm(this.#clock);
    this.#home.deadlines.disarm(this.idle);
  }
}
