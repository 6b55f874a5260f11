// What is known of tokens: an introspection server is not asked about them again for a while.
import { LRUCache } from "lru-cache";
import type { Identity } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import type { Platform } from "../../platform.ts";

/** Tokens that are kept, good and bad apart: strangers who send bad ones do not displace good ones. */
const MOST_KEPT = 10_000;
/** Characters of all answers that are kept. */
const MOST_CHARACTERS = 2 ** 24;
/** How long a token that is not active is not asked about again, at most. */
const REFUSED_MS = 5_000;

/** A token about which the authorization server was asked. */
export interface Known {
  readonly identity: Identity;
  readonly confirmation: unknown;
  /** When it is asked about again, in monotonic milliseconds. */
  readonly until: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** Characters of the server's answer. */
  readonly size: number;
}

/** What came of a question to the authorization server, or of the attempt to ask it. */
export type Outcome = Known | GatewayError;

/** Outcomes by the hashes of their tokens. Bounded in number and in size. */
export class KeptOutcomes {
  readonly #cacheMs: number;
  readonly #platform: Pick<Platform, "now" | "wallClock">;
  readonly #good = new LRUCache<string, Known>({
    max: MOST_KEPT,
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ size }) => size,
  });
  readonly #bad = new LRUCache<string, { readonly error: GatewayError; readonly until: number }>({ max: MOST_KEPT });

  /** @param cacheMs how long a good one is kept; 0 for not at all */
  constructor(cacheMs: number, platform: Pick<Platform, "now" | "wallClock">) {
    this.#cacheMs = cacheMs;
    this.#platform = platform;
  }

  /** The outcome that still holds for a token. */
  get(hash: string): Outcome | undefined {
    const now = this.#platform.now();
    const known = this.#good.get(hash);
    if (known !== undefined) {
      if (now < known.until && this.#platform.wallClock() < known.expiresAt) return known;
      this.#good.delete(hash);
    }
    const refused = this.#bad.get(hash);
    if (refused === undefined) return undefined;
    if (now < refused.until) return refused.error;
    this.#bad.delete(hash);
    return undefined;
  }

  /** Keeps an outcome, unless it says nothing of the token. Gives it back. */
  keep(hash: string, outcome: Outcome): Outcome {
    if (!(outcome instanceof GatewayError)) {
      if (this.#cacheMs > 0) this.#good.set(hash, outcome);
    } else if (outcome.code === "invalid_credentials") {
      const ms = Math.min(this.#cacheMs, REFUSED_MS);
      if (ms > 0) this.#bad.set(hash, { error: outcome, until: this.#platform.now() + ms });
    }
    return outcome;
  }
}
