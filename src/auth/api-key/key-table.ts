// API keys by digest: an open-addressed table over typed arrays, as flat to ask with a million keys as with ten.
import type { KeyColumns } from "../../config/auth/plan.ts";

const DIGEST = 32;
const EMPTY = -1;

/** One key, as {@link KeyTable} takes it. */
export interface KeyEntry {
  /** Which consumer it belongs to, by its place in the list that goes with the table. */
  readonly owner: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
  /** Undefined for the first 8 digits of the hash. */
  readonly id: string | undefined;
}

/**
 * Digests and what belongs to each, about 55 bytes a key: 32 of digest, 4 of owner, 8 of expiry, and 6 to 11 of slots.
 * A key is known by its place, from 0 on. Digests are spread evenly by SHA-256 itself, so their first bytes choose the
 * slot. Whether two digests are one is found in a time that does not depend on where they differ.
 */
export class KeyTable {
  #count = 0;
  #digests: Uint8Array<ArrayBuffer>;
  #owners: Uint32Array<ArrayBuffer>;
  #expiries: Float64Array<ArrayBuffer>;
  readonly #ids: Map<number, string>;
  #slots: Int32Array;

  constructor() {
    this.#digests = new Uint8Array(16 * DIGEST);
    this.#owners = new Uint32Array(16);
    this.#expiries = new Float64Array(16);
    this.#ids = new Map();
    this.#slots = new Int32Array(32).fill(EMPTY);
  }

  /** The table of columns that {@link columns} gave. They are taken over, not copied. */
  static of(columns: KeyColumns): KeyTable {
    const table = new KeyTable();
    table.#count = columns.owners.length;
    table.#digests = columns.digests;
    table.#owners = columns.owners;
    table.#expiries = columns.expiries;
    for (const [place, id] of columns.ids) table.#ids.set(place, id);
    table.#spread();
    return table;
  }

  /** How many keys the table holds. */
  get size(): number {
    return this.#count;
  }

  /** Bytes that the table's typed arrays take. */
  get byteLength(): number {
    return this.#digests.byteLength + this.#owners.byteLength + this.#expiries.byteLength + this.#slots.byteLength;
  }

  /** All that it holds as plain data, cut to size. */
  get columns(): KeyColumns {
    const count = this.#count;
    return {
      digests: this.#digests.slice(0, count * DIGEST),
      owners: this.#owners.slice(0, count),
      expiries: this.#expiries.slice(0, count),
      ids: this.#ids,
    };
  }

  /**
   * Adds a key and gives its place. A digest that is there already stays as it is; then the result is negative: the place
   * of the one that is there, minus the number of keys.
   * @param digest 32 bytes
   */
  add(digest: Uint8Array, { owner, expiresAt, id }: KeyEntry): number {
    const there = this.find(digest);
    if (there >= 0) return there - this.#count;
    const place = this.#count;
    if (place === this.#owners.length) this.#grow();
    this.#digests.set(digest, place * DIGEST);
    this.#owners[place] = owner;
    this.#expiries[place] = expiresAt ?? Infinity;
    if (id !== undefined) this.#ids.set(place, id);
    this.#count++;
    this.#slots[this.#slotFor(digest, 0)] = place;
    return place;
  }

  /** The place of the key with this digest, or -1. */
  find(digest: Uint8Array): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let slot = firstBytes(digest, 0) & mask; ; slot = (slot + 1) & mask) {
      const place = slots[slot]!;
      if (place === EMPTY || this.#isAt(digest, place)) return place;
    }
  }

  /** The consumer's place in the list that goes with the table. */
  ownerOf(place: number): number {
    return this.#owners[place]!;
  }

  /** Milliseconds since the epoch; Infinity for a key that does not expire. */
  expiryOf(place: number): number {
    return this.#expiries[place]!;
  }

  /** The key's name for logs: its own, or the first 8 digits of its hash. */
  idOf(place: number): string {
    return this.#ids.get(place) ?? this.#digests.subarray(place * DIGEST, place * DIGEST + 4).toHex();
  }

  /** Its digest, 32 bytes of its own. */
  digestOf(place: number): Uint8Array {
    return this.#digests.slice(place * DIGEST, (place + 1) * DIGEST);
  }

  /** The places of all keys with this name for logs. */
  placesOf(id: string): number[] {
    const named = Array.from(this.#ids).flatMap(([place, each]) => (each === id ? [place] : []));
    if (!/^[0-9a-f]{8}$/.test(id)) return named;
    const first = firstBytes(Uint8Array.fromHex(id), 0);
    for (let place = 0; place < this.#count; place++) {
      if (firstBytes(this.#digests, place * DIGEST) === first && !this.#ids.has(place)) named.push(place);
    }
    return named;
  }

  #isAt(digest: Uint8Array, place: number): boolean {
    const digests = this.#digests;
    const from = place * DIGEST;
    let different = 0;
    for (let i = 0; i < DIGEST; i++) different |= digests[from + i]! ^ digest[i]!;
    return different === 0;
  }

  /** The first free slot for the digest that begins at `from`. */
  #slotFor(digests: Uint8Array, from: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = firstBytes(digests, from) & mask;
    while (slots[slot] !== EMPTY) slot = (slot + 1) & mask;
    return slot;
  }

  #grow(): void {
    const room = this.#owners.length < 1 << 16 ? this.#owners.length * 2 : Math.ceil(this.#owners.length * 1.25);
    this.#digests = moved(this.#digests, new Uint8Array(room * DIGEST));
    this.#owners = moved(this.#owners, new Uint32Array(room));
    this.#expiries = moved(this.#expiries, new Float64Array(room));
    if (slotsFor(room) > this.#slots.length) this.#spread();
  }

  /** Makes the slots anew, for as many keys as there is room for. */
  #spread(): void {
    this.#slots = new Int32Array(slotsFor(this.#owners.length)).fill(EMPTY);
    for (let place = 0; place < this.#count; place++) {
      this.#slots[this.#slotFor(this.#digests, place * DIGEST)] = place;
    }
  }
}

/** A power of two that keeps at least a third of the slots free. */
function slotsFor(keys: number): number {
  let slots = 32;
  while (slots * 2 < keys * 3) slots *= 2;
  return slots;
}

function firstBytes(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

function moved<A extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>>(
  from: A,
  to: A,
): A {
  to.set(from);
  return to;
}
