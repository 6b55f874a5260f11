// One client connection: HTTP/1.1 requests in, one after another, and their answers out.
import { GatewayError } from "../errors.ts";
import { type Answer, Exchange } from "../exchange.ts";
import { Accumulator } from "../http/accumulator.ts";
import { ArrivingBody, type BodySource } from "../http/arriving-body.ts";
import type { Content } from "../http/body.ts";
import { Deadline } from "../http/deadlines.ts";
import { CHUNKED, Malformed, type RequestHead, findEmptyLine, readRequestHead } from "../http/message.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import { admit, refusalOf } from "./admit.ts";
import { AnswerWriter, type WriterEvents } from "./answer-writer.ts";
import type { Shared } from "./shared.ts";
import { joinTunnel } from "./tunnel.ts";

/** Bodies that have arrived with their head, up to this size, are handed on as bytes: they can be sent again. */
const MOST_AT_ONCE = 64 * 1024;
/** A connection that closes listens so long for a client still sending, so that the answer is not lost in a reset. */
const LINGER_MS = 2000;

/** `idle`: between requests. `exchange`: a request is under way. `linger`: closing. `gone`: closed or handed to a tunnel. */
type Phase = "idle" | "exchange" | "linger" | "gone";

/** A client's connection. Owns its socket until the end, or until a tunnel takes it. */
export class Connection implements SocketHandler, BodySource, WriterEvents {
  readonly #socket: Socket;
  readonly #shared: Shared;
  #phase: Phase = "idle";
  /** Bytes that wait: the beginning of a head, or requests sent ahead (pipelining). */
  readonly #held = new Accumulator();
  #pumping = false;
  #paused = false;
  #halfClosed = false;
  #head: RequestHead | undefined = undefined;
  #exchange: Exchange | undefined = undefined;
  #body: ArrivingBody | undefined = undefined;
  #answered = false;
  #keepAlive = false;
  #writer: AnswerWriter | undefined = undefined;
  /** Set while the answer's last bytes wait for the client: the next request begins after them. */
  #next = false;
  readonly #reading: Deadline;
  readonly #sending: Deadline;

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket;
    this.#shared = shared;
    this.#reading = new Deadline(() => this.#readTooSlow());
    this.#sending = new Deadline(() => this.#socket.destroy());
    socket.handler = this;
    shared.deadlines.arm(this.#reading, shared.plan.keepAliveMs);
  }

  /** The gateway shuts down: a connection that serves nobody closes now, another after its answer. */
  drain(): void {
    if (this.#phase === "idle" && this.#held.length === 0) this.#close();
  }

  /** Ends whatever runs. */
  cut(): void {
    this.#socket.destroy();
  }

  data(bytes: Uint8Array): void {
    if (this.#phase === "idle") return this.#pump(bytes);
    if (this.#phase !== "exchange") return;
    let at = 0;
    const body = this.#body;
    if (body !== undefined && !body.whole) {
      at = body.feed(bytes, 0);
      if (!body.whole) this.#awaitBody();
      else this.#shared.deadlines.disarm(this.#reading);
    }
    if (at < bytes.length) this.#hold(bytes.subarray(at));
  }

  drained(): void {
    this.#shared.deadlines.disarm(this.#sending);
    if (this.#next) {
      this.#next = false;
      this.#settle();
    } else this.#writer?.drained();
  }

  ended(): void {
    this.#halfClosed = true;
    if (this.#phase !== "exchange") {
      // Nothing more can come; what was half sent is nobody's.
      this.#socket.end();
      return;
    }
    this.#keepAlive = false;
    const body = this.#body;
    const { halfClose } = this.#shared.plan;
    if (body !== undefined && !body.whole) {
      body.fail(new GatewayError("client_disconnect", "the client ended in the middle of its request"));
      this.#socket.destroy();
    } else if (halfClose === "leave") this.#socket.destroy();
    else if (halfClose === "ask" && this.#head!.minor === 1) {
      // A client that is gone answers these bytes with a reset (cases GW-20, GW-22; RFC 9110 section 15.2).
      if (!this.#answered) this.#socket.writeText("HTTP/1.1 100 Continue\r\n\r\n");
      else this.#writer?.probe();
    }
  }

  closed(): void {
    const x = this.#exchange;
    this.#release();
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
    if (this.#head?.minor === 1 && this.#head.fields.has("expect") && !this.#answered && this.#body!.received === 0) {
      this.#socket.writeText("HTTP/1.1 100 Continue\r\n\r\n");
    }
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

  explain(fault: Malformed): GatewayError {
    return refusalOf(fault);
  }

  // WriterEvents

  full(): void {
    this.#shared.deadlines.arm(this.#sending, this.#shared.plan.sendMs);
  }

  finished(): void {
    this.#finish(this.#exchange!, this.#exchange!.error);
    // An upload that nobody reads to its end leaves the connection unusable.
    if (this.#body !== undefined && !this.#body.whole) this.#keepAlive = false;
    this.#body?.cancel();
    if (this.#socket.waiting > 0) this.#next = true;
    else this.#settle();
  }

  broken(error: GatewayError): void {
    const x = this.#exchange!;
    x.error ??= error;
    this.#finish(x, x.error);
    // A broken answer must not look whole: no last chunk, no full length, no orderly end.
    this.#socket.destroy();
  }

  // Requests in

  #pump(bytes: Uint8Array | undefined): void {
    if (this.#pumping) return;
    this.#pumping = true;
    let input = bytes;
    while (this.#phase === "idle") {
      const scanned = this.#held.length;
      if (scanned > 0) {
        if (input !== undefined) this.#held.append(input);
        input = this.#held.bytes;
      }
      if (input === undefined || input.length === 0) break;
      const incomplete = scanned > 0 && bytes !== undefined && findEmptyLine(input, scanned - 3) < 0;
      const head = incomplete ? undefined : this.#readHead(input);
      bytes = undefined;
      if (head === undefined) {
        if (scanned === 0) this.#held.append(input);
        if (this.#phase === "idle") this.#awaitHead(scanned === 0);
        input = undefined;
        break;
      }
      if (scanned > 0) input = this.#held.take();
      input = this.#begin(head, input);
    }
    this.#pumping = false;
    if (input !== undefined && input.length > 0 && this.#phase === "exchange") this.#hold(input);
  }

  #readHead(input: Uint8Array): RequestHead | undefined {
    try {
      return readRequestHead(input, 0, this.#shared.limits);
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      this.#refuse(refusalOf(fault), undefined);
      return undefined;
    }
  }

  /** Sends a request its way; returns the bytes behind it. */
  #begin(head: RequestHead, input: Uint8Array): Uint8Array {
    const shared = this.#shared;
    const at = head.end;
    shared.deadlines.disarm(this.#reading);
    this.#head = head;
    this.#keepAlive = head.keepAlive;
    this.#answered = false;
    this.#body = undefined;
    this.#phase = "exchange";
    const { bodyLength } = head;
    let content: Content = null;
    let end = at;
    if (bodyLength > 0 && bodyLength <= MOST_AT_ONCE && input.length - at >= bodyLength) {
      end = at + bodyLength;
      content = input.subarray(at, end);
    } else if (bodyLength === CHUNKED || bodyLength > 0) {
      content = this.#body = new ArrivingBody(bodyLength, this);
      if (at < input.length) end = this.#body.feed(input, at);
      if (!this.#body.whole) this.#awaitBody();
    }
    const arrival = admit(head, this.#socket.secure, this.#socket.remoteAddress, content);
    if (arrival instanceof GatewayError) {
      this.#refuse(arrival, head);
    } else {
      const x = new Exchange(arrival, shared.platform.now());
      this.#exchange = x;
      shared.way.travel(x, (answer) => this.#send(x, answer));
    }
    return end === input.length ? NOTHING : input.subarray(end);
  }

  #send(x: Exchange, answer: Answer): void {
    if (this.#exchange !== x) {
      // The client left before its answer came.
      this.#shared.discard(answer);
      return;
    }
    x.answer = answer;
    this.#answered = true;
    const shared = this.#shared;
    if (shared.draining || this.#halfClosed) this.#keepAlive = false;
    if (answer.tunnel !== undefined) return this.#openTunnel(x, answer);
    if (this.#body !== undefined && !this.#body.whole && x.error !== undefined) this.#keepAlive = false;
    const minor = this.#head?.minor ?? 1;
    this.#writer = new AnswerWriter(this.#socket, this);
    this.#writer.start(answer, { method: x.method, minor, keepAlive: this.#keepAlive, date: shared.date() });
  }

  /** Answers a request that never became an exchange on the way, and closes. */
  #refuse(error: GatewayError, head: RequestHead | undefined): void {
    this.#shared.deadlines.disarm(this.#reading);
    this.#phase = "exchange";
    this.#head = head;
    this.#keepAlive = false;
    const x = new Exchange(
      {
        method: head?.method ?? "",
        target: head?.target ?? "",
        scheme: this.#socket.secure ? "https" : "http",
        authority: "",
        version: head?.minor === 0 ? "1.0" : "1.1",
        fields: head?.fields ?? this.#shared.noFields,
        content: null,
        peer: this.#socket.remoteAddress,
      },
      this.#shared.platform.now(),
    );
    this.#exchange = x;
    this.#send(x, this.#shared.way.refuse(x, error));
  }

  #openTunnel(x: Exchange, answer: Answer): void {
    const early = this.#held.take();
    this.#release();
    joinTunnel(this.#socket, answer, early, this.#shared, (error, bytesIn, bytesOut) => {
      this.#shared.way.finish(x, { error, bytesIn, bytesOut });
      this.#shared.closed(this);
    });
  }

  // Between and after requests

  #finish(x: Exchange, error: GatewayError | undefined): void {
    if (this.#exchange !== x) return;
    this.#exchange = undefined;
    const bytesIn = this.#body?.received ?? (x.content instanceof Uint8Array ? x.content.length : 0);
    this.#shared.way.finish(x, { error, bytesIn, bytesOut: this.#writer?.sent ?? 0 });
  }

  #settle(): void {
    this.#writer = undefined;
    if (!this.#keepAlive) return this.#close();
    this.#phase = "idle";
    this.#head = undefined;
    this.#body = undefined;
    this.#shared.deadlines.arm(this.#reading, this.#shared.plan.keepAliveMs);
    if (this.#held.length <= this.#shared.limits.maxHead) this.resumeReading();
    if (this.#held.length > 0) this.#pump(undefined);
  }

  /** Sends FIN and reads on for a while, so that a client still sending sees the answer and not a reset. */
  #close(): void {
    this.#phase = "linger";
    this.#writer = undefined;
    this.#held.take();
    this.#socket.end();
    this.resumeReading();
    this.#shared.deadlines.arm(this.#reading, LINGER_MS);
  }

  /** The socket is no longer this connection's. */
  #release(): void {
    this.#phase = "gone";
    this.#shared.deadlines.disarm(this.#reading);
    this.#shared.deadlines.disarm(this.#sending);
    if (this.#exchange?.answer?.tunnel === undefined) this.#shared.closed(this);
  }

  #hold(bytes: Uint8Array): void {
    this.#held.append(bytes);
    if (this.#held.length > this.#shared.limits.maxHead) this.pauseReading();
  }

  #awaitHead(first: boolean): void {
    if (first) this.#shared.deadlines.arm(this.#reading, this.#shared.plan.headMs);
    if (this.#held.length <= this.#shared.limits.maxHead) return;
    this.#refuse(new GatewayError("header_section_too_large", "the head is too large"), undefined);
  }

  #awaitBody(): void {
    if (!this.#paused) this.#shared.deadlines.arm(this.#reading, this.#shared.plan.bodyMs);
  }

  #readTooSlow(): void {
    if (this.#phase === "idle" && this.#held.length === 0) return this.#close();
    if (this.#phase === "idle") {
      return this.#refuse(new GatewayError("request_timeout", "the head did not arrive in time"), undefined);
    }
    if (this.#phase !== "exchange") return this.#socket.destroy();
    this.#keepAlive = false;
    this.#body?.fail(new GatewayError("request_timeout", "the body stopped arriving"));
    if (this.#answered) this.#socket.destroy();
  }
}

const NOTHING = new Uint8Array(0);
