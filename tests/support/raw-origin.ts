// An origin whose every byte the test decides, and which records every byte it gets.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { ByteReader, BytesEnded, Malformed, type Ending } from "./byte-reader.ts";
import { ByteWriter, toBuffer, type Bytes } from "./byte-writer.ts";
import { elapse, PATIENCE_MS, until } from "./deadline.ts";
import { bodyPieces, readRequestHead, type ReceivedRequest } from "./message-reader.ts";

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

/** A TLS handshake, finished or not. */
export interface RecordedHandshake {
  /** The name the gateway asked for; null when it sent none. */
  readonly sni: string | null;
  readonly finished: boolean;
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
  constructor(request: RecordedRequest, connection: Connection, number: number, pieces: AsyncGenerator<Buffer>) {
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

/** Options of an origin. */
export interface OriginOptions {
  /** What it does with requests no path was given a behaviour for. Default: 200 "ok". */
  readonly behaviour?: Behaviour;
  /** Address to bind. Default: 127.0.0.1. */
  readonly host?: string;
  /** Speak TLS with this certificate. `clientCa`: ask for a client certificate and require this authority's. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Bytes of each request body to keep. Default: 4 MiB. */
  readonly keep?: number;
}

class Connection implements RecordedConnection {
  readonly number: number;
  readonly openedAt = performance.now();
  readonly requests: RecordedRequest[] = [];
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  readonly socket: Socket;
  closed = false;

  constructor(number: number, socket: Socket) {
    this.number = number;
    this.socket = socket;
    this.reader = new ByteReader(socket);
    this.writer = new ByteWriter(socket);
    socket.on("close", () => (this.closed = true));
  }

  get raw(): Buffer {
    return this.reader.raw;
  }

  get ending(): Ending {
    return this.reader.ending;
  }

  get endedAt(): number {
    return this.reader.endedAt;
  }
}

/** A running origin. */
export class RawOrigin {
  readonly host: string;
  readonly secure: boolean;
  /** Behaviour for all paths without one of their own. */
  behaviour: Behaviour;
  /** Connections since the start or `clear`, in order of arrival. */
  connections: RecordedConnection[] = [];
  /** Requests since the start or `clear`, in order of arrival of their heads. */
  requests: RecordedRequest[] = [];
  /** TLS handshakes since the start or `clear`. */
  handshakes: RecordedHandshake[] = [];
  /** Failures of behaviours: a test's own mistakes. */
  readonly failures: unknown[] = [];
  readonly #server: Server;
  readonly #keep: number;
  readonly #paths = new Map<string, Behaviour>();
  readonly #sockets = new Set<Socket>();

  /** Use startOrigin. */
  constructor(options: OriginOptions) {
    this.host = options.host ?? "127.0.0.1";
    this.behaviour = options.behaviour ?? answering(plain());
    this.#keep = options.keep ?? 4 * 1024 * 1024;
    this.secure = options.tls !== undefined;
    if (options.tls === undefined) {
      this.#server = createServer({ allowHalfOpen: true }, (socket) => void this.#serve(socket));
      return;
    }
    const { cert, key, clientCa } = options.tls;
    const clients = clientCa === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: clientCa };
    // allowHalfOpen belongs to the options of net.createServer, which tls.createServer passes on.
    const settings = { cert, key, allowHalfOpen: true, ...clients };
    const server = createTlsServer(settings, (socket) => {
      this.handshakes.push({ sni: nameOf(socket), finished: true });
      void this.#serve(socket);
    });
    server.on("tlsClientError", (_, socket) => this.handshakes.push({ sni: nameOf(socket), finished: false }));
    this.#server = server;
  }

  /** Opens the port. */
  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, this.host, resolve);
    });
  }

  /** The port it listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** What a config names it: `http://127.0.0.1:1234`. */
  get url(): string {
    return `${this.secure ? "https" : "http"}://${this.authority}`;
  }

  /** Host and port, as a Host field holds them. */
  get authority(): string {
    return `${this.host.includes(":") ? `[${this.host}]` : this.host}:${this.port}`;
  }

  /** Connections whose socket is not gone. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Gives a path (without query) a behaviour of its own; the last segment `*` takes all below. */
  at(path: string, behaviour: Behaviour | Bytes): void {
    const text = behaviour instanceof Uint8Array || typeof behaviour === "string";
    this.#paths.set(path, text ? answering(behaviour) : behaviour);
  }

  /** Requests that came for this path, whatever their query. */
  requestsTo(path: string): RecordedRequest[] {
    return this.requests.filter((request) => pathOf(request.target) === path);
  }

  /** Waits for the only request to this path and returns it once it is complete. */
  async requestTo(path: string, timeoutMs = PATIENCE_MS): Promise<RecordedRequest> {
    const found = await until(
      () => this.requestsTo(path).find((request) => request.complete),
      () => `a complete request to ${path} at the origin; it got ${JSON.stringify(this.requests.map((r) => r.target))}`,
      timeoutMs,
    );
    const all = this.requestsTo(path);
    if (all.length !== 1) throw new Error(`${all.length} requests to ${path}`);
    return found;
  }

  /** Forgets what was recorded. Open connections go on, under their old numbers. */
  clear(): void {
    this.connections = [];
    this.requests = [];
    this.handshakes = [];
  }

  /** Closes the port and every connection. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
    if (this.failures.length > 0)
      throw new AggregateError(this.failures, `a behaviour of the origin failed: ${String(this.failures[0])}`);
  }

  async #serve(socket: Socket): Promise<void> {
    const connection = new Connection(this.connections.length + 1, socket);
    this.connections.push(connection);
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    try {
      while (await this.#request(connection));
    } catch (failure) {
      this.failures.push(failure);
      socket.destroy();
    }
  }

  /** Reads one request and lets the behaviour answer; false when no other can follow. */
  async #request(connection: Connection): Promise<boolean> {
    const { reader, socket } = connection;
    const head = await readRequestHead(reader, this.#keep);
    if (head === undefined) {
      socket.end();
      return false;
    }
    const request = Object.assign(head.request, { connection });
    connection.requests.push(request);
    this.requests.push(request);
    if (request.problem !== undefined) {
      socket.end();
      return false;
    }
    const start = reader.offset;
    const x = new OriginExchange(
      request,
      connection,
      connection.requests.length,
      bodyPieces(reader, request, head.length),
    );
    // Read at once so that a request without a body is complete before its behaviour begins.
    if (request.body.framing === "none") await x.body();
    if (!socket.writableEnded) await this.#behaviourOf(request.target)(x);
    if (x.taken) return false;
    await x.body();
    if (reader.offset <= reader.raw.length) request.rawBody = reader.raw.subarray(start, reader.offset);
    return request.complete;
  }

  #behaviourOf(target: string): Behaviour {
    const path = pathOf(target);
    const exact = this.#paths.get(path);
    if (exact !== undefined) return exact;
    for (const [pattern, behaviour] of this.#paths) {
      if (pattern.endsWith("/*") && path.startsWith(pattern.slice(0, -1))) return behaviour;
    }
    return this.behaviour;
  }
}

function pathOf(target: string): string {
  return target.split("?", 1)[0]!;
}

function nameOf(socket: TLSSocket): string | null {
  const { servername } = socket as TLSSocket & { servername?: string | false };
  return typeof servername === "string" && servername !== "" ? servername : null;
}

/** Starts an origin on a port of the system's choice. */
export async function startOrigin(options: OriginOptions | Behaviour = {}): Promise<RawOrigin> {
  const origin = new RawOrigin(typeof options === "function" ? { behaviour: options } : options);
  await origin.listen();
  return origin;
}
