// A socket of node:net or node:tls, as Deno has them: node tells by events, the gateway is called back.
import type net from "node:net";
import { unmapped } from "../http/ip.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import { socketErrorOf } from "./socket-error.ts";
import { UNOWNED } from "./unowned.ts";

/** What a TLS socket runs over, where that is no socket of node's. */
export interface Beneath {
  /** The peer's address. */
  readonly address: string;
  /** Reads no more until `release`: node's TLS does not pass a pause on. */
  hold(): void;
  release(): void;
}

/** A Socket over node's: one that was connected, or whose TLS node speaks. */
export class NodeSocket implements Socket {
  handler: SocketHandler = UNOWNED;
  readonly remoteAddress: string;
  readonly secure: boolean;
  protocol = "";
  lost = 0;
  readonly #raw: net.Socket;
  readonly #beneath: Beneath | undefined;
  /** Node says when it has sent all only after a write that was too much. */
  #heldBack = false;
  #destroyed = false;
  #gone = false;

  constructor(raw: net.Socket, secure: boolean, beneath?: Beneath) {
    this.#raw = raw;
    this.#beneath = beneath;
    this.secure = secure;
    this.remoteAddress = unmapped(beneath?.address ?? raw.remoteAddress ?? "");
    raw.on("data", (bytes: Buffer) => {
      if (!this.#destroyed) this.handler.data(bytes);
    });
    raw.on("drain", () => {
      if (!this.#heldBack) return;
      this.#heldBack = false;
      if (!this.#destroyed && !raw.writableEnded) this.handler.drained();
    });
    raw.on("end", () => {
      if (!this.#destroyed) this.handler.ended();
    });
    raw.on("error", (error) => {
      this.#closed(error);
      // After a fatal TLS alert Deno sends no `close`.
      raw.destroy();
    });
    raw.on("close", () => this.#closed(undefined));
  }

  get waiting(): number {
    return this.#heldBack && !this.#destroyed ? this.#raw.writableLength : 0;
  }

  write(bytes: Uint8Array): boolean {
    // An empty write breaks a TLS connection of Deno (EPERM).
    return this.#deaf || bytes.length === 0 || this.#sent(this.#raw.write(bytes));
  }

  writeText(text: string, bytes?: Uint8Array): boolean {
    if (this.#deaf || text.length + (bytes?.length ?? 0) === 0) return true;
    if (bytes === undefined) return this.#sent(this.#raw.write(text, "latin1"));
    const both = Buffer.allocUnsafe(text.length + bytes.length);
    both.write(text, 0, "latin1");
    both.set(bytes, text.length);
    return this.#sent(this.#raw.write(both));
  }

  look(told: (isQuiet: boolean) => void): void {
    // A timer's turn comes behind what the kernel had ready; that of `setImmediate` does not on Deno.
    setTimeout(() => told(!this.#destroyed && !this.#gone && !this.#raw.readableEnded), 0);
  }

  pause(): void {
    this.#beneath?.hold();
    this.#raw.pause();
  }

  resume(): void {
    this.#raw.resume();
    this.#beneath?.release();
  }

  end(): void {
    if (!this.#deaf) this.#raw.end();
  }

  close(): void {
    if (this.#destroyed || this.#gone) return;
    this.#destroyed = true;
    this.#raw.destroySoon();
  }

  destroy(): void {
    if (this.#destroyed || this.#gone) return;
    this.#destroyed = true;
    this.lost = this.#raw.writableLength;
    // Deno resets plain connections only; a TLS stream that ends without close_notify is known to be cut.
    if (this.secure) this.#raw.destroy();
    else this.#raw.resetAndDestroy();
  }

  #sent(room: boolean): boolean {
    if (!room) this.#heldBack = true;
    return room;
  }

  /** Whether writing has no meaning any more. */
  get #deaf(): boolean {
    return this.#destroyed || this.#gone || this.#raw.writableEnded;
  }

  #closed(error: Error | undefined): void {
    if (this.#gone) return;
    this.#gone = true;
    const agreed = this.#destroyed || error === undefined;
    if (!this.#destroyed) this.lost = this.#raw.writableLength;
    this.#destroyed = true;
    this.handler.closed(agreed ? undefined : socketErrorOf(error));
  }
}
