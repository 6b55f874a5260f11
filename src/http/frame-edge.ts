// Where the frames of a WebSocket end in its bytes, so that a frame of one's own can stand between them (RFC 6455 section 5.2).

/** Follows one direction. Nothing but lengths is read. */
export class FrameEdge {
  /** What the next byte is part of: the first two bytes, a longer length, a mask, or the payload. */
  #part: "first" | "second" | "length" | "mask" | "payload" = "first";
  /** Bytes of the part that are still to come. */
  #left = 0;
  #length = 0;
  #masked = false;

  /** Whether a frame has just ended, or none has begun. */
  get isHere(): boolean {
    return this.#part === "first";
  }

  /** The next bytes. */
  pass(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#part === "payload") {
        const taken = Math.min(this.#left, bytes.length - at);
        at += taken;
        if ((this.#left -= taken) === 0) this.#part = "first";
      } else this.#head(bytes[at++]!);
    }
  }

  #head(byte: number): void {
    switch (this.#part) {
      case "first":
        this.#part = "second";
        return;
      case "second": {
        this.#masked = byte >= 0x80;
        this.#length = byte & 0x7f;
        if (this.#length < 126) return this.#measured();
        this.#left = this.#length === 126 ? 2 : 8;
        this.#length = 0;
        this.#part = "length";
        return;
      }
      case "length":
        this.#length = this.#length * 256 + byte;
        if (--this.#left === 0) this.#measured();
        return;
      default:
        if (--this.#left === 0) this.#unmasked();
    }
  }

  #measured(): void {
    if (!this.#masked) return this.#unmasked();
    this.#part = "mask";
    this.#left = 4;
  }

  #unmasked(): void {
    this.#left = this.#length;
    this.#part = this.#length === 0 ? "first" : "payload";
  }
}
