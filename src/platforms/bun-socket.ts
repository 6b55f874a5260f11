// One connection on Bun: what the kernel does not take at once waits here, in order.
import type { ShownCertificate } from "../http/certificates.ts";
import { unmapped } from "../http/ip.ts";
import type { Socket, SocketHandler } from "../platform.ts";
import { poll } from "./poll.ts";

/** Bun's socket, carrying ours once its owner is known. The types lack its descriptor. */
export type RawSocket = Bun.Socket<BunSocket | undefined> & { readonly fd?: number };

/** Heads are written through this, so that head and body leave in one write without an allocation. */
const scratch = Buffer.allocUnsafe(128 * 1024) as Latin1Buffer;

/** `write(text, "latin1")` does the same at four times the cost; the types leave this one out. */
type Latin1Buffer = Buffer<ArrayBuffer> & { latin1Write(text: string, at: number): number };

/** A Socket over Bun's. */
export class BunSocket implements Socket {
  handler: SocketHandler = UNOWNED;
  readonly remoteAddress: string;
  readonly secure: boolean;
  clientCertificate: ShownCertificate | undefined = undefined;
  protocol = "";
  waiting = 0;
  lost = 0;
  readonly #raw: RawSocket;
  #queue: Uint8Array[] = [];
  /** Our FIN is due behind what waits. */
  #ending = false;
  /** Nothing more is read, and the socket closes behind what waits. */
  #closing = false;
  /** The peer's FIN has come. */
  #peerEnded = false;
  #gone = false;

  constructor(raw: RawSocket, secure: boolean) {
    this.#raw = raw;
    this.secure = secure;
    this.remoteAddress = unmapped(raw.remoteAddress ?? "");
  }

  write(bytes: Uint8Array): boolean {
    if (this.waiting > 0) return this.#hold(bytes);
    if (this.#gone) return true;
    const sent = this.#raw.write(bytes);
    return sent === bytes.length || this.#hold(bytes.subarray(Math.max(sent, 0)));
  }

  writeText(text: string, bytes?: Uint8Array): boolean {
    const size = text.length + (bytes?.length ?? 0);
    if (size > scratch.length) {
      const all = this.write(Buffer.from(text, "latin1"));
      return bytes === undefined ? all : this.write(bytes);
    }
    scratch.latin1Write(text, 0);
    if (bytes !== undefined) scratch.set(bytes, text.length);
    if (this.waiting > 0) return this.#hold(Buffer.from(scratch.subarray(0, size)));
    if (this.#gone) return true;
    const sent = this.#raw.write(scratch, 0, size);
    return sent === size || this.#hold(Buffer.from(scratch.subarray(Math.max(sent, 0), size)));
  }

  look(told: (isQuiet: boolean) => void): void {
    const asked = poll();
    if (asked !== undefined) told(!this.#gone && !this.#peerEnded && !asked.isReadable(this.#raw.fd!));
    else setTimeout(() => told(!this.#gone && !this.#peerEnded), 0);
  }

  pause(): void {
    this.#raw.pause();
  }

  resume(): void {
    this.#raw.resume();
  }

  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    if (this.waiting === 0) this.#sendFin();
  }

  close(): void {
    if (this.#gone || this.#closing) return;
    this.#closing = true;
    this.#ending = true;
    if (this.waiting === 0) this.#closeNow();
  }

  destroy(): void {
    if (this.#gone) return;
    this.#leave();
    this.#raw.terminate();
    // Bun says so at once; the owner is told when it is not in the middle of something else.
    queueMicrotask(() => this.handler.closed());
  }

  /** Bun: TLS is established. */
  secured(): void {
    this.clientCertificate = shownBy(this.#raw);
    this.protocol = this.#raw.alpnProtocol || "";
    if (!this.#gone) this.handler.secured?.();
  }

  /** Bun: bytes have come. */
  arrived(bytes: Uint8Array): void {
    if (!this.#gone && !this.#closing) this.handler.data(bytes);
  }

  /** Bun: the peer sent FIN. */
  ended(): void {
    if (this.#gone || this.#peerEnded || this.#closing) return;
    this.#peerEnded = true;
    this.handler.ended();
    if (this.#ending && this.waiting === 0) this.#sendFin();
  }

  /** Bun: the kernel has room again. */
  flush(): void {
    if (this.waiting === 0) return;
    while (this.#queue.length > 0) {
      const bytes = this.#queue[0]!;
      const sent = Math.max(this.#raw.write(bytes), 0);
      this.waiting -= sent;
      if (sent < bytes.length) {
        this.#queue[0] = bytes.subarray(sent);
        return;
      }
      this.#queue.shift();
    }
    if (this.#closing) this.#closeNow();
    else if (this.#ending) this.#sendFin();
    else this.handler.drained();
  }

  /** Bun: the socket is gone. */
  closed(error?: Error): void {
    if (this.#gone) return;
    this.#leave();
    if (error === undefined) this.handler.closed();
    else this.handler.closed({ code: (error as NodeJS.ErrnoException).code ?? "ERR_SOCKET", message: error.message });
  }

  #closeNow(): void {
    this.#leave();
    this.#raw.end();
    queueMicrotask(() => this.handler.closed());
  }

  #leave(): void {
    this.#gone = true;
    this.lost = this.waiting;
    this.waiting = 0;
    this.#queue = [];
  }

  #sendFin(): void {
    if (this.#gone) return;
    if (this.#peerEnded) this.#raw.end();
    else this.#raw.shutdown();
  }

  #hold(bytes: Uint8Array): false {
    if (!this.#gone) {
      this.#queue.push(bytes);
      this.waiting += bytes.length;
    }
    return false;
  }
}

function shownBy(raw: RawSocket): ShownCertificate | undefined {
  // True for a client alone that has shown a certificate, and a good one.
  if (raw.authorized) return { der: raw.getPeerCertificate().raw };
  const problem: NodeJS.ErrnoException | null = raw.getAuthorizationError();
  // Without a certificate there is a problem too.
  if (problem === null || raw.getPeerCertificate()?.raw === undefined) return undefined;
  return { problem: problem.code ?? "unknown" };
}

/** Stands in until the owner sets its own. */
const UNOWNED: SocketHandler = {
  data: () => undefined,
  drained: () => undefined,
  ended: () => undefined,
  closed: () => undefined,
};
