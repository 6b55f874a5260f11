// Pushes bytes into a socket and tells when the kernel has taken them.
import type { Socket } from "node:net";
import { DeadlinePassed, PATIENCE_MS, within } from "./deadline.ts";

/** Text goes out as latin1: a character is a byte. */
export type Bytes = string | Uint8Array;

/** The bytes themselves. */
export function toBuffer(bytes: Bytes): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes, "latin1") : Buffer.from(bytes);
}

/** Writes to one socket. */
export class ByteWriter {
  /** Bytes the kernel has taken so far. */
  taken = 0;
  readonly #socket: Socket;
  readonly #pending = new Set<(sent: boolean) => void>();

  /** Takes over the socket's way out. */
  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on("close", () => {
      for (const resolve of this.#pending) resolve(false);
      this.#pending.clear();
    });
  }

  /** Sends bytes; resolves once the kernel has taken them, false if the connection went before. */
  async send(bytes: Bytes, timeoutMs = PATIENCE_MS): Promise<boolean> {
    const socket = this.#socket;
    if (socket.destroyed || socket.writableEnded) return false;
    const buffer = toBuffer(bytes);
    if (buffer.length === 0) return true;
    const sent = new Promise<boolean>((resolve) => {
      this.#pending.add(resolve);
      socket.write(buffer, (error) => {
        this.#pending.delete(resolve);
        if (error === undefined || error === null) this.taken += buffer.length;
        resolve(error === undefined || error === null);
      });
    });
    return timeoutMs === Infinity ? sent : within(sent, "the kernel to take the bytes", timeoutMs);
  }

  /** Sends up to `total` bytes for as long as the peer takes some every `stallMs`; tells how many the kernel took. */
  async flood(total: number, stallMs: number, piece: Buffer = Buffer.alloc(64 * 1024, "x")): Promise<number> {
    const before = this.taken;
    for (let left = total; left > 0;) {
      const part = piece.subarray(0, Math.min(piece.length, left));
      left -= part.length;
      try {
        if (!(await this.send(part, stallMs))) break;
      } catch (failure) {
        if (failure instanceof DeadlinePassed) break;
        throw failure;
      }
    }
    return this.taken - before;
  }
}
