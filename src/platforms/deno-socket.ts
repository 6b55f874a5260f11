// A connection that Deno accepted: Deno reads and writes by promises, the gateway is called back.
import { unmapped } from "../http/ip.ts";
import { latin1Bytes, putLatin1 } from "../http/latin1.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import type { DenoConn } from "./deno-api.ts";
import { socketErrorOf } from "./socket-error.ts";
import { UNOWNED } from "./unowned.ts";

/** Bytes asked of the kernel at once. */
const READ_SIZE = 65536;
/** Deno does not tell what the kernel has taken: beyond so many bytes on their way, writing counts as held back. */
const ENOUGH_WAITING = 65536;

/** How often a peer that is not read is asked whether it is still there, in milliseconds. */
const WATCH_MS = 50;
const NOTHING = new Uint8Array(0);

/** A Socket over Deno's connection. Deno cannot send a reset: `destroy` closes, and the peer sees the end too early. */
export class DenoSocket implements Socket {
  handler: SocketHandler = UNOWNED;
  readonly remoteAddress: string;
  readonly secure = false;
  lost = 0;
  readonly #conn: DenoConn;
  #queue: Uint8Array[] = [];
  /** Bytes not yet taken by the kernel. */
  #unsent = 0;
  #writing = false;
  #heldBack = false;
  #ending = false;
  /** Nothing more is read, and the connection closes behind what waits. */
  #closing = false;
  #endSent = false;
  #reading = false;
  #paused = false;
  /** Read, but not yet given to the owner; null is the peer's FIN. */
  #read: Uint8Array | null | undefined = undefined;
  #peerEnded = false;
  #watching = false;
  #gone = false;

  constructor(conn: DenoConn) {
    this.#conn = conn;
    this.remoteAddress = unmapped(conn.remoteAddr.hostname ?? "");
  }

  /** Begins to read: for whoever made it, once the owner has set its handler. */
  start(): void {
    if (!this.#reading && !this.#gone) void this.#readOn();
  }

  get waiting(): number {
    return this.#heldBack ? this.#unsent : 0;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#gone || this.#ending) return true;
    this.#queue.push(bytes);
    this.#unsent += bytes.length;
    if (!this.#writing) void this.#writeOn();
    this.#heldBack ||= this.#unsent > ENOUGH_WAITING;
    return !this.#heldBack;
  }

  writeText(text: string, bytes?: Uint8Array): boolean {
    if (bytes === undefined) return this.write(latin1Bytes(text));
    const both = new Uint8Array(text.length + bytes.length);
    both.set(bytes, putLatin1(text, both, 0));
    return this.write(both);
  }

  look(told: (isQuiet: boolean) => void): void {
    setTimeout(() => told(!this.#gone && !this.#peerEnded && this.#read === undefined), 0);
  }

  pause(): void {
    this.#paused = true;
    void this.#watchForReset();
  }

  resume(): void {
    this.#paused = false;
    this.start();
  }

  end(): void {
    if (this.#ending || this.#gone) return;
    this.#ending = true;
    if (!this.#writing) void this.#writeOn();
  }

  close(): void {
    if (this.#gone || this.#closing) return;
    this.#closing = true;
    if (this.#endSent) this.#closeWhenDone();
    else this.end();
  }

  destroy(): void {
    if (this.#gone) return;
    this.#close();
    queueMicrotask(() => this.handler.closed());
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    // Whoever called `resume` or `accept` is still at work: its calls and ours must not overlap.
    await Promise.resolve();
    let buffer: Uint8Array | undefined;
    while (!this.#gone && !this.#paused && !this.#peerEnded) {
      if (this.#read !== undefined) {
        this.#deliver(this.#read);
        continue;
      }
      buffer ??= new Uint8Array(READ_SIZE);
      try {
        const size = await this.#conn.read(buffer);
        if (size === null) this.#read = null;
        else if (size < READ_SIZE / 2) this.#read = buffer.slice(0, size);
        else {
          this.#read = buffer.subarray(0, size);
          buffer = undefined;
        }
      } catch (thrown) {
        this.#fail(thrown);
      }
    }
    this.#reading = false;
  }

  #deliver(read: Uint8Array | null): void {
    this.#read = undefined;
    if (this.#closing) return;
    if (read !== null) return this.handler.data(read);
    this.#peerEnded = true;
    this.handler.ended();
    this.#closeWhenDone();
    void this.#watchForReset();
  }

  /** While nothing is read, nothing tells of a reset: an empty write does. */
  async #watchForReset(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
      if (this.#gone || this.#endSent || !(this.#paused || this.#peerEnded)) break;
      if (this.#writing) continue;
      try {
        await this.#conn.write(NOTHING);
      } catch (thrown) {
        this.#fail(thrown);
      }
    }
    this.#watching = false;
  }

  async #writeOn(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#queue.length > 0) {
        const bytes = this.#nextPiece();
        for (let at = 0; at < bytes.length;) {
          const taken = await this.#conn.write(at === 0 ? bytes : bytes.subarray(at));
          if (this.#gone) return;
          at += taken;
          this.#unsent -= taken;
        }
        if (this.#heldBack && this.#unsent === 0) {
          this.#heldBack = false;
          if (!this.#ending) this.handler.drained();
        }
      }
      this.#writing = false;
      if (this.#ending && !this.#endSent) await this.#sendEnd();
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  /** What waits, in pieces large enough to be worth a system call each. */
  #nextPiece(): Uint8Array {
    if (this.#queue.length === 1) return this.#queue.pop()!;
    let count = 0;
    let size = 0;
    while (count < this.#queue.length && size < ENOUGH_WAITING) size += this.#queue[count++]!.length;
    const joined = new Uint8Array(size);
    let at = 0;
    for (const bytes of this.#queue.splice(0, count)) {
      joined.set(bytes, at);
      at += bytes.length;
    }
    return joined;
  }

  async #sendEnd(): Promise<void> {
    this.#endSent = true;
    await this.#conn.closeWrite();
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!(this.#peerEnded || this.#closing) || !this.#endSent || this.#gone) return;
    this.#close();
    queueMicrotask(() => this.handler.closed());
  }

  #fail(thrown: unknown): void {
    if (this.#gone) return;
    this.#close();
    this.handler.closed(socketErrorOf(thrown));
  }

  #close(): void {
    this.#gone = true;
    this.#queue = [];
    this.#heldBack = false;
    this.#read = undefined;
    this.lost = this.#unsent;
    this.#unsent = 0;
    try {
      this.#conn.close();
    } catch {
      // Closed by the peer's reset in the meantime.
    }
  }
}
