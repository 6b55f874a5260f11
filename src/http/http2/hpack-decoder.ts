// Field blocks as they come: HPACK decoding with its dynamic table (RFC 7541). Pure.
import { latin1Text } from "../latin1.ts";
import { COMPRESSION_ERROR, ConnectionFault } from "./fault.ts";
import {
  type BlockField,
  FIRST_DYNAMIC,
  NAME_FAULT,
  STATIC,
  TABLE_SIZE,
  nameFault,
  sizeOf,
  valueFault,
} from "./hpack-table.ts";
import { decodeHuffman } from "./huffman.ts";

/** Numbers beyond this mean nothing in a block: no table and no string is as long. */
const MOST_INTEGER = 2 ** 28;

/** Decodes the field blocks of one direction of a connection. Each must be decoded, in order, whatever becomes of it. */
export class HpackDecoder {
  /** Oldest first. */
  readonly #dynamic: BlockField[] = [];
  #size = 0;
  /** What the peer wants of the table; we allow TABLE_SIZE. */
  #limit = TABLE_SIZE;
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  /** Whether the string that was read last may be what it is for. */
  #faults = 0;

  /**
   * Decodes a whole block; each field is handed on in order.
   * @throws ConnectionFault COMPRESSION_ERROR; nothing can be decoded behind that
   */
  decode(block: Uint8Array, take: (field: BlockField) => void): void {
    this.#bytes = block;
    this.#at = 0;
    let first = true;
    while (this.#at < block.length) {
      const byte = block[this.#at]!;
      if (byte >= 0x80) {
        take(this.#field(this.#integer(7)));
        first = false;
      } else if (byte >= 0x40) {
        take(this.#keep(this.#literal(6)));
        first = false;
      } else if (byte >= 0x20) {
        if (!first) throw fault("a table size changes behind a field");
        const limit = this.#integer(5);
        if (limit > TABLE_SIZE) throw fault("a table size is larger than allowed");
        this.#limit = limit;
        this.#evict();
      } else {
        take(this.#literal(4));
        first = false;
      }
    }
    this.#bytes = NOTHING;
  }

  /** A field whose value stands here, and its name too or in a table. */
  #literal(prefix: number): BlockField {
    const index = this.#integer(prefix);
    let name: string;
    let faults: number;
    if (index === 0) {
      name = this.#string(nameFault);
      faults = this.#faults;
    } else {
      const named = this.#field(index);
      ({ name } = named);
      faults = named.faults & NAME_FAULT;
    }
    const value = this.#string(valueFault);
    return { name, value, faults: faults | this.#faults };
  }

  #field(index: number): BlockField {
    const field =
      index < FIRST_DYNAMIC ? STATIC[index] : this.#dynamic[this.#dynamic.length - 1 - (index - FIRST_DYNAMIC)];
    if (field === undefined || index === 0) throw fault("a field is of no table");
    return field;
  }

  #keep(field: BlockField): BlockField {
    this.#dynamic.push(field);
    this.#size += sizeOf(field);
    this.#evict();
    return field;
  }

  #evict(): void {
    while (this.#size > this.#limit) this.#size -= sizeOf(this.#dynamic.shift()!);
  }

  /** RFC 7541 section 5.1. */
  #integer(prefix: number): number {
    const most = (1 << prefix) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * shift;
      if (value > MOST_INTEGER || shift > MOST_INTEGER) throw fault("a number is too large");
      if (byte < 0x80) return value;
    }
  }

  /** RFC 7541 section 5.2. */
  #string(check: (bytes: Uint8Array, from: number, length: number) => number): string {
    const isCoded = (this.#bytes[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const from = this.#at;
    const to = from + length;
    if (to > this.#bytes.length) throw fault("a string ends behind its block");
    this.#at = to;
    if (!isCoded) {
      this.#faults = check(this.#bytes, from, length);
      return latin1Text(this.#bytes, from, to);
    }
    const decoded = decodeHuffman(this.#bytes, from, to);
    this.#faults = check(decoded.bytes, 0, decoded.length);
    return latin1Text(decoded.bytes, 0, decoded.length);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw fault("a field block ends in the middle of a field");
    return byte;
  }
}

const NOTHING = new Uint8Array(0);

function fault(message: string): ConnectionFault {
  return new ConnectionFault(COMPRESSION_ERROR, message);
}
