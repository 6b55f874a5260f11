// What node's TLS runs over on Deno: a stream that can be held. TLS of Deno reads on when its own socket is paused.
import { Buffer } from "node:buffer";
import type net from "node:net";
import { Duplex } from "node:stream";
import type { DenoConn } from "./deno-api.ts";
import type { Beneath } from "./node-socket.ts";

/** Bytes asked of the kernel at once. */
const READ_SIZE = 65_536;

abstract class Valve extends Duplex implements Beneath {
  readonly address: string;
  #held = false;
  /** Node has asked for bytes meanwhile. */
  #wanted = false;

  constructor(address: string) {
    super({ allowHalfOpen: true });
    this.address = address;
  }

  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (!this.#wanted) return;
    this.#wanted = false;
    this.pull();
  }

  override _read(): void {
    if (this.#held) this.#wanted = true;
    else this.pull();
  }

  /** Gets the next bytes, and pushes them. */
  protected abstract pull(): void;
}

/** Tells a callback of node's what came of it. */
async function told(work: Promise<void>, done: (error?: Error | null) => void): Promise<void> {
  let failure: Error | undefined;
  try {
    await work;
  } catch (thrown) {
    failure = thrown as Error;
  }
  done(failure);
}

/** Over a connection that Deno has accepted. */
export class ConnValve extends Valve {
  readonly #conn: DenoConn;

  constructor(conn: DenoConn) {
    super(conn.remoteAddr.hostname ?? "");
    this.#conn = conn;
  }

  protected override pull(): void {
    const into = new Uint8Array(READ_SIZE);
    this.#conn.read(into).then(
      (size) => this.push(size === null ? null : Buffer.from(into.buffer, 0, size)),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(bytes: Buffer, _: string, done: (error?: Error | null) => void): void {
    void told(this.#writeAll(bytes), done);
  }

  async #writeAll(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  override _final(done: (error?: Error | null) => void): void {
    void told(this.#conn.closeWrite(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    try {
      this.#conn.close();
    } catch {
      // Closed by the peer's reset in the meantime.
    }
    done(error);
  }
}

/** Over a socket that has connected. */
export class SocketValve extends Valve {
  readonly #socket: net.Socket;

  constructor(socket: net.Socket) {
    super(socket.remoteAddress ?? "");
    this.#socket = socket;
    socket.on("data", (bytes) => {
      // The next ones come when they are asked for.
      socket.pause();
      this.push(bytes);
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.pause();
  }

  protected override pull(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _: string, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
