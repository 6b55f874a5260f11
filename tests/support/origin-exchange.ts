// What an origin's behaviour works with: one request, the socket it came on, and full power over both.
import type { Socket } from "node:net";
import { BytesEnded, Malformed, type ByteReader, type Ending } from "./byte-reader.ts";
import { toBuffer, type Bytes, type ByteWriter } from "./byte-writer.ts";
import { elapse } from "./deadline.ts";
import type { ReceivedRequest } from "./message-reader.ts";

/** What one connection to the origin was. */
export interface RecordedConnection {
  /** 1 for the origin's first connection since it began or was cleared. */
  readonly number: number;
  readonly openedAt: number;
  readonly requests: RecordedRequest[];
  /** The first bytes the gateway sent, up to 1 MiB. */
  readonly raw: Buffer;
  /** How the gateway ended its side: "open" while it has not, "ours" when the origin cut the connection. */
  readonly ending: Ending;
  /** When it did, on `performance.now()`; 0 while open. */
  readonly endedAt: number;
  /** True once the socket is gone. */
  readonly closed: boolean;
}

/** A request as it arrived, and where. */
export interface RecordedRequest extends ReceivedRequest {
  connection: RecordedConnection;
}

/** A connection with its socket: for the origin alone. */
export interface OriginConnection extends RecordedConnection {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  readonly socket: Socket;
}

/** What a behaviour works with: one request, and the socket it came on. */
export class OriginExchange {
  readonly request: RecordedRequest;
  readonly connection: RecordedConnection;
  /** 1 for the first request of its connection. */
  readonly number: number;
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  /** Set by `takeOver`: the origin reads no more requests from this connection. */
  taken = false;
  readonly #socket: Socket;
  readonly #pieces: AsyncGenerator<Buffer>;

  /** For the origin alone. */
  constructor(request: RecordedRequest, connection: OriginConnection, number: number, pieces: AsyncGenerator<Buffer>) {
    this.request = request;
    this.connection = connection;
    this.number = number;
    this.reader = connection.reader;
    this.writer = connection.writer;
    this.#socket = connection.socket;
    this.#pieces = pieces;
  }

  /** The next piece of the request's body; undefined at its end, also when it broke off (`request.problem` tells). */
  async some(): Promise<Buffer | undefined> {
    try {
      const next = await this.#pieces.next();
      return next.done === true ? undefined : next.value;
    } catch (failure) {
      if (!(failure instanceof BytesEnded || failure instanceof Malformed)) throw failure;
      this.request.problem = failure.message;
      return undefined;
    }
  }

  /** Reads the body to its end and returns what was kept of it. */
  async body(): Promise<Buffer> {
    while ((await this.some()) !== undefined);
    return this.request.body.content;
  }

  /** Sends bytes as they are; resolves once the kernel took them, false when the gateway has gone. */
  send(bytes: Bytes, timeoutMs = Infinity): Promise<boolean> {
    return this.writer.send(bytes, timeoutMs);
  }

  /** Sends a chunk of a chunked body. */
  chunk(bytes: Bytes): Promise<boolean> {
    const data = toBuffer(bytes);
    return this.send(Buffer.concat([toBuffer(`${data.length.toString(16)}\r\n`), data, toBuffer("\r\n")]));
  }

  /** Lets time pass; ends early, with false, when the gateway closes. */
  async wait(ms: number): Promise<boolean> {
    const end = performance.now() + ms;
    while (performance.now() < end) {
      if (this.reader.ending !== "open" || this.connection.closed) return false;
      await elapse(Math.min(5, end - performance.now()));
    }
    return true;
  }

  /** Says nothing until the gateway closes. */
  async hang(): Promise<void> {
    while (await this.wait(60_000));
  }

  /** Sends FIN. */
  finish(): void {
    this.#socket.end();
  }

  /** Cuts the connection with RST. */
  reset(): void {
    this.reader.cut();
    this.#socket.resetAndDestroy();
  }

  /** From here on the connection is the behaviour's own (after a 101). */
  takeOver(): void {
    this.taken = true;
  }
}

/** What an origin does with a request. The body is read to its end afterwards if it was not. */
export type Behaviour = (x: OriginExchange) => Promise<unknown> | unknown;

/** Reads the request whole and answers with these bytes. */
export function answering(bytes: Bytes): Behaviour {
  return async (x) => {
    await x.body();
    await x.send(bytes);
  };
}

/** A plain answer: status line, Content-Length and body. */
export function plain(body = "ok", head = "HTTP/1.1 200 OK\r\n"): string {
  return `${head}Content-Length: ${Buffer.byteLength(body, "latin1")}\r\n\r\n${body}`;
}
