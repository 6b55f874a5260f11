// Ids of exchanges and of their traces: UUIDs, drawn many at a time.
import { latin1Text } from "./latin1.ts";

/** Draws ids. */
export interface Ids {
  /** A new UUID of version 4 (RFC 9562 section 5.4): 36 characters, unpredictable. */
  next(): string;
  /**
   * For traces: the last one without its dashes, which are 32 digits, then "-", and its last 14 digits, which are all
   * random, again.
   */
  readonly stem: string;
  /** The first 52 of the last 56 bits of the last one, which are all random. */
  readonly randomness: number;
}

/** So many are drawn at once. A text lives as long as one of its parts: with more of them, one long exchange would hold more. */
const DRAWN = 16;
const BYTES = 16;
const UUID = 36;
const DIGITS = 32;
const RANDOM_DIGITS = 14;
const STEM = DIGITS + 1 + RANDOM_DIGITS;
const BOTH = UUID + STEM;

const DASH = 45;
const HEX = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));

/**
 * Ids as parts of one text: a text of its own for each would have to be allocated, and collected. They stand in both forms,
 * for an exchange with a trace needs both; each is copied once, into a message.
 */
export class DrawnIds implements Ids {
  readonly #bytes = new Uint8Array(BYTES * DRAWN);
  readonly #view = new DataView(this.#bytes.buffer);
  readonly #characters = new Uint8Array(BOTH * DRAWN);
  readonly #fill: (bytes: Uint8Array<ArrayBuffer>) => void;
  #text = "";
  /** Of the last one among those drawn. */
  #at = DRAWN - 1;

  /** @param fill fills bytes with random ones, as `crypto.getRandomValues` does */
  constructor(fill: (bytes: Uint8Array<ArrayBuffer>) => void) {
    this.#fill = fill;
  }

  next(): string {
    if (++this.#at === DRAWN) this.#draw();
    const start = BOTH * this.#at;
    return this.#text.slice(start, start + UUID);
  }

  get stem(): string {
    const start = BOTH * this.#at + UUID;
    return this.#text.slice(start, start + STEM);
  }

  get randomness(): number {
    const last = BYTES * this.#at + 9;
    return this.#view.getUint32(last) * 2 ** 20 + ((this.#view.getUint32(last + 3) >>> 4) & 0xfffff);
  }

  #draw(): void {
    const bytes = this.#bytes;
    const characters = this.#characters;
    this.#fill(bytes);
    let to = 0;
    for (let from = 0; from < bytes.length; from += BYTES) {
      bytes[from + 6] = 0x40 | (bytes[from + 6]! & 0x0f);
      bytes[from + 8] = 0x80 | (bytes[from + 8]! & 0x3f);
      let digit = to + UUID;
      for (let i = 0; i < BYTES; i++) {
        if (i === 4 || i === 6 || i === 8 || i === 10) characters[to++] = DASH;
        const byte = bytes[from + i]!;
        characters[to++] = characters[digit++] = HEX[byte >>> 4]!;
        characters[to++] = characters[digit++] = HEX[byte & 15]!;
      }
      characters[digit] = DASH;
      characters.copyWithin(digit + 1, digit - RANDOM_DIGITS, digit);
      to = digit + 1 + RANDOM_DIGITS;
    }
    this.#text = latin1Text(characters, 0, characters.length);
    this.#at = 0;
  }
}

/** Ids that somebody else draws. @param draw makes a UUID */
export function idsOf(draw: () => string): Ids {
  let digits = "";
  return {
    next() {
      const uuid = draw();
      digits = uuid.replaceAll("-", "");
      return uuid;
    },
    get stem() {
      return `${digits}-${digits.slice(-RANDOM_DIGITS)}`;
    },
    get randomness() {
      return Number.parseInt(digits.slice(18, 31), 16);
    },
  };
}
