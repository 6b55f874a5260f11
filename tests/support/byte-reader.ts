// Pulls bytes out of a socket: what is not asked for stays in the kernel, so the peer feels a reader that is slow.
import type { Socket } from "node:net";
import { DeadlinePassed } from "./deadline.ts";

/** The peer ended its side before what was asked for had come. */
export class BytesEnded extends Error {
  override readonly name = "BytesEnded";
}

/** The peer sent bytes that no strict reader takes. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** How the peer's side of a connection stands: still open, closed by FIN, by RST (or another error), or cut by us. */
export type Ending = "open" | "fin" | "reset" | "ours";

/** Unread bytes above which the socket is paused. */
const HIGH_WATER = 256 * 1024;
/** Bytes kept for the record unless said otherwise. */
const KEPT = 1024 * 1024;

/** Reads one socket. One reader at a time. */
export class ByteReader {
  /** How the peer's side stands. */
  ending: Ending = "open";
  /** When it ended, on `performance.now()`; 0 while open. */
  endedAt = 0;
  /** When the newest bytes arrived; 0 before the first. */
  lastAt = 0;
  /** Bytes that arrived so far. */
  received = 0;
  /** Bytes handed out so far. */
  offset = 0;
  /** Moment on `performance.now()` after which a wait fails with DeadlinePassed. */
  deadline = Infinity;
  readonly #socket: Socket;
  readonly #keep: number;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #held = false;
  #wake: (() => void) | undefined;

  /** Takes over the socket's data. `keep`: how many of the first bytes stay for `raw`. */
  constructor(socket: Socket, keep = KEPT) {
    this.#socket = socket;
    this.#keep = keep;
    socket.on("data", (bytes: Buffer) => this.#arrived(bytes));
    socket.on("end", () => this.#ended("fin"));
    socket.on("error", () => this.#ended("reset"));
    socket.on("close", (failed: boolean) => this.#ended(failed ? "reset" : "fin"));
  }

  /** The first bytes that arrived, at most as many as were to be kept. */
  get raw(): Buffer {
    if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept)];
    return this.#kept[0] ?? Buffer.alloc(0);
  }

  /** Bytes that have arrived and were not asked for yet. */
  get unread(): number {
    return this.#waitingBytes;
  }

  /** Stops reading until `release`, whatever is asked for. */
  hold(): void {
    this.#held = true;
    this.#socket.pause();
  }

  /** Reads again. */
  release(): void {
    this.#held = false;
    this.#flow();
  }

  /** The next bytes, at most `limit`; undefined when the peer has ended. */
  async some(limit = Infinity): Promise<Buffer | undefined> {
    while (this.#waitingBytes === 0) {
      if (this.ending !== "open") return undefined;
      await this.#more();
    }
    const first = this.#waiting.shift()!;
    const piece = first.length <= limit ? first : first.subarray(0, limit);
    if (piece.length < first.length) this.#waiting.unshift(first.subarray(piece.length));
    this.#handOut(piece.length);
    return piece;
  }

  /** Exactly so many bytes; BytesEnded when the peer ends before. */
  async exactly(count: number): Promise<Buffer> {
    while (this.#waitingBytes < count) {
      if (this.ending !== "open") throw new BytesEnded(`${this.#waitingBytes} of ${count} bytes, then ${this.ending}`);
      await this.#more();
    }
    const all = this.#joined();
    this.#waiting = [all.subarray(count)];
    this.#handOut(count);
    return all.subarray(0, count);
  }

  /** The next line as latin1 text, without its CRLF. A bare CR or LF is Malformed. */
  async line(limit = 1024 * 1024): Promise<string> {
    let searched = 0;
    for (;;) {
      const all = this.#joined();
      const at = all.indexOf(0x0a, searched);
      if (at >= 0) {
        const text = all.toString("latin1", 0, at + 1);
        if (!text.endsWith("\r\n")) throw new Malformed(`a line that ends in a bare LF: ${JSON.stringify(text)}`);
        if (text.indexOf("\r") !== at - 1) throw new Malformed(`a bare CR in a line: ${JSON.stringify(text)}`);
        this.#waiting = [all.subarray(at + 1)];
        this.#handOut(at + 1);
        return text.slice(0, -2);
      }
      searched = all.length;
      if (searched > limit) throw new Malformed(`a line of more than ${limit} bytes`);
      if (this.ending !== "open") {
        throw new BytesEnded(searched === 0 ? `nothing, then ${this.ending}` : `part of a line, then ${this.ending}`);
      }
      await this.#more();
    }
  }

  #joined(): Buffer {
    if (this.#waiting.length !== 1) this.#waiting = [Buffer.concat(this.#waiting)];
    return this.#waiting[0]!;
  }

  #handOut(count: number): void {
    this.#waitingBytes -= count;
    this.offset += count;
    this.#flow();
  }

  #flow(): void {
    if (!this.#held && this.#waitingBytes < HIGH_WATER && this.#socket.isPaused()) this.#socket.resume();
  }

  #arrived(bytes: Buffer): void {
    this.lastAt = performance.now();
    this.received += bytes.length;
    if (this.#keptBytes < this.#keep) {
      const part = bytes.subarray(0, this.#keep - this.#keptBytes);
      this.#kept.push(part);
      this.#keptBytes += part.length;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#waitingBytes >= HIGH_WATER) this.#socket.pause();
    this.#wake?.();
  }

  /** We cut the connection ourselves: what the socket says from now on is not the peer's doing. */
  cut(): void {
    this.#ended("ours");
  }

  #ended(how: "fin" | "reset" | "ours"): void {
    if (this.ending !== "open") return;
    this.endedAt = performance.now();
    this.ending = how;
    this.#wake?.();
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = this.deadline - performance.now();
      let timer: ReturnType<typeof setTimeout> | undefined;
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      if (left !== Infinity) {
        const late = (): void => {
          this.#wake = undefined;
          reject(new DeadlinePassed("the bytes did not come in time"));
        };
        timer = setTimeout(late, Math.max(0, left));
      }
      // A request for more than the high-water mark must not wait on a socket paused because of it.
      if (!this.#held && this.#socket.isPaused()) this.#socket.resume();
    });
  }
}
