// Bytes that must wait for more of their kind: grows by doubling, so that a drip costs no more than a gush.

/** A growing run of bytes. */
export class Accumulator {
  #store: Uint8Array<ArrayBuffer> = EMPTY;
  #length = 0;

  /** Bytes held. */
  get length(): number {
    return this.#length;
  }

  /** The bytes held. Valid until the next `append`. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#store.subarray(0, this.#length);
  }

  /** Adds bytes behind those held. */
  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length;
    if (length > this.#store.length) {
      const store = new Uint8Array(Math.max(length, this.#store.length * 2, 1024));
      store.set(this.bytes);
      this.#store = store;
    }
    this.#store.set(bytes, this.#length);
    this.#length = length;
  }

  /** Gives the bytes away and is empty again. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes;
    this.#store = EMPTY;
    this.#length = 0;
    return bytes;
  }
}

const EMPTY = new Uint8Array(0);
