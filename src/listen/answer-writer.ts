// Writes an answer to the client's socket: head, framing made anew, content at the client's pace.
import type { Answer } from "../answer.ts";
import { GatewayError, toGatewayError } from "../errors.ts";
import { type Body, type BodySink, isStream } from "../http/body.ts";
import type { Fields } from "../http/fields.ts";
import { chunkOf, lastChunk } from "../http/framing.ts";
import { hasNoContent } from "../http/message.ts";
import { reasonOf } from "../http/reason.ts";
import type { Socket } from "../platform.ts";

/** How the answer is to go out. */
export interface Manner {
  /** The request's method: HEAD gets no content. */
  readonly method: string;
  /** Minor version of the client: 1.0 knows no chunks. */
  readonly minor: number;
  /** Whether the connection serves another request afterwards. */
  readonly keepAlive: boolean;
  /** Text of a Date field, for answers without one (RFC 9110 section 6.6.1). */
  readonly date: string;
}

/** What becomes of an answer. */
export interface WriterEvents {
  /** The socket is full: no more until it has drained. */
  full(): void;
  /** The answer is out as far as this process is concerned. */
  finished(): void;
  /** The content broke off: the client must see that. */
  broken(error: GatewayError): void;
}

type Framing = "none" | "sized" | "chunked" | "close";

/** Writes one answer. */
export class AnswerWriter implements BodySink {
  /** Content bytes given to the socket. */
  #sent = 0;
  readonly #socket: Socket;
  readonly #events: WriterEvents;
  #framing: Framing = "none";
  #left = 0;
  #content: Body | undefined = undefined;

  constructor(socket: Socket, events: WriterEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  /** Content bytes that the kernel has had, or will: less what was lost with the socket, its framing included. */
  get sent(): number {
    return Math.max(0, this.#sent - this.#socket.lost);
  }

  /** Begins, and for content that is all here, ends. */
  start(answer: Answer, manner: Manner): void {
    const { status, content } = answer;
    const silent = hasNoContent(manner.method, status);
    let head = headOf(answer, manner);
    if (content === null || silent) {
      if (isStream(content)) content.cancel();
      const length = silent ? announcedLength(answer) : "0";
      if (length !== undefined) head += `Content-Length: ${length}\r\n`;
      this.#finish(this.#socket.writeText(`${head}\r\n`));
      return;
    }
    if (!isStream(content)) {
      this.#sent = content.length;
      this.#finish(this.#socket.writeText(`${head}Content-Length: ${content.length}\r\n\r\n`, content));
      return;
    }
    this.#content = content;
    if (content.length !== undefined) {
      this.#framing = "sized";
      this.#left = content.length;
      head += `Content-Length: ${content.length}\r\n`;
    } else if (manner.minor === 0) {
      this.#framing = "close";
    } else {
      this.#framing = "chunked";
      head += "Transfer-Encoding: chunked\r\n";
    }
    if (!this.#socket.writeText(`${head}\r\n`)) this.#events.full();
    content.pipe(this);
  }

  write(piece: Uint8Array): boolean {
    if (piece.length === 0) return this.#socket.waiting === 0;
    this.#sent += piece.length;
    if (this.#framing === "sized") {
      this.#left -= piece.length;
      if (this.#left < 0) {
        this.fail(new GatewayError("http_response_incomplete", "the content is longer than its Content-Length"));
        return false;
      }
    }
    const room = this.#socket.write(this.#framing === "chunked" ? chunkOf(piece) : piece);
    if (!room) this.#events.full();
    return room;
  }

  end(trailers?: Fields): void {
    if (this.#content === undefined) return;
    if (this.#framing === "sized" && this.#left > 0) {
      this.fail(new GatewayError("http_response_incomplete", "the content is shorter than its Content-Length"));
      return;
    }
    this.#content = undefined;
    this.#finish(this.#framing !== "chunked" || this.#socket.writeText(lastChunk(trailers)));
  }

  fail(error: Error): void {
    const content = this.#content;
    if (content === undefined) return;
    this.#content = undefined;
    content.cancel();
    this.#events.broken(toGatewayError(error));
  }

  /** The socket has room again. */
  drained(): void {
    this.#content?.resume();
  }

  /** Nobody reads any more. */
  abandon(): void {
    const content = this.#content;
    this.#content = undefined;
    content?.cancel();
  }

  /**
   * Makes a client that is gone show it: a leading zero of the next chunk size means nothing to one that listens, and
   * draws a reset from one that does not (RFC 9112 section 7.1; case GW-20).
   */
  probe(): void {
    if (this.#content === undefined || this.#framing !== "chunked") return;
    if (this.#socket.waiting === 0) this.#socket.writeText("0");
  }

  #finish(room: boolean): void {
    if (!room) this.#events.full();
    this.#events.finished();
  }
}

/**
 * Whether the connection can serve no other request behind this answer.
 * @param minor of the client's version
 * @param uploading whether the request's body has not come whole
 */
export function endsConnection({ content }: Answer, minor: number, uploading: boolean): boolean {
  // Content that is all here ends before an upload does.
  if (!isStream(content)) return uploading;
  // HTTP/1.0 knows no chunks: only the end of the connection ends content of unknown length (RFC 9112 section 6.3).
  return minor === 0 && content.length === undefined;
}

/** Content-Length for an answer without content: what a GET would have had; 204 has none (RFC 9110 section 8.6). */
export function announcedLength(answer: Answer): string | undefined {
  const { status, content, announcedLength } = answer;
  if (status === 204) return undefined;
  if (announcedLength !== undefined || status === 304) return announcedLength;
  if (content === null) return undefined;
  return content.length === undefined ? undefined : String(content.length);
}

function headOf(answer: Answer, manner: Manner): string {
  const { status, fields } = answer;
  const { names, keys, values } = fields;
  let head = `HTTP/1.1 ${status} ${answer.reason ?? reasonOf(status)}\r\n`;
  let dated = false;
  for (let i = 0; i < names.length; i++) {
    if (keys[i] === "date") dated = true;
    head += `${names[i]}: ${values[i]}\r\n`;
  }
  if (!dated) head += `Date: ${manner.date}\r\n`;
  if (!manner.keepAlive) head += "Connection: close\r\n";
  else if (manner.minor === 0) head += "Connection: keep-alive\r\n";
  return head;
}
