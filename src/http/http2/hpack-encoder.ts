// Field blocks as they go: HPACK encoding into latin1 text (RFC 7541). What comes again the same is said by number. Pure.
import { FIRST_DYNAMIC, STATIC, TABLE_SIZE, sizeOf } from "./hpack-table.ts";

/** Names beside those of the static table that are remembered of a connection. */
const NAMES_KEPT = 64;
/** Longer values are written out each time. */
const LONGEST_KEPT = 512;

/** Nobody on the way may keep these in a table (RFC 7541 section 7.1.3). */
const SECRET: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "authentication-info",
]);

/** What is known of a field name. */
interface Known {
  /** Its place in the static table, or 0. */
  readonly index: number;
  readonly isSecret: boolean;
  /** The value it had last. */
  last: string | undefined;
  /** The entry of the dynamic table that was made of it last, while it is there. */
  entry: Entry | undefined;
}

interface Entry {
  readonly known: Known;
  readonly value: string;
  readonly size: number;
  /** How many were made before it. */
  readonly number: number;
}

const STATIC_INDEX = new Map<string, number>();
for (let i = STATIC.length - 1; i > 0; i--) STATIC_INDEX.set(STATIC[i]!.name, i);
/** Whole `:status` fields of the static table. */
const STATUSES = new Map(
  STATIC.flatMap(({ name, value }, i) => (name === ":status" ? [[Number(value), i] as const] : [])),
);

/**
 * Encodes the field blocks of one direction of a connection: each must be sent, whole and in order. A value goes into the
 * dynamic table when a name has it for the second time in a row, so that dates and ids push nothing out of it.
 */
export class HpackEncoder {
  readonly #known = new Map<string, Known>();
  /** Oldest first. */
  readonly #entries: Entry[] = [];
  #size = 0;
  #made = 0;
  #limit = TABLE_SIZE;
  /** The smallest limit that the peer has not been told of. */
  #smallest: number | undefined = undefined;

  /** The peer allows a table of this size. */
  allow(size: number): void {
    const limit = Math.min(size, TABLE_SIZE);
    if (limit === this.#limit) return;
    this.#limit = limit;
    this.#smallest = Math.min(this.#smallest ?? limit, limit);
    this.#evict();
  }

  /** What a block begins with: changes of the table's size, if there were any (RFC 7541 section 4.2). */
  begin(): string {
    const smallest = this.#smallest;
    if (smallest === undefined) return "";
    this.#smallest = undefined;
    const update = integer(this.#limit, 5, 0x20);
    return smallest < this.#limit ? integer(smallest, 5, 0x20) + update : update;
  }

  /** The field `:status`. */
  status(status: number): string {
    const index = STATUSES.get(status);
    return index === undefined ? this.field(":status", String(status)) : String.fromCharCode(0x80 | index);
  }

  /** A field. @param key its name in lower case */
  field(key: string, value: string): string {
    const known = this.#knownOf(key);
    if (known === undefined) return `\0${string(key)}${string(value)}`;
    const { entry, index, last } = known;
    if (entry !== undefined && entry.value === value) {
      return integer(FIRST_DYNAMIC + this.#made - 1 - entry.number, 7, 0x80);
    }
    const again = last === value;
    if (value.length <= LONGEST_KEPT) known.last = value;
    const name = (prefix: number, bits: number): string =>
      index > 0 ? integer(index, prefix, bits) : String.fromCharCode(bits) + string(key);
    if (known.isSecret) return name(4, 0x10) + string(value);
    if (!again) return name(4, 0) + string(value);
    this.#keep(known, key, value);
    return name(6, 0x40) + string(value);
  }

  #knownOf(key: string): Known | undefined {
    let known = this.#known.get(key);
    if (known !== undefined) return known;
    const index = STATIC_INDEX.get(key) ?? 0;
    if (index === 0 && this.#known.size >= NAMES_KEPT) return undefined;
    known = { index, isSecret: SECRET.has(key), last: undefined, entry: undefined };
    this.#known.set(key, known);
    return known;
  }

  #keep(known: Known, name: string, value: string): void {
    const entry: Entry = { known, value, size: sizeOf({ name, value }), number: this.#made++ };
    known.entry = entry;
    this.#entries.push(entry);
    this.#size += entry.size;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#limit) {
      const oldest = this.#entries.shift()!;
      this.#size -= oldest.size;
      if (oldest.known.entry === oldest) oldest.known.entry = undefined;
    }
  }
}

/** RFC 7541 section 5.1. @param bits those above the prefix */
function integer(value: number, prefix: number, bits: number): string {
  const most = (1 << prefix) - 1;
  if (value < most) return String.fromCharCode(bits | value);
  let text = String.fromCharCode(bits | most);
  let left = value - most;
  for (; left >= 128; left = Math.floor(left / 128)) text += String.fromCharCode((left % 128) | 0x80);
  return text + String.fromCharCode(left);
}

/** A string as it is: Huffman's code would save some bytes of what comes once, and cost every answer its time. */
function string(text: string): string {
  return integer(text.length, 7, 0) + text;
}
