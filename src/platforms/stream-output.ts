// Lines over a stream, each with its length before it (RFC 6587 section 3.4.1): TCP, TLS (RFC 5425), a Unix socket.
import net from "node:net";
import tls from "node:tls";
import type { LinesTo } from "../platform.ts";
import type { LineOutput } from "./awaited-lines.ts";
import { nodeTlsOptions } from "./node-connect.ts";
import { linesIn } from "./stdout.ts";

const NEWLINE = 0x0a;
/** So long may a connection take to open, TLS included. */
const CONNECT_MS = 5000;
/** After a connection that could not be opened, then twice as long each time, up to the most. */
const AGAIN_MS = 1000;
const AGAIN_MOST_MS = 30_000;
/** A receiver that takes nothing for so long is as good as gone. */
const STUCK_MS = 30_000;

/** Where streams go. */
export type StreamTo = Extract<LinesTo, { readonly kind: "tcp" | "unix-stream" }>;

/**
 * A receiver of syslog over a stream. One that is not there is waited for. Nobody acknowledges what was sent: lines of a
 * piece on which the connection broke are counted as lost, and what the kernel had taken before is not known.
 */
export class StreamOutput implements LineOutput {
  readonly #to: StreamTo;
  readonly #notice: (text: string) => void;
  #socket: net.Socket | undefined = undefined;
  #isClosed = false;
  #isWriting = false;
  #isTold = false;
  /** Connections that could not be opened since one could. */
  #failures = 0;
  #triedAt = -Infinity;
  /** Ends a pause. */
  #wake: () => void = () => undefined;

  constructor(to: StreamTo, notice: (text: string) => void) {
    this.#to = to;
    this.#notice = notice;
  }

  async write(lines: Uint8Array): Promise<number> {
    const socket = await this.#connected();
    if (socket === undefined) return linesIn(lines);
    this.#isWriting = true;
    const isTaken = await taken(socket, framed(lines));
    this.#isWriting = false;
    if (isTaken) return 0;
    this.#drop(socket);
    return linesIn(lines);
  }

  close(): void {
    this.#isClosed = true;
    this.#wake();
    if (this.#isWriting) this.#socket?.destroy();
    else this.#socket?.end();
    this.#socket = undefined;
  }

  /** The connection, however long it takes to have one; undefined when it is closed meanwhile. */
  async #connected(): Promise<net.Socket | undefined> {
    while (!this.#isClosed) {
      if (this.#socket !== undefined) return this.#socket;
      await this.#pause();
      if (this.#isClosed) break;
      this.#triedAt = performance.now();
      const opened = await opening(this.#to);
      if (opened instanceof Error) this.#failed(opened);
      else this.#keep(opened);
    }
    return undefined;
  }

  #keep(socket: net.Socket): void {
    this.#failures = 0;
    if (this.#isClosed) return void socket.destroy();
    if (this.#isTold) this.#notice(`${this.#to.name} is written again`);
    this.#isTold = false;
    this.#socket = socket;
    // What a receiver says means nothing; that it has ended, or left, does.
    socket.on("data", () => undefined);
    socket.once("end", () => this.#drop(socket));
    socket.once("close", () => this.#drop(socket));
  }

  #drop(socket: net.Socket): void {
    if (this.#socket === socket) this.#socket = undefined;
    socket.destroy();
  }

  #failed(error: Error): void {
    this.#failures++;
    if (this.#isTold) return;
    this.#isTold = true;
    this.#notice(`${this.#to.name} cannot be written (${error.message}): lines of the access log wait`);
  }

  /** Connections are not tried one after the other without a pause, also when each breaks at once. */
  async #pause(): Promise<void> {
    const wait = Math.min(AGAIN_MS * 2 ** Math.max(0, this.#failures - 1), AGAIN_MOST_MS);
    const left = this.#triedAt + wait - performance.now();
    if (left <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Resolves to a connection, or to why there is none. */
function opening(to: StreamTo): Promise<net.Socket | Error> {
  return new Promise((resolve) => {
    let socket: net.Socket;
    try {
      socket = connect(to);
    } catch (thrown) {
      // A certificate or key that cannot be read.
      return resolve(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
    const failed = (error: Error): void => {
      clearTimeout(late);
      socket.destroy();
      resolve(error);
    };
    const late = setTimeout(() => failed(new Error(`no connection in ${CONNECT_MS / 1000} s`)), CONNECT_MS);
    // It stays: an error without a listener would end the process.
    socket.on("error", failed);
    socket.once("close", () => failed(new Error("closed while connecting")));
    socket.once(isSecure(to) ? "secureConnect" : "connect", () => {
      clearTimeout(late);
      socket.setKeepAlive(true, 60_000);
      // It does not keep the process from ending.
      socket.unref();
      resolve(socket);
    });
  });
}

function isSecure(to: StreamTo): boolean {
  return to.kind === "tcp" && to.tls !== undefined;
}

function connect(to: StreamTo): net.Socket {
  if (to.kind === "unix-stream") return net.connect({ path: to.path });
  const { host, port, tls: wanted } = to;
  return wanted === undefined
    ? net.connect({ host, port, noDelay: true })
    : tls.connect({ host, port, ...nodeTlsOptions(wanted) });
}

/** Resolves once the kernel has all of it; to false when the connection breaks before, or takes nothing for too long. */
function taken(socket: net.Socket, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (isTaken: boolean): void => {
      clearTimeout(late);
      socket.off("close", broken);
      resolve(isTaken);
    };
    const broken = (): void => settle(false);
    const late = setTimeout(broken, STUCK_MS);
    socket.once("close", broken);
    socket.write(bytes, (error) => settle(error === null || error === undefined));
  });
}

/** Lines without their newlines, each behind its length in bytes and a blank. */
function framed(lines: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < lines.length;) {
    const end = lines.indexOf(NEWLINE, from);
    parts.push(Buffer.from(`${end - from} `), lines.subarray(from, end));
    from = end + 1;
  }
  return Buffer.concat(parts);
}
