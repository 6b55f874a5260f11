// Keyed hashes of texts: strangers choose the texts, so nobody outside may know which of them fall together.

/** A secret of 64 bits. Under another one the same texts have other hashes. */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

/** First half of the hash computed last. Two variables cost no garbage. */
export let hash0 = 0;
/** Second half of it. The halves are never both 0. */
export let hash1 = 0;

/**
 * HalfSipHash-2-4 with 64 bits (Aumasson and Bernstein) over the text's UTF-16 code units, two to a word. The result is
 * in {@link hash0} and {@link hash1} until the next call.
 */
export function hashText(key: HashKey, text: string): void {
  let v0 = key.k0 | 0;
  let v1 = key.k1 ^ 0xee;
  let v2 = key.k0 ^ 0x6c796765;
  let v3 = key.k1 ^ 0x74656462;
  const { length } = text;
  const pairs = length & ~1;
  for (let i = 0; i <= pairs; i += 2) {
    // The last word holds what is left, and the length.
    const word =
      i < pairs
        ? text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16)
        : (length & 1 ? text.charCodeAt(i) : 0) | (length << 16);
    v3 ^= word;
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  v2 ^= 0xee;
  for (let round = 0; round < 8; round++) {
    if (round === 4) {
      hash0 = v1 ^ v3;
      v1 ^= 0xdd;
    }
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  hash1 = v1 ^ v3;
  // All zero means an entry that is free.
  if (hash0 === 0 && hash1 === 0) hash1 = 1;
}

/** The secret of one use, from that of the process: what is counted under one name is another entry under another. */
export function keyOf(secret: HashKey, use: string): HashKey {
  hashText(secret, use);
  return { k0: hash0, k1: hash1 };
}
