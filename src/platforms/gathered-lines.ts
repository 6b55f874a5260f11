// Lines of text gathered as bytes, for outputs that take many at once.
import { Accumulator } from "../http/accumulator.ts";

/**
 * Lines become bytes when so many characters are together. A sum of strings is a tree in the engine's memory: walked
 * while it is young it is in the caches of the processor, walked by the whole batch it no longer is.
 */
const PIECE = 4096;

const ENCODER = new TextEncoder();

/** Lines in UTF-8, each with its newline. */
export class GatheredLines {
  /** Those that are not bytes yet. */
  #text = "";
  readonly #bytes = new Accumulator();

  /** Bytes, and characters that are to become bytes. */
  get size(): number {
    return this.#bytes.length + this.#text.length;
  }

  /** Adds a line without its newline. */
  add(line: string): void {
    this.#text += line + "\n";
    if (this.#text.length >= PIECE) this.#encode();
  }

  /** Gives all of them away, and their memory with them. */
  take(): Uint8Array<ArrayBuffer> {
    this.#encode();
    return this.#bytes.take();
  }

  #encode(): void {
    if (this.#text !== "") this.#bytes.append(ENCODER.encode(this.#text));
    this.#text = "";
  }
}
