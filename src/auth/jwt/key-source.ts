// Where the keys of a scheme come from, whatever the place: what a verifier asks, and keys that never change.
import type { Platform } from "../../platform.ts";
import type { KeySet, VerificationKey } from "./key-set.ts";

/** Why a {@link KeySource} has no keys now: tokens get 503. */
export class NoKeys {
  /** The reason, for log and stderr; never sent to clients. */
  readonly why: string;
  /** When it is worth another try; undefined when only the operator can mend it. */
  readonly retryAfterSeconds: number | undefined;

  constructor(why: string, retryAfterSeconds?: number) {
    this.why = why;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The keys that may have signed a token, maybe none; or why that cannot be told. */
export type Found = readonly VerificationKey[] | NoKeys;

/** Where a scheme takes its keys from: an issuer, a URL, a file, or the config itself. */
export interface KeySource {
  /** By what the token's header says. At once when the keys are known. Never rejects. */
  find(kid: string | undefined, algorithm: string): Found | Promise<Found>;
  /**
   * For a token without `kid` that none of the keys fits: looks for newer keys, if it is not too early for that. True when
   * there are others than before.
   */
  renew(): Promise<boolean>;
  /** Why nothing can be verified now; undefined when it can. */
  unready(): string | undefined;
  /** Milliseconds since the keys were fetched; undefined while there are none. Absent where none are fetched. */
  age?(): number | undefined;
  /** Ends what runs in the background. */
  close(): void;
}

/** A source of keys that stand in the config: they never change. */
export class FixedKeys implements KeySource {
  #set: KeySet | NoKeys | undefined = undefined;
  readonly #reading: Promise<void>;

  /** @param failed what to say when the runtime refuses the key */
  constructor(reading: Promise<KeySet>, failed: string, platform: Platform) {
    this.#reading = reading.then(
      (set) => {
        this.#set = set;
      },
      () => {
        this.#set = new NoKeys(failed);
        platform.notice("error", `${failed}. Its routes answer 503.`);
      },
    );
  }

  /** There is one key: which name a token gives it does not matter. */
  find(_kid: string | undefined, algorithm: string): Found | Promise<Found> {
    const set = this.#set;
    if (set === undefined) return this.#reading.then(() => this.find(undefined, algorithm));
    return set instanceof NoKeys ? set : set.find(undefined, algorithm);
  }

  renew(): Promise<boolean> {
    return Promise.resolve(false);
  }

  unready(): string | undefined {
    return this.#set instanceof NoKeys ? this.#set.why : undefined;
  }

  close(): void {}
}
