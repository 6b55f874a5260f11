// An origin over raw sockets whose every answer, and every failure, is decided for each request.
import { Outbox } from "./outbox.ts";
import { framingOf, MessageReader } from "./reader.ts";

/** A request as the origin got it. */
export interface OriginRequest {
  readonly method: string;
  readonly target: string;
  /** Bytes of the body so far. */
  received: number;
}

/** Called when the head of a request is there; true: it has been dealt with and is not passed on when whole. */
export type HeadListener = (connection: OriginConnection, request: OriginRequest) => boolean;

/** Called when a request is whole. */
export type RequestListener = (connection: OriginConnection, request: OriginRequest) => void;

/** A listening origin. */
export interface Origin {
  readonly port: number;
  /** Connections open now. */
  readonly open: number;
  stop(): void;
}

/** One connection from the gateway. */
export class OriginConnection {
  closed = false;
  /** Called once the kernel has room again; for behaviours that send more than fits. */
  pump: (() => void) | undefined;
  readonly #socket: Bun.Socket<OriginConnection | undefined>;
  readonly #outbox: Outbox;
  readonly #reader: MessageReader;
  readonly #fault: (text: string) => void;
  #request: OriginRequest | undefined;

  constructor(
    socket: Bun.Socket<OriginConnection | undefined>,
    listener: RequestListener,
    fault: (text: string) => void,
    headListener: HeadListener | undefined,
  ) {
    this.#socket = socket;
    this.#outbox = new Outbox(socket);
    this.#fault = fault;
    let request: OriginRequest = { method: "", target: "", received: 0 };
    let dealtWith = false;
    this.#reader = new MessageReader({
      head: (text) => {
        const [method = "", target = ""] = text.slice(0, text.indexOf("\r\n")).split(" ");
        if (this.#request !== undefined) fault(`${method} ${target} came before the answer to ${this.#request.target}`);
        request = { method, target, received: 0 };
        this.#request = request;
        dealtWith = headListener?.(this, request) ?? false;
        return framingOf(text, "none");
      },
      body: (bytes) => {
        request.received += bytes.length;
      },
      whole: () => {
        if (!dealtWith) listener(this, request);
      },
    });
  }

  /** Sends latin1 text or bytes. With `last` (the default) the answer is over and another request may come. */
  send(data: string | Buffer, last = true, then?: () => void): void {
    if (this.closed) return;
    if (last) this.#request = undefined;
    this.#outbox.send(data, then);
  }

  /** Writes bytes as far as the kernel takes them; returns how many. */
  writeSome(bytes: Buffer): number {
    return this.closed ? 0 : Math.max(this.#socket.write(bytes), 0);
  }

  /** Marks the answer that `writeSome` gave as over. */
  answered(): void {
    this.#request = undefined;
  }

  /** Sends FIN and takes no more requests. */
  finish(): void {
    this.#request = undefined;
    if (!this.closed) this.#socket.end();
  }

  /** Closes by a reset. */
  reset(): void {
    this.#request = undefined;
    if (!this.closed) this.#socket.terminate();
  }

  /** Calls back later unless the connection has gone by then. */
  later(ms: number, act: () => void): void {
    setTimeout(() => {
      if (!this.closed) act();
    }, ms);
  }

  data(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
    } catch (error) {
      this.#fault(`the gateway sent what is not HTTP: ${(error as Error).message}`);
      this.reset();
    }
  }

  drain(): void {
    if (this.#outbox.busy) this.#outbox.drain();
    this.pump?.();
  }
}

/** Starts an origin on a port that the system chooses. `fault` is told what a gateway must never do. */
export function startOrigin(
  listener: RequestListener,
  fault: (text: string) => void,
  headListener?: HeadListener,
): Origin {
  let open = 0;
  const server = Bun.listen<OriginConnection | undefined>({
    hostname: "127.0.0.1",
    port: 0,
    data: undefined,
    socket: {
      open(socket) {
        open++;
        socket.data = new OriginConnection(socket, listener, fault, headListener);
      },
      data: (socket, bytes) => socket.data?.data(bytes),
      drain: (socket) => socket.data?.drain(),
      close(socket) {
        open--;
        if (socket.data) socket.data.closed = true;
      },
      error: (_, error) => fault(`the soak's own origin failed: ${error.stack ?? error.message}`),
    },
  });
  return {
    port: server.port,
    get open() {
      return open;
    },
    stop: () => server.stop(true),
  };
}
