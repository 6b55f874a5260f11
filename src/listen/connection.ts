// One client connection: HTTP/1.1 requests in, one after another, and their answers out.
import type { Answer } from "../answer.ts";
import { GatewayError } from "../errors.ts";
import { Exchange } from "../exchange.ts";
import { ArrivingBody, type BodySource } from "../http/arriving-body.ts";
import type { Content } from "../http/body.ts";
import { Deadline } from "../http/deadlines.ts";
import { Malformed } from "../http/message.ts";
import type { RequestHead } from "../http/request-head.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import { admit, refusalOf, refusedArrival } from "./admit.ts";
import { AnswerWriter, endsConnection, type WriterEvents } from "./answer-writer.ts";
import { HeadReader } from "./head-reader.ts";
import { bodyTooLate, headTooLate } from "./lateness.ts";
import { Lingering } from "./linger.ts";
import { SendClock } from "./send-clock.ts";
import { type Guest, LAST_MS, type Shared, type Stays, type Successor, REQUEST_AT_ONCE } from "./shared.ts";
import { joinTunnel } from "./tunnel.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

/** `idle`: between requests. `exchange`: a request is under way. `gone`: closed or handed on. */
type Phase = "idle" | "exchange" | "gone";

/** A client's connection. Owns its socket until a tunnel takes it, or what lingers behind the last answer. */
export class Connection implements Guest, SocketHandler, BodySource, WriterEvents {
  readonly #socket: Socket;
  readonly #shared: Shared;
  #phase: Phase = "idle";
  readonly #ahead: HeadReader;
  #pumping = false;
  #paused = false;
  #halfClosed = false;
  #head: RequestHead | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #body: ArrivingBody | undefined = undefined;
  #answered = false;
  #keepAlive = false;
  #leaving = false;
  #writer: AnswerWriter | undefined = undefined;
  /** Ends what has taken the socket over. */
  #successor: Successor | undefined = undefined;
  /** Set while the answer's last bytes wait for the client: the next request begins after them. */
  #next = false;
  readonly #reading: Deadline;
  readonly #sending: SendClock;

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.#ahead = new HeadReader(shared.limits);
    this.#reading = new Deadline(() => this.#readTooSlow());
    this.#sending = new SendClock(socket, shared.deadlines, shared.plan.sendMs, (error) => this.#abort(error));
    socket.handler = this;
    shared.deadlines.arm(this.#reading, shared.plan.keepAliveMs);
  }

  drain(): void {
    this.#leaving = true;
    if (this.#phase === "idle" && this.#ahead.length === 0) this.#shared.deadlines.arm(this.#reading, LAST_MS);
  }

  cut(): void {
    const error = new GatewayError("draining", "the gateway shut down in the middle of the exchange");
    if (this.#successor === undefined) this.#abort(error);
    else this.#successor.cut(error);
  }

  reroute(stays: Stays): void {
    this.#successor?.reroute(stays);
  }

  data(bytes: Uint8Array): void {
    if (this.#phase === "idle") {
      this.#ahead.add(bytes);
      return this.#pump();
    }
    if (this.#phase !== "exchange") return;
    if (this.#body?.whole === false) this.#feed(this.#body, bytes);
    else this.#ahead.add(bytes);
    this.#boundAhead();
  }

  drained(): void {
    this.#sending.stop();
    if (this.#next) {
      this.#next = false;
      this.#complete();
    } else this.#writer?.drained();
  }

  ended(): void {
    this.#halfClosed = true;
    // Nothing more can come; what was half sent is nobody's.
    if (this.#phase !== "exchange") return this.#socket.end();
    const { halfClose } = this.#shared.plan;
    if (this.#body?.whole === false && !this.#next) {
      this.#body.fail(new GatewayError("client_disconnect", "the client ended in the middle of its request"));
      this.#socket.destroy();
    } else if (halfClose === "leave") this.#socket.destroy();
    else if (halfClose === "ask" && this.#head?.minor === 1 && !this.#next) {
      // A client that is gone answers these bytes with a reset (cases GW-20, GW-22; RFC 9110 section 15.2).
      if (!this.#answered) this.#socket.writeText(CONTINUE);
      else this.#writer?.probe();
    }
  }

  closed(): void {
    const x = this.#exchange;
    this.#leave();
    this.#shared.closed(this);
    if (x !== undefined) {
      const error = new GatewayError("client_disconnect", "the client closed the connection");
      this.#body?.fail(error);
      this.#writer?.abandon();
      x.left.tell();
      this.#finish(x, x.error ?? error);
    }
  }

  // BodySource

  wanted(): void {
    if (this.#awaitsContinue && !this.#answered && this.#body!.received === 0) this.#socket.writeText(CONTINUE);
    this.#awaitBody();
  }

  pauseReading(): void {
    if (this.#paused || this.#phase === "gone") return;
    this.#paused = true;
    this.#socket.pause();
    this.#shared.deadlines.disarm(this.#reading);
  }

  resumeReading(): void {
    if (!this.#paused || this.#phase === "gone") return;
    this.#paused = false;
    this.#socket.resume();
    if (this.#body !== undefined && !this.#body.whole) this.#awaitBody();
  }

  abandoned(): void {
    // The rest is read and dropped, or the connection closes after its answer.
    this.resumeReading();
  }

  readonly explain = refusalOf;

  // WriterEvents

  full(): void {
    this.#sending.start();
  }

  finished(): void {
    // An upload that nobody reads to its end leaves the connection unusable.
    if (this.#body !== undefined && !this.#body.whole) this.#keepAlive = false;
    this.#body?.cancel();
    if (this.#socket.waiting > 0) this.#next = true;
    else this.#complete();
  }

  broken(error: GatewayError): void {
    const x = this.#exchange!;
    x.error ??= error;
    // A broken answer must not look whole: no last chunk, no full length, no orderly end.
    this.#socket.destroy();
    this.#finish(x, x.error);
    x.left.tell();
  }

  // Requests in

  #pump(): void {
    // A request answered at once ends inside `#begin`: the loop goes on, instead of nesting once for each of a pipeline.
    if (this.#pumping) return;
    this.#pumping = true;
    while (this.#phase === "idle") {
      const head = this.#readHead();
      if (head === undefined) break;
      this.#begin(head);
    }
    this.#pumping = false;
    this.#boundAhead();
  }

  #readHead(): RequestHead | undefined {
    const first = this.#ahead.length > 0 && this.#ahead.fresh;
    try {
      const head = this.#ahead.read();
      if (head === undefined && this.#ahead.tooLong) throw new Malformed("size", "the head is too large");
      if (head === undefined && first) this.#shared.deadlines.arm(this.#reading, this.#shared.plan.headMs);
      return head;
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      this.#refuse(refusalOf(fault), undefined);
      return undefined;
    }
  }

  /** Sends a request its way. */
  #begin(head: RequestHead): void {
    this.#shared.deadlines.disarm(this.#reading);
    this.#head = head;
    this.#keepAlive = head.keepAlive;
    this.#answered = false;
    this.#phase = "exchange";
    const arrival = admit(head, this.#socket.secure, this.#socket.remoteAddress, this.#contentOf(head));
    if (arrival instanceof GatewayError) return this.#refuse(arrival, head);
    const x = new Exchange(arrival, this.#shared.platform.now());
    x.clientCertificate = this.#socket.clientCertificate;
    this.#exchange = x;
    this.#shared.way.travel(x, (answer) => this.#send(x, answer));
  }

  #contentOf({ bodyLength }: RequestHead): Content {
    this.#body = undefined;
    if (bodyLength === 0) return null;
    if (bodyLength > 0 && bodyLength <= Math.min(REQUEST_AT_ONCE, this.#ahead.length))
      return this.#ahead.take(bodyLength);
    const body = new ArrivingBody(bodyLength, this);
    this.#body = body;
    if (this.#ahead.length > 0) this.#feed(body, this.#ahead.take());
    else if (!this.#awaitsContinue) this.#awaitBody();
    return body;
  }

  /** The client sends its body when it is told to, so that nothing may be held against it before. */
  get #awaitsContinue(): boolean {
    return this.#head?.minor === 1 && this.#head.fields.has("expect");
  }

  #feed(body: ArrivingBody, bytes: Uint8Array): void {
    const end = body.feed(bytes, 0);
    if (body.whole) this.#shared.deadlines.disarm(this.#reading);
    else this.#awaitBody();
    if (end < bytes.length) this.#ahead.add(bytes.subarray(end));
  }

  #send(x: Exchange, answer: Answer): void {
    // The client left before its answer came.
    if (this.#exchange !== x) return answer.discard();
    x.answer = answer;
    this.#answered = true;
    if (this.#leaving || this.#shared.leaving || (this.#halfClosed && this.#ahead.length === 0))
      this.#keepAlive = false;
    if (answer.tunnel !== undefined) return this.#openTunnel(x);
    const minor = this.#head?.minor ?? 1;
    const uploading = this.#body?.whole === false;
    if ((uploading && x.error !== undefined) || endsConnection(answer, minor, uploading)) this.#keepAlive = false;
    this.#writer = new AnswerWriter(this.#socket, this);
    this.#writer.start(answer, { method: x.method, minor, keepAlive: this.#keepAlive, date: this.#shared.date() });
  }

  /** Answers a request that never became an exchange on the way, and closes. */
  #refuse(error: GatewayError, head: RequestHead | undefined): void {
    this.#shared.deadlines.disarm(this.#reading);
    this.#phase = "exchange";
    this.#head = head;
    this.#keepAlive = false;
    const arrival = refusedArrival(head, this.#socket.secure, this.#socket.remoteAddress);
    const x = new Exchange(arrival, this.#shared.platform.now());
    this.#exchange = x;
    this.#send(x, this.#shared.way.refuse(x, error));
  }

  #openTunnel(x: Exchange): void {
    const early = this.#ahead.take();
    this.#leave();
    this.#successor = joinTunnel(this.#socket, x, early, this.#shared, (error, bytesIn, bytesOut) => {
      this.#shared.way.finish(x, { error, bytesIn, bytesOut });
      this.#shared.closed(this);
    });
  }

  // Between and after requests

  #finish(x: Exchange, error: GatewayError | undefined): void {
    if (this.#exchange !== x) return;
    this.#exchange = undefined;
    const bytesIn = this.#body?.received ?? this.#head?.bodyLength ?? 0; // It may have come whole with its head.
    this.#shared.way.finish(x, { error, bytesIn, bytesOut: this.#writer?.sent ?? 0 });
  }

  /** The answer's last byte has gone. */
  #complete(): void {
    this.#finish(this.#exchange!, this.#exchange!.error);
    this.#settle();
  }

  #settle(): void {
    this.#writer = undefined;
    if (!this.#keepAlive || this.#shared.leaving) return this.#close();
    this.#phase = "idle";
    this.#head = undefined;
    this.#body = undefined;
    this.#shared.deadlines.arm(this.#reading, this.#shared.plan.keepAliveMs);
    if (this.#ahead.length > 0) this.#pump();
    if (this.#phase !== "idle") return;
    // What was sent ahead has been answered, and nothing more can come.
    if (this.#halfClosed) this.#close();
    else this.resumeReading();
  }

  /** Sends FIN and reads on for a while, so that a client still sending sees the answer and not a reset. */
  #close(): void {
    // A head that could not be read, or a body that nobody read.
    const sending = this.#phase === "exchange" && (this.#head === undefined || this.#body?.whole === false);
    this.resumeReading();
    this.#leave();
    this.#successor = new Lingering(this.#socket, this.#shared, sending, () => this.#shared.closed(this));
  }

  /** The socket is no longer this connection's. */
  #leave(): void {
    this.#phase = "gone";
    this.#shared.deadlines.disarm(this.#reading);
    this.#sending.stop();
  }

  /** Requests sent ahead are bounded by not reading on. */
  #boundAhead(): void {
    if (this.#phase !== "exchange") return;
    if (this.#ahead.length > this.#shared.limits.maxHead) this.pauseReading();
    // Whoever took the body's last piece may be full: reading goes on, or nobody would see the client leave.
    else if (this.#body?.whole !== false) this.resumeReading();
  }

  #awaitBody(): void {
    if (!this.#paused) this.#shared.deadlines.arm(this.#reading, this.#shared.plan.bodyMs);
  }

  #readTooSlow(): void {
    if (this.#phase === "idle" && this.#ahead.length === 0) return this.#close();
    const { headMs, bodyMs } = this.#shared.plan;
    if (this.#phase === "idle") return this.#refuse(headTooLate(headMs), undefined);
    // The answer is complete: it goes out at the client's pace, whatever becomes of the body.
    if (this.#next) return;
    this.#keepAlive = false;
    const error = bodyTooLate(bodyMs);
    this.#body?.fail(error);
    if (this.#answered) this.#abort(error);
  }

  /** Breaks off whatever runs, for this reason. */
  #abort(error: GatewayError): void {
    if (this.#exchange !== undefined) this.#exchange.error ??= error;
    this.#socket.destroy();
  }
}
