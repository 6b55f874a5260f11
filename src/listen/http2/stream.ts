// One stream of an HTTP/2 connection: a request in, its answer out.
import type { Answer } from "../../answer.ts";
import { GatewayError } from "../../errors.ts";
import { type Arrival, Exchange } from "../../exchange.ts";
import { type Content, isStream } from "../../http/body.ts";
import { Deadline } from "../../http/deadlines.ts";
import {
  CANCEL,
  FLOW_CONTROL_ERROR,
  INTERNAL_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  STREAM_CLOSED,
  StreamFault,
} from "../../http/http2/fault.ts";
import { ArrivingContent, type ArrivingEvents } from "../../http/http2/arriving-content.ts";
import { FIRST_WINDOW, MOST, headersFrames, windowUpdate } from "../../http/http2/frame.ts";
import { type MessageEvents, MessageSender } from "../../http/http2/message-sender.ts";
import type { BlockHead, RequestBlock } from "../../http/http2/request-block.ts";
import { Malformed, hasNoContent } from "../../http/message.ts";
import type { RequestHead } from "../../http/request-head.ts";
import { admit, refusalOf, refusedArrival } from "../admit.ts";
import { bodyTooLate, tookNothing } from "../lateness.ts";
import { REQUEST_AT_ONCE } from "../shared.ts";
import { answerBlock } from "./answer-block.ts";
import { Leftover, MOST_UNASKED } from "./leftover.ts";
import type { StreamOwner } from "./stream-owner.ts";

/** What a client may send of a stream ahead of its reader; before there is one, it is FIRST_WINDOW. */
const READ_WINDOW = 256 * 1024;
/** Windows are opened again by so much at least. */
const WINDOW_STEP = 32 * 1024;

/** A stream. */
export class Stream implements ArrivingEvents, MessageEvents {
  readonly id: number;
  /** Nothing comes of it or goes. */
  isOver = false;
  /** The client has sent all of its request. */
  isEnded = false;
  readonly #owner: StreamOwner;
  #head: BlockHead | undefined;
  #exchange: Exchange | undefined = undefined;
  #hasBegun = false;
  #body: ArrivingContent | undefined = undefined;
  #answer: MessageSender | undefined = undefined;
  /** Set once it is answered, while the client still sends. */
  #leftover: Leftover | undefined = undefined;
  /** Whether what the client still sends is taken once it is answered. */
  #takesRest = false;
  /** Bytes of content that the client takes. */
  #window: number;
  /** Bytes of content that the client may send. */
  #mayReceive = FIRST_WINDOW;
  /** Taken, and the client has not been told. */
  #taken = 0;
  readonly #reading: Deadline;

  constructor(id: number, owner: StreamOwner) {
    this.id = id;
    this.#owner = owner;
    this.#window = owner.firstWindow;
    this.#reading = new Deadline(() => this.#readTooSlow());
  }

  // The request in

  /** The head has come. @returns why it cannot be served @throws StreamFault for what is no request of HTTP/2 */
  open(block: RequestBlock, endStream: boolean): GatewayError | undefined {
    try {
      this.#head = block.head();
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      if (fault.kind === "syntax") throw this.#fault(PROTOCOL_ERROR, fault.message);
      this.isEnded = endStream;
      return refusalOf(fault);
    }
    const { length } = this.#head;
    if (!endStream) this.#body = new ArrivingContent(length, this);
    else if (length !== undefined && length > 0)
      throw this.#fault(PROTOCOL_ERROR, "the content is shorter than its content-length");
    this.isEnded = endStream;
    return undefined;
  }

  /** A DATA frame begins, of so many bytes in all. @throws StreamFault */
  dataBegins(length: number): void {
    if (this.isEnded) throw this.#fault(STREAM_CLOSED, "content behind the end of its stream");
    this.#mayReceive -= length;
    if (this.#mayReceive < 0) throw this.#fault(FLOW_CONTROL_ERROR, "more content than the stream's window allows");
  }

  /** @throws StreamFault */
  data(piece: Uint8Array): void {
    this.#leftover?.take(piece.length);
    const body = this.#body;
    if (body === undefined) return this.taken(piece.length);
    if (body.length !== undefined && body.received + piece.length > body.length) {
      this.#owner.taken(piece.length);
      throw this.#fault(PROTOCOL_ERROR, "the content is longer than its content-length");
    }
    body.data(piece);
    this.#awaitBody();
  }

  /** Nothing follows of the request. @throws StreamFault */
  end(trailers?: RequestBlock): void {
    if (this.isEnded) throw this.#fault(STREAM_CLOSED, "a block behind the end of its stream");
    this.isEnded = true;
    this.#owner.shared.deadlines.disarm(this.#reading);
    const body = this.#body;
    if (body?.length !== undefined && body.received < body.length) {
      throw this.#fault(PROTOCOL_ERROR, "the content is shorter than its content-length");
    }
    try {
      body?.end(trailers?.trailers());
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      throw this.#fault(PROTOCOL_ERROR, fault.message);
    }
    if (this.#leftover !== undefined) this.#over(undefined);
  }

  /** Sends the request its way. */
  begin(): void {
    const { shared, socket } = this.#owner;
    const arrival = admit(this.#requestHead(), socket.secure, socket.remoteAddress, this.#content(), "2");
    if (arrival instanceof GatewayError) return this.refuse(arrival);
    const x = this.#exchangeOf(arrival);
    x.clientCertificate = socket.clientCertificate;
    shared.way.travel(x, (answer) => this.#send(x, answer));
  }

  #content(): Content {
    const body = this.#body;
    if (body === undefined || body.length === 0) return null;
    const bytes = body.takeWhole(REQUEST_AT_ONCE);
    if (bytes === undefined) {
      if (!this.#awaitsContinue) this.#awaitBody();
      return body;
    }
    this.taken(bytes.length);
    return bytes.length === 0 ? null : bytes;
  }

  /** Answers a request that never became an exchange on the way. */
  refuse(error: GatewayError): void {
    const x = this.#refused();
    this.#send(x, this.#owner.shared.way.refuse(x, error));
  }

  /** Records a request that is not even answered. */
  refuseUnanswered(error: GatewayError): void {
    const x = this.#refused();
    this.#owner.shared.way.refuse(x, error).discard();
    this.abort(error);
  }

  #refused(): Exchange {
    const { secure, remoteAddress } = this.#owner.socket;
    return this.#exchangeOf(refusedArrival(this.#head && this.#requestHead(), secure, remoteAddress, "2"));
  }

  #exchangeOf(arrival: Arrival): Exchange {
    const x = new Exchange(arrival, this.#owner.shared.platform.now());
    this.#exchange = x;
    this.#hasBegun = true;
    return x;
  }

  /** As HTTP/1.1 has it, for whoever reads both. */
  #requestHead(): RequestHead {
    const { method, target, fields, length = 0 } = this.#head!;
    return { method, target, fields, minor: 1, bodyLength: length, keepAlive: true, end: 0 };
  }

  // ArrivingEvents

  wanted(): void {
    if (this.isOver || this.isEnded) return;
    if (this.#awaitsContinue && this.#answer === undefined && this.#body!.received === 0) this.#sendContinue();
    // Somebody reads: what is on its way need not wait for a round trip.
    this.#mayReceive += READ_WINDOW - FIRST_WINDOW;
    this.#owner.sender.control(windowUpdate(this.id, READ_WINDOW - FIRST_WINDOW));
    this.#awaitBody();
  }

  taken(bytes: number): void {
    this.#owner.taken(bytes);
    if (this.isOver || this.isEnded) return;
    this.#taken += bytes;
    if (this.#taken >= WINDOW_STEP) {
      this.#mayReceive += this.#taken;
      this.#owner.sender.control(windowUpdate(this.id, this.#taken));
      this.#taken = 0;
    }
    this.#awaitBody();
  }

  /** The client sends its content when it is told to, so that nothing may be held against it before. */
  get #awaitsContinue(): boolean {
    return this.#head!.fields.has("expect");
  }

  #sendContinue(): void {
    const { sender } = this.#owner;
    const block = sender.hpack.begin() + sender.hpack.status(100);
    sender.control(headersFrames(this.id, block, false, sender.maxFrame));
  }

  #awaitBody(): void {
    const { deadlines, plan } = this.#owner.shared;
    const isTimed = !this.isOver && !this.isEnded && this.#leftover === undefined && this.#mayReceive > 0;
    if (!isTimed) deadlines.disarm(this.#reading);
    else deadlines.arm(this.#reading, plan.bodyMs);
  }

  #readTooSlow(): void {
    // Other streams hold what it would need.
    if (!this.#owner.mayReceive) return this.#awaitBody();
    const error = bodyTooLate(this.#owner.shared.plan.bodyMs);
    this.#body?.fail(error);
    if (this.#answer !== undefined) this.reset(CANCEL, error);
  }

  // The answer out

  #send(x: Exchange, answer: Answer): void {
    const { sender, shared } = this.#owner;
    // The client left before its answer came.
    if (this.isOver) return answer.discard();
    x.answer = answer;
    this.#takesRest = answer.status >= 300 || this.#isOpenForRest();
    this.#owner.answers();
    const { content } = answer;
    const silent = hasNoContent(x.method, answer.status);
    if (silent && isStream(content)) content.cancel();
    const { deadlines, plan } = shared;
    const means = { sender, deadlines, sendMs: plan.sendMs, incomplete: "http_response_incomplete" } as const;
    this.#answer = new MessageSender(this.id, this.#window, means, this);
    this.#answer.start(() => answerBlock(sender.hpack, answer, x.method, shared.date()), silent ? null : content);
  }

  /** Lets the client send all the rest of its request, if that is known and little; before it is answered. */
  #isOpenForRest(): boolean {
    const rest = this.isEnded || this.#body?.length === undefined ? Infinity : this.#body.length - this.#body.received;
    if (rest > MOST_UNASKED) return false;
    const more = rest - this.#mayReceive;
    if (more > 0) {
      this.#mayReceive += more;
      this.#owner.sender.control(windowUpdate(this.id, more));
    }
    return true;
  }

  /** The client takes more. @throws StreamFault */
  widen(bytes: number): void {
    if (this.#answer !== undefined) return this.#answer.widen(bytes);
    this.#window += bytes;
    if (this.#window > MOST) throw this.#fault(FLOW_CONTROL_ERROR, "a window is over its bound");
  }

  // MessageEvents

  finished(): void {
    const isTaken = !this.isEnded && this.#takesRest;
    if (isTaken) this.#leftover = new Leftover(this.#owner.shared.deadlines, () => this.#over(NO_ERROR));
    this.#awaitBody();
    this.#body?.cancel();
    this.#owner.answered(this);
    // What is not taken, the client is asked not to send (RFC 9113 section 8.1).
    if (!isTaken) this.#over(this.isEnded ? undefined : NO_ERROR);
  }

  #over(code: number | undefined): void {
    if (this.isOver) return;
    this.#leave();
    this.#owner.over(this, code);
  }

  broken(error: GatewayError): void {
    const x = this.#exchange!;
    x.error ??= error;
    this.record();
    // A broken answer must not look whole.
    this.reset(INTERNAL_ERROR, error);
    x.left.tell();
  }

  stuck(): void {
    // It is the socket that is full: its own clock runs.
    if (this.#owner.socket.waiting > 0) return this.#answer!.waitOn();
    this.reset(CANCEL, tookNothing(this.#owner.shared.plan.sendMs));
  }

  sentContent(bytes: number, isAll: boolean): void {
    this.#owner.sentContent(bytes, isAll);
  }

  // The end

  takenBack(): void {
    this.abort(new GatewayError("client_disconnect", "the client took its request back"));
  }

  /** Ends it before its time, and tells the client so. */
  reset(code: number, error: GatewayError): void {
    if (this.isOver) return;
    if (this.#hasBegun) this.abort(error);
    else this.refuseUnanswered(error);
    this.#owner.over(this, code);
  }

  /** Breaks off whatever runs, for this reason. The client is not told, nor is the connection. */
  abort(error: GatewayError): void {
    if (this.isOver) return;
    this.#leave();
    // It has its answer: nothing that was asked for is broken off.
    if (this.#leftover !== undefined) return;
    this.#body?.fail(error);
    this.#body?.cancel();
    this.#answer?.abandon();
    const x = this.#exchange;
    if (x === undefined) return;
    x.left.tell();
    this.record(x.error ?? error);
  }

  /** Tells the way that the exchange is over. */
  record(error = this.#exchange?.error): void {
    const x = this.#exchange;
    if (x === undefined) return;
    this.#exchange = undefined;
    this.#owner.shared.way.finish(x, { error, bytesIn: this.#body?.received ?? 0, bytesOut: this.#answer?.sent ?? 0 });
  }

  #leave(): void {
    this.isOver = true;
    this.#leftover?.end();
    this.#owner.shared.deadlines.disarm(this.#reading);
  }

  #fault(code: number, message: string): StreamFault {
    return new StreamFault(this.id, code, message);
  }
}
