// A client over a raw socket: one exchange at a time, and exactly one outcome for each.
import { EMPTY, type Framing, framingOf, MessageReader } from "./reader.ts";
import { Outbox } from "./outbox.ts";

/** How an exchange ended for the client. */
export interface Outcome {
  /**
   * `answered`: a whole answer came. `broken`: the connection went in the middle of one. `unanswered`: it went before
   * the first byte. `malformed`: what came is not HTTP. `left`: this client went. `hung`: nothing happened for too long.
   */
  readonly kind: "answered" | "broken" | "unanswered" | "malformed" | "left" | "hung";
  /** 0 without an answer. */
  readonly status: number;
  /** The answer's head. */
  readonly head: string;
  /** Bytes of the answer's body. */
  readonly bytes: number;
  /** The first bytes of the body as text. */
  readonly start: string;
  /** What was malformed. */
  readonly problem?: string;
}

/** When a client goes before its answer is whole. */
export interface Departure {
  /** Goes so many milliseconds after it has sent what it sends… */
  readonly afterMs?: number;
  /** … or once so many bytes of the body have come. */
  readonly afterBytes?: number;
  /** By a reset; else by closing. */
  readonly reset: boolean;
}

/** What a client sends. */
export interface ClientRequest {
  readonly method: string;
  readonly bytes: string | Buffer;
  readonly departure?: Departure;
  /** Default: 20 s. */
  readonly patienceMs?: number;
  /** Takes the body as it comes. */
  readonly body?: (bytes: Buffer) => void;
}

const KEPT = 64;

/** One client. It keeps its connection as long as the gateway does. */
export class SoakClient {
  readonly #port: number;
  /** Told of bytes that came when no answer was due, and of second outcomes. */
  readonly #fault: (text: string) => void;
  #connection: Connection | undefined;

  constructor(port: number, fault: (text: string) => void) {
    this.#port = port;
    this.#fault = fault;
  }

  /** Sends a request and waits for its outcome. */
  async exchange(request: ClientRequest): Promise<Outcome> {
    this.#connection ??= await connect(this.#port, this.#fault);
    const connection = this.#connection;
    const outcome = await connection.exchange(request);
    if (connection.closed) this.#connection = undefined;
    return outcome;
  }

  /** Opens the connection ahead of the first request. */
  async open(): Promise<void> {
    this.#connection ??= await connect(this.#port, this.#fault);
  }

  /** Stops reading; the gateway feels it through TCP. */
  pause(): void {
    this.#connection?.socket.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#connection?.socket.resume();
  }

  /** Goes at once. */
  close(): void {
    this.#connection?.leave(true);
    this.#connection = undefined;
  }
}

class Connection {
  socket!: Bun.Socket<Connection>;
  closed = false;
  readonly #fault: (text: string) => void;
  readonly #reader: MessageReader;
  #outbox!: Outbox;
  #request: ClientRequest | undefined;
  #settle: ((outcome: Outcome) => void) | undefined;
  #timer: Timer | undefined;
  #started = 0;
  #keep = true;
  #head = "";
  #bytes = 0;
  #start = "";

  constructor(fault: (text: string) => void) {
    this.#fault = fault;
    this.#reader = new MessageReader({
      head: (text) => this.#onHead(text),
      body: (bytes) => this.#onBody(bytes),
      whole: () => this.#onWhole(),
    });
  }

  opened(socket: Bun.Socket<Connection>): void {
    this.socket = socket;
    this.#outbox = new Outbox(socket);
  }

  exchange(request: ClientRequest): Promise<Outcome> {
    this.#request = request;
    this.#head = this.#start = "";
    this.#bytes = 0;
    this.#started = performance.now();
    return new Promise((resolve) => {
      this.#settle = resolve;
      SWEEPER.watch(this);
      this.#outbox.send(request.bytes);
      const afterMs = request.departure?.afterMs;
      if (afterMs !== undefined) this.#timer = setTimeout(() => this.leave(request.departure?.reset ?? true), afterMs);
    });
  }

  data(bytes: Buffer): void {
    if (this.closed) return;
    if (this.#settle === undefined) {
      this.#fault(`bytes without a request: ${JSON.stringify(bytes.toString("latin1", 0, 80))}`);
      this.leave(true);
      return;
    }
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#end("malformed", (error as Error).message);
      this.leave(true);
    }
  }

  drain(): void {
    this.#outbox.drain();
  }

  /** The gateway ended its side, or the socket went. */
  gone(clean: boolean): void {
    if (this.closed) return;
    if (clean) this.#reader.end();
    this.closed = true;
    this.socket.terminate();
    this.#end(this.#head === "" ? "unanswered" : "broken");
  }

  leave(reset: boolean): void {
    if (this.closed) return;
    this.closed = true;
    if (reset) this.socket.terminate();
    else this.socket.end();
    this.#end("left");
  }

  /** Gives up on an exchange that takes too long. */
  sweep(now: number): void {
    if (now - this.#started < (this.#request?.patienceMs ?? 20_000)) return;
    this.#end("hung");
    this.leave(true);
  }

  #onHead(text: string): Framing {
    if (this.#settle === undefined) throw new Error("a second answer");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1]);
    if (Number.isNaN(status)) throw new Error(`not a status line: ${JSON.stringify(text.slice(0, 80))}`);
    if (status < 200) return { kind: "interim" };
    this.#head = text;
    this.#keep = !/\r\nconnection: *close\r\n/i.test(text);
    return this.#request?.method === "HEAD" || status === 204 || status === 304 ? EMPTY : framingOf(text, "close");
  }

  #onBody(bytes: Buffer): void {
    if (this.#start.length < KEPT) this.#start += bytes.toString("latin1", 0, KEPT - this.#start.length);
    this.#bytes += bytes.length;
    this.#request?.body?.(bytes);
    const { departure } = this.#request ?? {};
    if (departure?.afterBytes !== undefined && this.#bytes >= departure.afterBytes) this.leave(departure.reset);
  }

  #onWhole(): void {
    if (this.closed) return;
    if (!this.#keep) {
      this.closed = true;
      this.socket.end();
    }
    this.#end("answered");
  }

  #end(kind: Outcome["kind"], problem?: string): void {
    const settle = this.#settle;
    if (settle === undefined) return;
    this.#settle = undefined;
    clearTimeout(this.#timer);
    SWEEPER.forget(this);
    const status = Number(this.#head.slice(9, 12));
    settle({ kind, status, head: this.#head, bytes: this.#bytes, start: this.#start, ...(problem && { problem }) });
  }
}

/** One timer looks after all exchanges. */
const SWEEPER = {
  watched: new Set<Connection>(),
  timer: undefined as Timer | undefined,
  watch(connection: Connection): void {
    this.watched.add(connection);
    this.timer ??= setInterval(() => {
      const now = performance.now();
      for (const each of this.watched) each.sweep(now);
      if (this.watched.size > 0) return;
      clearInterval(this.timer);
      this.timer = undefined;
    }, 500);
  },
  forget(connection: Connection): void {
    this.watched.delete(connection);
  },
};

async function connect(port: number, fault: (text: string) => void): Promise<Connection> {
  const connection = new Connection(fault);
  await Bun.connect<Connection>({
    hostname: "127.0.0.1",
    port,
    data: connection,
    socket: {
      open: (socket) => connection.opened(socket),
      data: (_, bytes) => connection.data(bytes),
      drain: () => connection.drain(),
      end: () => connection.gone(true),
      close: (_, error) => connection.gone(error === undefined || error === null),
      error: (_, error) => fault(`the soak's own client failed: ${error.stack ?? error.message}`),
    },
  });
  return connection;
}
