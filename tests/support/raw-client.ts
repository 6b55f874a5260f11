// A client that sends exactly the bytes a test names and tells exactly what came back.
import { connect as connectSocket, type Socket } from "node:net";
import { ByteReader, type Ending } from "./byte-reader.ts";
import { ByteWriter, toBuffer, type Bytes } from "./byte-writer.ts";
import { DeadlinePassed, PATIENCE_MS, until, within } from "./deadline.ts";
import { readResponse, type ReceivedResponse, type ResponseOptions } from "./message-reader.ts";

/** How to receive. */
export interface ReceiveOptions extends ResponseOptions {
  /** Default: 5 s. */
  readonly timeoutMs?: number;
}

/** One connection to the gateway. */
export class RawClient {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  readonly #socket: Socket;

  /** Wraps a connected socket. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.reader = new ByteReader(socket);
    this.writer = new ByteWriter(socket);
  }

  /** How the gateway's side of the connection stands. */
  get ending(): Ending {
    return this.reader.ending;
  }

  /** The port this client speaks from. */
  get port(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Sends bytes; resolves once the kernel has taken them, false if the connection went before. */
  send(bytes: Bytes, timeoutMs = PATIENCE_MS): Promise<boolean> {
    return this.writer.send(bytes, timeoutMs);
  }

  /** Receives one response, skipping interim ones (they are kept in `interim`). Fails when the deadline passes. */
  async receive(options: ReceiveOptions = {}): Promise<ReceivedResponse> {
    this.reader.deadline = performance.now() + (options.timeoutMs ?? PATIENCE_MS);
    try {
      return await readResponse(this.reader, options);
    } finally {
      this.reader.deadline = Infinity;
    }
  }

  /** Receives responses until the gateway closes or the time is over; the last may be incomplete. */
  async receiveAll(options: ReceiveOptions = {}): Promise<ReceivedResponse[]> {
    const deadline = performance.now() + (options.timeoutMs ?? PATIENCE_MS);
    const responses: ReceivedResponse[] = [];
    for (;;) {
      try {
        const response = await this.receive({ ...options, timeoutMs: Math.max(1, deadline - performance.now()) });
        if (response.status !== 0 || response.problem?.startsWith("nothing") !== true) responses.push(response);
        if (response.ending !== "open" && this.reader.unread === 0) return responses;
        if (!response.complete) return responses;
      } catch (failure) {
        if (!(failure instanceof DeadlinePassed)) throw failure;
        const part = failure.cause as ReceivedResponse | undefined;
        if (part !== undefined && part.status !== 0) responses.push(part);
        return responses;
      }
    }
  }

  /** Receives at least so many bytes, whatever they are. */
  async receiveBytes(count: number, timeoutMs = PATIENCE_MS): Promise<Buffer> {
    this.reader.deadline = performance.now() + timeoutMs;
    try {
      return await this.reader.exactly(count);
    } finally {
      this.reader.deadline = Infinity;
    }
  }

  /** Waits until the gateway has ended its side. Unread bytes are thrown away. */
  async closed(timeoutMs = PATIENCE_MS): Promise<"fin" | "reset"> {
    this.reader.deadline = performance.now() + timeoutMs;
    try {
      while ((await this.reader.some()) !== undefined);
    } catch (failure) {
      if (failure instanceof DeadlinePassed)
        throw new DeadlinePassed(`waited ${timeoutMs} ms for the gateway to close`);
      throw failure;
    } finally {
      this.reader.deadline = Infinity;
    }
    return this.reader.ending === "fin" ? "fin" : "reset";
  }

  /** Watches for so long that no byte comes. A close is allowed. */
  async expectSilence(ms: number): Promise<void> {
    this.reader.deadline = performance.now() + ms;
    try {
      const bytes = await this.reader.some();
      if (bytes !== undefined)
        throw new Error(`bytes in the silence: ${JSON.stringify(bytes.toString("latin1", 0, 300))}`);
    } catch (failure) {
      if (!(failure instanceof DeadlinePassed)) throw failure;
    } finally {
      this.reader.deadline = Infinity;
    }
  }

  /** Reads nothing more until `resume`: the gateway feels it through TCP. */
  pause(): void {
    this.reader.hold();
  }

  /** Reads again. */
  resume(): void {
    this.reader.release();
  }

  /** Shuts down the sending side (FIN). Receiving goes on. */
  finish(): void {
    this.#socket.end();
  }

  /** Cuts the connection with RST. */
  reset(): void {
    this.reader.cut();
    this.#socket.resetAndDestroy();
  }

  /** Closes the socket as a program does that exits: FIN, or RST when bytes were left unread. */
  close(): void {
    this.reader.cut();
    this.#socket.destroy();
  }

  /** A client is closed at the end of its block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** Where to connect: a port of 127.0.0.1, or what else. */
export type Address = number | { readonly host: string; readonly port: number };

/** Connects. */
export async function connect(address: Address): Promise<RawClient> {
  const where = typeof address === "number" ? { host: "127.0.0.1", port: address } : address;
  const socket = connectSocket({ ...where, allowHalfOpen: true });
  const connected = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  await within(connected, `a connection to ${where.host}:${where.port}`);
  return new RawClient(socket);
}

/** Connects, sends, receives one response and closes. */
export async function exchange(
  address: Address,
  bytes: Bytes,
  options: ReceiveOptions = {},
): Promise<ReceivedResponse> {
  using client = await connect(address);
  await client.send(bytes);
  const method = options.method ?? /^[A-Z]+/.exec(toBuffer(bytes).toString("latin1", 0, 32))?.[0] ?? "GET";
  return await client.receive({ method, ...options });
}

/** Whether something accepts connections there; resolves false once it refuses. */
export async function accepts(address: Address): Promise<boolean> {
  try {
    (await connect(address)).close();
    return true;
  } catch {
    return false;
  }
}

/** Waits until nothing accepts there any more. */
export async function refuses(address: Address, timeoutMs = PATIENCE_MS): Promise<void> {
  await until(async () => !(await accepts(address)), "the port to be closed", timeoutMs);
}
