// Text gathered as bytes, for what goes out in pieces larger than those that it is made of.
import { Accumulator } from "./accumulator.ts";

/**
 * Text becomes bytes when so many characters are together. A sum of strings is a tree in the engine's memory: walked
 * while it is young it is in the caches of the processor, and what is bytes is nothing that a collection has to keep.
 */
const PIECE = 4096;

const ENCODER = new TextEncoder();

/** A growing text, in UTF-8. */
export class GatheredText {
  /** What is not bytes yet. */
  #text = "";
  readonly #bytes = new Accumulator();

  /** Bytes, and characters that are to become bytes. */
  get size(): number {
    return this.#bytes.length + this.#text.length;
  }

  /** Adds a text behind those that are there. */
  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE) this.#encode();
  }

  /** Gives all of it away, and its memory with it. */
  take(): Uint8Array<ArrayBuffer> {
    this.#encode();
    return this.#bytes.take();
  }

  #encode(): void {
    if (this.#text !== "") this.#bytes.append(ENCODER.encode(this.#text));
    this.#text = "";
  }
}
