// Numbers that need no secrecy: which target, whether this one. Seeded once, no call into the runtime for each.

/**
 * Makes a source of numbers from 0 up to 1 (xorshift, Marsaglia 2003). Whoever sees many of them can tell the next.
 * @param seed 32 bits, of the platform's unpredictable ones
 */
export function chances(seed: number): () => number {
  let state = seed | 0 || 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
