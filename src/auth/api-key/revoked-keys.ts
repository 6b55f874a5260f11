// API keys that an operator has revoked: in words that all threads share, so that a revocation holds for all at once.
import { KeyTable } from "./key-table.ts";

/** Most keys that can be revoked at a time. Who revokes more has a file to change. */
export const MOST_REVOKED = 4096;

/** Words (32 bits) of a SHA-256 digest. */
const DIGEST = 8;
/** Words of a place: whether its digest is revoked, and the digest. */
const PLACE = 1 + DIGEST;
/** Place of the word that grows with every change. */
const VERSION = 0;
/** Places that have been used. */
const USED = 1;
const HEAD = 2;

/** Memory for them, of all threads where they are `shared`: 147 KB. */
export function revokedMemory(shared: boolean): Int32Array {
  const words = HEAD + MOST_REVOKED * PLACE;
  return shared ? new Int32Array(new SharedArrayBuffer(words * 4)) : new Int32Array(words);
}

/**
 * The revoked keys as one thread sees them. One thread writes. A place never holds a digest that is half written and counts:
 * its mark is set behind the digest, and taken away before another comes there.
 */
export class RevokedKeys {
  readonly #words: Int32Array;
  /** What was read last: as long as nothing has changed, nothing is read. */
  #version = 0;
  #digests: KeyTable | undefined = undefined;
  /** Where the writer has put each, and places that are free again. */
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];

  constructor(words: Int32Array) {
    this.#words = words;
  }

  /** Whether the key with this digest (32 bytes) is revoked. Costs one look at a word where none is. */
  has(digest: Uint8Array): boolean {
    const version = Atomics.load(this.#words, VERSION);
    if (version !== this.#version) this.#read(version);
    return this.#digests !== undefined && this.#digests.find(digest) >= 0;
  }

  /** Revokes it. False when there is no room for another. */
  put(digest: Uint8Array): boolean {
    const words = this.#words;
    const hex = digest.toHex();
    if (this.#places.has(hex)) return true;
    const place = this.#free.pop() ?? words[USED]!;
    if (place === MOST_REVOKED) return false;
    const at = HEAD + place * PLACE;
    words.set(new Int32Array(new Uint8Array(digest).buffer), at + 1);
    Atomics.store(words, at, 1);
    if (place === words[USED]!) Atomics.add(words, USED, 1);
    Atomics.add(words, VERSION, 1);
    this.#places.set(hex, place);
    return true;
  }

  /** Takes back the revocation of the key with this SHA-256 digest. */
  remove(digest: Uint8Array): void {
    const hex = digest.toHex();
    const place = this.#places.get(hex);
    if (place === undefined) return;
    Atomics.store(this.#words, HEAD + place * PLACE, 0);
    Atomics.add(this.#words, VERSION, 1);
    this.#places.delete(hex);
    this.#free.push(place);
  }

  /** What changes meanwhile changes the version again. */
  #read(version: number): void {
    const words = this.#words;
    const digests = new KeyTable();
    for (let place = 0; place < Atomics.load(words, USED); place++) {
      const at = HEAD + place * PLACE;
      if (Atomics.load(words, at) === 0) continue;
      const digest = new Uint8Array(words.slice(at + 1, at + PLACE).buffer);
      digests.add(digest, { owner: 0, expiresAt: undefined, id: undefined });
    }
    this.#digests = digests.size === 0 ? undefined : digests;
    this.#version = version;
  }
}
