// Connections to targets through node:net and node:tls, which Deno has too: they know what Deno.connect does not.
import net from "node:net";
import tls from "node:tls";
import type { ClientTls, ConnectHandler, Connecting, ConnectOptions, Socket, SocketHandler } from "../platform.ts";
import { socketErrorOf } from "./socket-error.ts";
import { UNOWNED } from "./unowned.ts";

/**
 * Opens a connection. Beside what Deno.connect can do: authorities instead of the built-in ones, a name for SNI that is
 * not the host, a client certificate together with both, `verify: false` for one connection, and a reset.
 */
export function connect(options: ConnectOptions, handler: ConnectHandler): Connecting {
  let settled = false;
  let raw: net.Socket | undefined;
  const failed = (thrown: unknown): void => {
    if (settled) return;
    settled = true;
    raw?.destroy();
    handler.failed(socketErrorOf(thrown));
  };
  try {
    raw = open(options);
  } catch (thrown) {
    // A certificate or key that cannot be read.
    queueMicrotask(() => failed(thrown));
    return { abort: () => void (settled = true) };
  }
  const socket = raw;
  // It stays for the whole life of the connection: an error without a listener would end the process.
  socket.on("error", failed);
  socket.once("close", () => failed(Object.assign(new Error("closed while connecting"), { code: "ECONNRESET" })));
  socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
    if (settled) return;
    settled = true;
    handler.connected(new NodeSocket(socket, options.tls !== undefined));
  });
  return {
    abort() {
      if (settled) return;
      settled = true;
      socket.destroy();
    },
  };
}

function open({ host, port, tls: wanted }: ConnectOptions): net.Socket {
  const where = { host, port, allowHalfOpen: true, noDelay: true };
  return wanted === undefined ? net.connect(where) : tls.connect({ ...where, ...nodeTlsOptions(wanted) });
}

/** Options of `node:tls` for a connection. */
export function nodeTlsOptions(wanted: ClientTls): tls.ConnectionOptions {
  const { serverName } = wanted;
  return {
    // An IP literal is never sent as SNI (RFC 6066 section 3), but it is held against the certificate.
    servername: net.isIP(serverName) === 0 ? serverName : "",
    checkServerIdentity: (_host, certificate) => tls.checkServerIdentity(serverName, certificate),
    rejectUnauthorized: wanted.verify,
    ...(wanted.ca === undefined ? {} : { ca: wanted.ca }),
    ...(wanted.cert === undefined ? {} : { cert: wanted.cert }),
    ...(wanted.key === undefined ? {} : { key: wanted.key }),
  };
}

/** A Socket over node's. */
class NodeSocket implements Socket {
  handler: SocketHandler = UNOWNED;
  readonly remoteAddress: string;
  readonly secure: boolean;
  readonly #raw: net.Socket;
  /** Node says when it has sent all only after a write that was too much. */
  #heldBack = false;
  #destroyed = false;
  #gone = false;

  constructor(raw: net.Socket, secure: boolean) {
    this.#raw = raw;
    this.secure = secure;
    const address = raw.remoteAddress ?? "";
    this.remoteAddress = address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
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
    this.#raw.pause();
  }

  resume(): void {
    this.#raw.resume();
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
    this.#destroyed = true;
    this.handler.closed(agreed ? undefined : socketErrorOf(error));
  }
}
