// Reads HTTP/1.1 messages from a socket's bytes as cheaply as a soak needs; shares no code with the gateway.

/** How the body behind a head ends. `interim`: no body, and another head follows for the same exchange. */
export type Framing =
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" }
  | { readonly kind: "interim" };

/** What the reader tells. */
export interface ReaderEvents {
  /** A head is there, up to its empty line; says how its body ends. */
  head(text: string): Framing;
  /** A piece of the body, chunking removed; valid during the call only. */
  body(bytes: Buffer): void;
  /** The message is whole. */
  whole(): void;
}

/** No body. */
export const EMPTY: Framing = { kind: "length", length: 0 };

const MAX_LINE = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Reads one message after the other. */
export class MessageReader {
  readonly #events: ReaderEvents;
  #state: "head" | "sized" | "size-line" | "chunk" | "chunk-end" | "trailers" | "close" = "head";
  #left = 0;
  #held = NOTHING;

  constructor(events: ReaderEvents) {
    this.#events = events;
  }

  /** Takes bytes as they came; throws an Error that says what is malformed. */
  push(bytes: Buffer): void {
    let rest = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = NOTHING;
    while (rest.length > 0) {
      const taken = this.#step(rest);
      if (taken === 0) {
        if (rest.length > MAX_LINE) throw new Error(`a head or line of more than ${MAX_LINE} bytes`);
        this.#held = Buffer.from(rest);
        return;
      }
      rest = rest.subarray(taken);
    }
  }

  /** True between two messages, with nothing left over. */
  get idle(): boolean {
    return this.#state === "head" && this.#held.length === 0;
  }

  /** The peer has ended its side: a body that only the end delimits is whole now. */
  end(): void {
    if (this.#state === "close") this.#finish();
  }

  /** Consumes something from the front of the bytes and returns how much; 0 asks for more bytes. */
  #step(bytes: Buffer): number {
    switch (this.#state) {
      case "head":
        return this.#readHead(bytes);
      case "sized":
      case "chunk": {
        const piece = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
        this.#left -= piece.length;
        this.#events.body(piece);
        if (this.#left === 0) {
          if (this.#state === "sized") this.#finish();
          else this.#state = "chunk-end";
        }
        return piece.length;
      }
      case "close":
        this.#events.body(bytes);
        return bytes.length;
      case "chunk-end":
        if (bytes.length < 2) return 0;
        if (bytes[0] !== 13 || bytes[1] !== 10) throw new Error("no CRLF behind a chunk");
        this.#state = "size-line";
        return 2;
      case "size-line": {
        const end = bytes.indexOf("\r\n");
        if (end < 0) return 0;
        const text = bytes.toString("latin1", 0, end);
        if (!/^[0-9a-f]{1,8}$/i.test(text)) throw new Error(`not a chunk size: ${JSON.stringify(text.slice(0, 80))}`);
        this.#left = Number.parseInt(text, 16);
        this.#state = this.#left === 0 ? "trailers" : "chunk";
        return end + 2;
      }
      case "trailers": {
        const end = bytes.indexOf("\r\n");
        if (end < 0) return 0;
        if (end === 0) this.#finish();
        return end + 2;
      }
    }
  }

  #readHead(bytes: Buffer): number {
    const end = bytes.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const framing = this.#events.head(bytes.toString("latin1", 0, end + 2));
    if (framing.kind === "length") {
      this.#left = framing.length;
      if (framing.length === 0) this.#finish();
      else this.#state = "sized";
    } else if (framing.kind === "chunked") this.#state = "size-line";
    else if (framing.kind === "close") this.#state = "close";
    return end + 4;
  }

  #finish(): void {
    this.#state = "head";
    this.#events.whole();
  }
}

/** How the body of a request, or of an answer to a method that has one, ends (RFC 9112 section 6.3). */
export function framingOf(head: string, otherwise: "none" | "close"): Framing {
  const length = /\r\ncontent-length: *(\d+)\r\n/i.exec(head);
  if (/\r\ntransfer-encoding: *chunked\r\n/i.test(head)) {
    if (length !== null) throw new Error("both Content-Length and Transfer-Encoding");
    return { kind: "chunked" };
  }
  if (length !== null) return { kind: "length", length: Number(length[1]) };
  return otherwise === "close" ? { kind: "close" } : EMPTY;
}
