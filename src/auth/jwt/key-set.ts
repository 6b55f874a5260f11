// Keys that are ready to verify, found by the `kid` and algorithm of a token.
import { type CryptoKey, importJWK } from "jose";
import type { PublicJwk } from "./jwk.ts";

/** A public key or shared secret, imported for each algorithm that it may verify. */
export interface VerificationKey {
  readonly kid: string | undefined;
  /** By algorithm: a key of the runtime is bound to one. */
  readonly byAlgorithm: ReadonlyMap<string, CryptoKey>;
  /** What it was made of: the same text is the same key. */
  readonly mark: string;
  /** It is no longer to be trusted, nor is anything that it has verified. */
  gone: boolean;
}

/** Most keys that are tried for one token. */
const MOST_TRIED = 4;

/** The keys that are trusted at one time. */
export class KeySet {
  readonly keys: readonly VerificationKey[];

  constructor(keys: readonly VerificationKey[]) {
    this.keys = keys;
  }

  /** The keys that may have signed: of this `kid`, or all when the token names none. At most four. */
  find(kid: string | undefined, algorithm: string): readonly VerificationKey[] {
    const fitting = this.keys.filter((key) => (kid === undefined || key.kid === kid) && key.byAlgorithm.has(algorithm));
    return fitting.length <= MOST_TRIED ? fitting : fitting.slice(0, MOST_TRIED);
  }

  /** Ends the trust in all keys that `next` does not have. */
  giveWayTo(next: KeySet | undefined): void {
    for (const key of this.keys) if (next?.keys.includes(key) !== true) key.gone = true;
  }
}

/**
 * Makes the keys. Those that `before` has already are the same objects, so that what they verified stays known. A key that
 * the runtime refuses, such as a point that is not on its curve, is left out.
 */
export async function makeKeySet(keys: readonly PublicJwk[], before: KeySet | undefined): Promise<KeySet> {
  const made = await Promise.all(keys.map(async (jwk) => known(jwk, before) ?? makeKey(jwk)));
  return new KeySet(made.filter((key) => key !== undefined));
}

function known(jwk: PublicJwk, before: KeySet | undefined): VerificationKey | undefined {
  const mark = JSON.stringify(jwk);
  return before?.keys.find((key) => key.mark === mark && !key.gone);
}

async function makeKey(jwk: PublicJwk): Promise<VerificationKey | undefined> {
  const byAlgorithm = new Map<string, CryptoKey>();
  try {
    for (const algorithm of jwk.algorithms) {
      byAlgorithm.set(algorithm, (await importJWK({ ...jwk.members }, algorithm)) as CryptoKey);
    }
  } catch {
    return undefined;
  }
  return { kid: jwk.kid, byAlgorithm, mark: JSON.stringify(jwk), gone: false };
}
