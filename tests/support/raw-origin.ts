// An origin whose every byte the test decides, and which records every byte it gets.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { ByteReader, type Ending } from "./byte-reader.ts";
import { ByteWriter, type Bytes } from "./byte-writer.ts";
import { PATIENCE_MS, until } from "./deadline.ts";
import { bodyPieces, readRequestHead } from "./message-reader.ts";
import {
  answering,
  OriginExchange,
  plain,
  type Behaviour,
  type OriginConnection,
  type RecordedConnection,
  type RecordedRequest,
} from "./origin-exchange.ts";

/** A TLS handshake, finished or not. */
export interface RecordedHandshake {
  /** The name the gateway asked for; null when it sent none. */
  readonly sni: string | null;
  readonly finished: boolean;
}

/** Options of an origin. */
export interface OriginOptions {
  /** What it does with requests no path was given a behaviour for. Default: 200 "ok". */
  readonly behaviour?: Behaviour;
  /** Address to bind. Default: 127.0.0.1. */
  readonly host?: string;
  /** Port to bind. Default: one of the system's choice. */
  readonly port?: number;
  /** Speak TLS with this certificate. `clientCa`: ask for a client certificate and require this authority's. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
  /** Bytes of each request body to keep. Default: 4 MiB. */
  readonly keep?: number;
}

class Connection implements OriginConnection {
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
  readonly #wanted: number;
  #bound = 0;
  readonly #server: Server;
  readonly #keep: number;
  readonly #paths = new Map<string, Behaviour>();
  readonly #sockets = new Set<Socket>();

  /** Use startOrigin. */
  constructor(options: OriginOptions) {
    this.host = options.host ?? "127.0.0.1";
    this.#wanted = options.port ?? 0;
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
      this.#server.listen(this.#wanted, this.host, resolve);
    });
    this.#bound = (this.#server.address() as AddressInfo).port;
  }

  /** The port it listens on, or did until it was stopped. */
  get port(): number {
    return this.#bound;
  }

  /** Whether it has not been stopped. */
  get listening(): boolean {
    return this.#server.listening;
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

/** Starts an origin. */
export async function startOrigin(options: OriginOptions | Behaviour = {}): Promise<RawOrigin> {
  const origin = new RawOrigin(typeof options === "function" ? { behaviour: options } : options);
  await origin.listen();
  return origin;
}
