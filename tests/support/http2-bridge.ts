// HTTP/2 for clients of HTTP/1.1: a port in front of a gateway's, where each of their requests is a stream to it.
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { HpackDecoder } from "../../src/http/http2/hpack-decoder.ts";
import { latin1Bytes } from "../../src/http/latin1.ts";
import { ByteReader } from "./byte-reader.ts";
import { ACK, data, END_HEADERS, END_STREAM, type Frame, frame, headers, PREFACE } from "./http2-frames.ts";
import { readFrames, rst, settings, windowUpdate } from "./http2-frames.ts";
import { bodyPieces, readRequestHead, type ReceivedRequest } from "./message-reader.ts";

/** Fields that HTTP/2 has no place for. */
const OF_HTTP1 = new Set(["host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);
const CANCEL = 8;
const MAX_FRAME = 16_384;

/** Opens the port. `stop` closes it; connections end with their clients. */
export async function throughHttp2(port: number): Promise<{ readonly port: number; stop(): void }> {
  const server = createServer({ allowHalfOpen: true }, (client) => {
    void new Bridge(client, connect({ host: "127.0.0.1", port })).serve();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => void server.close() };
}

/** A client's connection, and one to the gateway for it. */
class Bridge {
  readonly #client: Socket;
  readonly #gateway: Socket;
  readonly #decoder = new HpackDecoder();
  #unread = "";
  #stream = -1;
  #method = "";
  /** How the content of the answer goes on; undefined before its head. */
  #framing: "plain" | "chunked" | undefined;
  #block = "";
  /** Of the answer that is awaited. */
  #answered: (() => void) | undefined;
  /** What the gateway takes, of the connection and of the stream. */
  #room = { all: 65_535, stream: 65_535 };
  #widened: (() => void) | undefined;

  constructor(client: Socket, gateway: Socket) {
    this.#client = client;
    this.#gateway = gateway;
    gateway.setNoDelay(true);
    client.setNoDelay(true);
    gateway.write(PREFACE + settings(), "latin1");
    gateway.on("data", (bytes: Buffer) => this.#read(bytes.toString("latin1")));
    gateway.on("error", () => undefined);
    // An answer that is not whole must not look so.
    gateway.on("close", () => (this.#answered === undefined ? client.end() : this.#break()));
    client.on("close", () => this.#leave());
  }

  /** Sends one request after the other. */
  async serve(): Promise<void> {
    const reader = new ByteReader(this.#client);
    for (;;) {
      const head = await readRequestHead(reader, 0);
      if (head === undefined || head.request.problem !== undefined) return this.#leave();
      const answered = new Promise<void>((resolve) => (this.#answered = resolve));
      const { request, length } = head;
      const hasContent = request.body.framing === "chunked" || length > 0;
      this.#begin(request, !hasContent);
      try {
        for await (const piece of bodyPieces(reader, request, length)) await this.#sendContent(piece);
      } catch {
        return this.#leave();
      }
      if (hasContent && this.#answered !== undefined) this.#send(data(this.#stream, "", true));
      await answered;
    }
  }

  #begin({ method, target, fields }: ReceivedRequest, isAll: boolean): void {
    this.#stream += 2;
    this.#method = method;
    this.#framing = undefined;
    this.#room.stream = 65_535;
    const passed = fields.lines.map(({ name, value }) => [name.toLowerCase(), value] as const);
    const named = { ":method": method, ":authority": method === "CONNECT" ? target : (fields.one("host") ?? "") };
    // RFC 9113 section 8.5: CONNECT has neither.
    const pseudo = method === "CONNECT" ? named : { ...named, ":scheme": "http", ":path": target };
    const lines = [...Object.entries(pseudo), ...passed.filter(([name]) => !OF_HTTP1.has(name))];
    this.#send(headers(this.#stream, lines, isAll));
  }

  async #sendContent(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length && this.#answered !== undefined;) {
      const size = Math.min(piece.length - at, this.#room.all, this.#room.stream, MAX_FRAME);
      if (size <= 0) {
        await new Promise<void>((resolve) => (this.#widened = resolve));
        continue;
      }
      this.#room.all -= size;
      this.#room.stream -= size;
      this.#send(data(this.#stream, piece.toString("latin1", at, at + size)));
      at += size;
    }
  }

  #read(text: string): void {
    this.#unread += text;
    for (const each of readFrames(this.#unread)) {
      this.#unread = this.#unread.slice(9 + each.payload.length);
      this.#take(each);
    }
  }

  #take({ type, flags, stream, payload }: Frame): void {
    const isEnd = (flags & END_STREAM) !== 0;
    if (type === "SETTINGS" && flags !== ACK) return this.#send(frame("SETTINGS", ACK, 0));
    if (type === "PING" && flags !== ACK) return this.#send(frame("PING", ACK, 0, payload));
    if (type === "WINDOW_UPDATE") return this.#widen(stream, Buffer.from(payload, "latin1").readUInt32BE());
    if (type === "HEADERS" || type === "CONTINUATION") {
      this.#block += payload;
      if ((flags & END_HEADERS) === 0) return;
      const fields: [name: string, value: string][] = [];
      this.#decoder.decode(latin1Bytes(this.#block), ({ name, value }) => fields.push([name, value]));
      this.#block = "";
      // The answer of a request that was taken back.
      if (stream !== this.#stream || this.#answered === undefined) return;
      if (this.#framing === undefined) this.#sendHead(fields, isEnd);
      else this.#finish(fields);
    } else if (stream === this.#stream && this.#answered !== undefined) {
      if (type === "DATA") this.#passContent(payload, isEnd);
      else if (type === "RST_STREAM") this.#break();
    }
  }

  #widen(stream: number, bytes: number): void {
    if (stream === 0) this.#room.all += bytes;
    else if (stream === this.#stream) this.#room.stream += bytes;
    this.#widened?.();
  }

  #sendHead([[, status] = ["", ""], ...fields]: [name: string, value: string][], isEnd: boolean): void {
    const isInterim = Number(status) < 200;
    const isSilent = isInterim || this.#method === "HEAD" || status === "204" || status === "304";
    const isSized = fields.some(([name]) => name === "content-length");
    let head = `HTTP/1.1 ${status} x\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}`;
    if (isEnd && !isSilent && !isSized) head += "content-length: 0\r\n";
    else if (!isEnd && !isInterim && !isSized) head += "transfer-encoding: chunked\r\n";
    this.#client.write(`${head}\r\n`, "latin1");
    if (isInterim) return;
    this.#framing = isEnd || isSized ? "plain" : "chunked";
    if (isEnd) this.#finish([]);
  }

  /** What the client has taken the gateway may send again. */
  #passContent(payload: string, isEnd: boolean): void {
    const stream = this.#stream;
    if (payload !== "") {
      const text = this.#framing === "plain" ? payload : `${payload.length.toString(16)}\r\n${payload}\r\n`;
      this.#client.write(text, "latin1", () => {
        this.#send(windowUpdate(0, payload.length) + (isEnd ? "" : windowUpdate(stream, payload.length)));
      });
    }
    if (isEnd) this.#finish([]);
  }

  #finish(trailers: [name: string, value: string][]): void {
    const lines = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    if (this.#framing === "chunked") this.#client.write(`0\r\n${lines}\r\n`, "latin1");
    this.#settle();
  }

  #settle(): void {
    const answered = this.#answered;
    this.#answered = undefined;
    this.#widened?.();
    answered?.();
  }

  /** The answer ends before its time. */
  #break(): void {
    this.#settle();
    this.#client.resetAndDestroy();
  }

  /** The client has gone: what it waits for is taken back. */
  #leave(): void {
    if (this.#answered !== undefined) this.#send(rst(this.#stream, CANCEL));
    this.#settle();
    this.#gateway.end();
  }

  #send(frames: string): void {
    if (!this.#gateway.destroyed && !this.#gateway.writableEnded) this.#gateway.write(frames, "latin1");
  }
}
