// One request to a target over HTTP/2, and its answer: a place on a connection that serves others beside it.
import { Answer } from "../../answer.ts";
import { GatewayError } from "../../errors.ts";
import type { Content } from "../../http/body.ts";
import { Deadline, type Deadlines } from "../../http/deadlines.ts";
import { ArrivingContent } from "../../http/http2/arriving-content.ts";
import {
  CANCEL,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
  StreamFault,
} from "../../http/http2/fault.ts";
import { windowUpdate } from "../../http/http2/frame.ts";
import type { IncomingStream } from "../../http/http2/incoming.ts";
import { type MessageEvents, MessageSender } from "../../http/http2/message-sender.ts";
import type { Sender } from "../../http/http2/sender.ts";
import type { AnswerHead, ResponseBlock } from "../../http/http2/response-block.ts";
import { Malformed, hasNoContent, MOST_INTERIM } from "../../http/message.ts";
import { malformedAnswer } from "../http1/answer-reader.ts";
import type { Lent, Outgoing, Receiver } from "../http1/connection-ends.ts";
import { silent, stoodStill, tookNothing } from "../lateness.ts";
import { requestBlock } from "./request-head.ts";

/** What a target may send of an answer ahead of its reader. Answers that have come whole with their head are handed on as bytes. */
export const ANSWER_WINDOW = 128 * 1024;
/** The window is opened again by so much at least. */
const WINDOW_STEP = ANSWER_WINDOW / 4;

/** The connection, as its requests see it. */
export interface StreamConnection {
  /** Whether an answer has come on it before. */
  readonly reused: boolean;
  /** As `:scheme` says it. */
  readonly scheme: "http" | "https";
  readonly deadlines: Deadlines;
  readonly sender: Sender;
  /** Window of a stream that the target has set. */
  readonly firstWindow: number;
  /** The place is given back, and nothing was sent. */
  giveBack(): void;
  /** A request is about to be sent: its stream's number. Undefined: the connection takes none any more. */
  open(stream: RequestStream): number | undefined;
  /** An answer's head has come. */
  answered(): void;
  /** Content has come: the target may send as much again, of all streams. */
  taken(bytes: number): void;
  /** A frame of content has gone; see MessageEvents. */
  sentContent(bytes: number, isAll: boolean): void;
  /** A stream is over. @param code sent to the target, whose side was open */
  over(id: number, code: number | undefined): void;
}

/** A place on a connection, and the stream of the request that is sent on it. */
export class RequestStream implements Lent, IncomingStream, MessageEvents {
  isOver = false;
  /** The answer has come whole. */
  isEnded = false;
  readonly reused: boolean;
  readonly #connection: StreamConnection;
  #id = 0;
  #request: Outgoing | undefined = undefined;
  #receiver: Receiver | undefined = undefined;
  #message: MessageSender | undefined = undefined;
  #answer: Answer | undefined = undefined;
  #body: ArrivingContent | undefined = undefined;
  #interim = 0;
  /** Bytes of content that the target may send. */
  #mayReceive = ANSWER_WINDOW;
  #taken = 0;
  readonly #clock: Deadline;

  constructor(connection: StreamConnection) {
    this.#connection = connection;
    this.reused = connection.reused;
    this.#clock = new Deadline(() => this.#tooSlow());
  }

  // Lent

  send(request: Outgoing, receiver: Receiver): void {
    this.#request = request;
    this.#receiver = receiver;
    const connection = this.#connection;
    const id = connection.open(this);
    if (id === undefined) return this.#fail(unserved());
    if (request.upgrade !== "") {
      this.#id = id;
      this.#end(undefined);
      return this.#fail(new GatewayError("protocol_not_supported", "HTTP/2 to targets has no switch of protocols"));
    }
    this.#id = id;
    const { sender, deadlines, firstWindow } = connection;
    const { head, content, trails, timeouts } = request;
    const means = {
      sender,
      deadlines,
      sendMs: timeouts.sendMs,
      incomplete: "http_request_error",
    } as const;
    this.#message = new MessageSender(id, firstWindow, means, this);
    this.#message.start(() => requestBlock(sender.hpack, head, connection.scheme), content, trails);
  }

  release(): void {
    this.isOver = true;
    this.#connection.giveBack();
  }

  destroy(): void {
    this.#receiver = undefined;
    if (this.#id === 0) return this.release();
    this.#end(CANCEL);
  }

  // MessageEvents: the request

  finished(): void {
    if (this.isEnded) this.#end(undefined);
    else if (this.#answer === undefined) this.#arm(this.#request!.timeouts.firstByteMs);
  }

  broken(error: GatewayError): void {
    // An answer that has begun breaks off for the same reason: the target is not to blame.
    this.#body?.fail(error);
    this.#end(CANCEL);
    this.#fail(error);
  }

  stuck(): void {
    // It may be the socket that is full, which others share: that is the target's doing, too.
    this.#breakOff(tookNothing(this.#request!.timeouts.sendMs));
  }

  sentContent(bytes: number, isAll: boolean): void {
    this.#connection.sentContent(bytes, isAll);
  }

  // IncomingStream: the answer

  /** Whether the head of the final answer has come. */
  get hasAnswer(): boolean {
    return this.#answer !== undefined;
  }

  /** A head has come. @returns whether it is that of the final answer @throws StreamFault */
  head(block: ResponseBlock, endStream: boolean): boolean {
    let head: AnswerHead;
    try {
      head = block.head();
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      this.#refuse(malformedAnswer(fault));
      return false;
    }
    if (head.status < 200) {
      // Interim answers mean nothing here: 100 was answered at the client's side (RFC 9110 section 15.2).
      if (endStream || ++this.#interim > MOST_INTERIM) {
        this.#refuse(new GatewayError("http_protocol_error", "the target sends interim answers without an end"));
      }
      return false;
    }
    this.#take(head, endStream);
    return true;
  }

  #take({ status, fields, length, announcedLength }: AnswerHead, endStream: boolean): void {
    const { method } = this.#request!;
    this.#connection.answered();
    this.#answer = new Answer(status, undefined, fields, null);
    const isSilent = hasNoContent(method, status);
    if (method === "HEAD" || status === 304) this.#answer.announcedLength = announcedLength;
    if (endStream && !isSilent && length !== undefined && length > 0) {
      return this.#refuse(
        new GatewayError("http_response_incomplete", "the answer has not the content that it announces"),
      );
    }
    this.#body = new ArrivingContent(isSilent ? 0 : length, {
      wanted: () => this.#awaitMore(),
      taken: (bytes) => this.#giveWindow(bytes),
      abandoned: () => this.#end(CANCEL),
    });
    if (endStream) this.end();
    else this.#awaitMore();
  }

  /** Hands the answer on, with what has come of its content. */
  deliver(): void {
    const receiver = this.#receiver;
    const answer = this.#answer;
    if (receiver === undefined || answer === undefined) return;
    this.#receiver = undefined;
    answer.content = this.#content(this.#body!);
    receiver.answered(answer);
  }

  #content(body: ArrivingContent): Content {
    const bytes = body.takeWhole(ANSWER_WINDOW);
    if (bytes !== undefined) return bytes.length === 0 ? null : bytes;
    return body;
  }

  dataBegins(length: number): void {
    if (this.isEnded || this.#body === undefined) {
      this.#connection.taken(length);
      throw new StreamFault(this.#id, STREAM_CLOSED, "content where none can be");
    }
    this.#connection.taken(length);
    this.#mayReceive -= length;
    if (this.#mayReceive < 0) throw new StreamFault(this.#id, PROTOCOL_ERROR, "more content than the window allows");
  }

  data(piece: Uint8Array): void {
    const body = this.#body!;
    if (body.length !== undefined && body.received + piece.length > body.length) {
      throw new StreamFault(this.#id, PROTOCOL_ERROR, "the content is longer than its content-length");
    }
    // While nobody takes it, it is not the target that is slow.
    this.#connection.deadlines.disarm(this.#clock);
    body.data(piece);
  }

  /** Padding. */
  taken(bytes: number): void {
    this.#giveWindow(bytes);
  }

  end(trailers?: ResponseBlock): void {
    const body = this.#body!;
    if (this.isEnded) throw new StreamFault(this.#id, STREAM_CLOSED, "a block behind the end of its stream");
    if (body.length !== undefined && body.received < body.length) {
      return this.#breakOff(
        new GatewayError("http_response_incomplete", "the content is shorter than its Content-Length"),
      );
    }
    this.isEnded = true;
    let fields: ReturnType<ResponseBlock["trailers"]>;
    try {
      fields = trailers?.trailers();
    } catch (fault) {
      if (!(fault instanceof Malformed)) throw fault;
      return this.#breakOff(malformedAnswer(fault));
    }
    // The answer is whole: of the request no more is needed.
    this.#end(this.#message?.isDone === true ? undefined : CANCEL);
    body.end(fields);
  }

  widen(bytes: number): void {
    this.#message?.widen(bytes);
  }

  takenBack(code: number): void {
    const how = `the target ended the stream before its time (code ${code})`;
    const retry = code === REFUSED_STREAM ? "safe" : "never";
    this.#end(NO_ERROR, false);
    this.#body?.fail(new GatewayError("http_response_incomplete", how));
    this.#fail(new GatewayError("connection_terminated", how, { retry }));
  }

  reset(code: number, error: GatewayError): void {
    this.#end(code);
    const fault = new GatewayError("http_protocol_error", `the target's answer is malformed: ${error.message}`);
    this.#body?.fail(fault);
    this.#fail(fault);
  }

  // The connection

  /** The target has said that it will not serve it. */
  unserved(): void {
    this.#end(NO_ERROR, false);
    this.#fail(unserved());
  }

  /** The connection is gone: only on one that has served before may that mean that nothing was done (case GW-19). */
  lost(how: string, fault: GatewayError | undefined): void {
    this.#end(NO_ERROR, false);
    this.#body?.fail(fault ?? new GatewayError("http_response_incomplete", `the target broke off its answer: ${how}`));
    const retry = this.reused ? "idempotent" : "never";
    const ended = `the target ended the connection before it answered: ${how}`;
    this.#fail(fault ?? new GatewayError("connection_terminated", ended, { retry }));
  }

  /** The answer cannot be used. */
  #refuse(error: GatewayError): void {
    this.#end(PROTOCOL_ERROR);
    this.#fail(error);
  }

  #breakOff(error: GatewayError): void {
    this.#end(CANCEL);
    this.#body?.fail(error);
    this.#fail(error);
  }

  #fail(error: GatewayError): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    receiver?.failed(error);
  }

  /** Over for both sides. @param code told to the target, where its side is open @param tells whether the connection is told */
  #end(code: number | undefined, tells = true): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#connection.deadlines.disarm(this.#clock);
    if (this.#message?.isDone === false) this.#message.abandon();
    if (tells) this.#connection.over(this.#id, code);
  }

  #giveWindow(bytes: number): void {
    if (this.isOver || this.isEnded) return;
    this.#taken += bytes;
    if (this.#taken >= WINDOW_STEP) {
      this.#mayReceive += this.#taken;
      this.#connection.sender.control(windowUpdate(this.#id, this.#taken));
      this.#taken = 0;
    }
    this.#awaitMore();
  }

  #awaitMore(): void {
    if (!this.isOver && !this.isEnded) this.#arm(this.#request!.timeouts.idleMs);
  }

  #arm(ms: number): void {
    this.#connection.deadlines.arm(this.#clock, ms);
  }

  #tooSlow(): void {
    const { firstByteMs, idleMs } = this.#request!.timeouts;
    this.#breakOff(this.#answer === undefined ? silent(firstByteMs) : stoodStill(idleMs));
  }
}

function unserved(): GatewayError {
  return new GatewayError("connection_terminated", "the target takes no more requests on the connection", {
    retry: "safe",
  });
}
