// Tokens that were verified a moment ago: the next request with the same text costs a look-up.
import { LRUCache } from "lru-cache";
import { latin1Bytes, latin1Text } from "../../http/latin1.ts";
import type { VerificationKey } from "./key-set.ts";

/** How many verified tokens are remembered, and for how long. */
export interface KnownLimits {
  readonly count: number;
  /** Characters of all texts together. */
  readonly characters: number;
  readonly lifetimeMs: number;
}

interface Entry<V> {
  readonly value: V;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly key: VerificationKey;
}

/**
 * What was found out about tokens, by their text: hashing them first takes four or five times as long (tests/bench/known-tokens.bench.ts), and
 * whoever can read the memory could read the tokens of requests too. The least used make room.
 */
export class KnownTokens<V extends object> {
  readonly #entries: LRUCache<string, Entry<V>>;
  readonly #lifetimeMs: number;

  constructor({ count, characters, lifetimeMs }: KnownLimits) {
    this.#lifetimeMs = lifetimeMs;
    this.#entries = new LRUCache({ max: count, maxSize: characters, sizeCalculation: (_, token) => token.length });
  }

  /** @param now milliseconds since the epoch */
  get(token: string, now: number): V | undefined {
    const entry = this.#entries.get(token);
    if (entry === undefined) return undefined;
    const left = entry.until - now;
    // More than a lifetime left means that the wall clock was set back.
    if (left > 0 && left <= this.#lifetimeMs && !entry.key.gone) return entry.value;
    this.#entries.delete(token);
    return undefined;
  }

  /**
   * Keeps it for a lifetime, and never longer than the key is trusted.
   * @param now and `end`: milliseconds since the epoch; it is not kept past `end`
   */
  keep(token: string, value: V, key: VerificationKey, now: number, end: number): void {
    const until = Math.min(end, now + this.#lifetimeMs);
    if (until <= now) return;
    // A text cut out of a request keeps the whole request in memory: a copy does not.
    const bytes = latin1Bytes(token);
    this.#entries.set(latin1Text(bytes, 0, bytes.length), { value, until, key });
  }
}
