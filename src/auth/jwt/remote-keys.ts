// Keys that an issuer publishes: fetched ahead of need, shared by all who wait, kept while the issuer is down (case GW-44).
import { messageOf } from "../../errors.ts";
import { retryAfterSeconds } from "../../http/retry-after.ts";
import type { Platform, Timer } from "../../platform.ts";
import { inTime } from "../../http/fetch-text.ts";
import { type Found, type KeySource, NoKeys } from "./key-source.ts";
import type { KeySet } from "./key-set.ts";

/** The clocks of fetched keys, in milliseconds. */
export interface KeyTimes {
  /** For all fetches of one look. */
  readonly timeoutMs: number;
  /** Between two looks that tokens with an unknown key bring about. */
  readonly cooldownMs: number;
  /** Between two looks when all is well. */
  readonly refreshMs: number;
  /** How long keys are trusted that could not be fetched anew. */
  readonly maxAgeMs: number;
}

/** Fetches the keys. `before` are those that are known. Rejects when there are none. */
export type LoadKeys = (signal: AbortSignal, before: KeySet | undefined) => Promise<KeySet>;

const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

/**
 * The keys of an issuer. Known keys never wait for anything. An unknown `kid` waits for one look, shared by all, at most once
 * in the cooldown. After a failure the gateway itself tries again, in growing intervals, and requests bring nothing about.
 */
export class RemoteKeys implements KeySource {
  readonly #title: string;
  readonly #platform: Platform;
  readonly #times: KeyTimes;
  readonly #load: LoadKeys;
  /** On Cloudflare nothing runs outside of a request, and no request may wait for another's fetch. */
  readonly #lazy: boolean;
  #set: KeySet | undefined = undefined;
  #fetchedAt = -Infinity;
  #askedAt = -Infinity;
  #retryAt = -Infinity;
  #failures = 0;
  #failure = "they have not been fetched yet";
  #told: "nothing" | "stale" | "none" = "nothing";
  #asking: Promise<void> | undefined = undefined;
  #timer: Timer | undefined = undefined;
  readonly #closing = new AbortController();

  /** @param title what the keys are, for notices: `auth.token: the keys of https://issuer` */
  constructor(title: string, platform: Platform, times: KeyTimes, load: LoadKeys) {
    this.#title = title;
    this.#platform = platform;
    this.#times = times;
    this.#load = load;
    this.#lazy = platform.runtime === "workers";
    if (!this.#lazy) void this.#ask();
  }

  find(kid: string | undefined, algorithm: string): Found | Promise<Found> {
    const now = this.#platform.now();
    const set = this.#trusted(now);
    const keys = set?.find(kid, algorithm) ?? [];
    const isOld = this.#lazy && now - this.#askedAt >= this.#times.refreshMs;
    if (keys.length > 0 && !isOld) return keys;
    const asking = this.#lookForMore(set !== undefined, now);
    return asking === undefined ? this.#found(kid, algorithm) : asking.then(() => this.#found(kid, algorithm));
  }

  async renew(): Promise<boolean> {
    const before = this.#set;
    await this.#lookForMore(true, this.#platform.now());
    const keys = this.#set?.keys ?? [];
    return keys.some((key) => before?.keys.includes(key) !== true);
  }

  unready(): string | undefined {
    return this.#trusted(this.#platform.now()) === undefined ? `${this.#title}: ${this.#failure}` : undefined;
  }

  age(): number | undefined {
    const now = this.#platform.now();
    return this.#trusted(now) === undefined ? undefined : now - this.#fetchedAt;
  }

  close(): void {
    this.#closing.abort();
    this.#platform.clearTimer(this.#timer);
  }

  #found(kid: string | undefined, algorithm: string): Found {
    const now = this.#platform.now();
    const set = this.#trusted(now);
    if (set !== undefined) return set.find(kid, algorithm);
    const seconds = retryAfterSeconds(this.#retryAt - now);
    return new NoKeys(`${this.#title}: ${this.#failure}`, seconds);
  }

  /** The keys, unless they are too old to be believed. */
  #trusted(now: number): KeySet | undefined {
    if (this.#set !== undefined && now - this.#fetchedAt > this.#times.maxAgeMs) {
      this.#set.giveWayTo(undefined);
      this.#set = undefined;
    }
    return this.#set;
  }

  /** The look that somebody may wait for; undefined when it is too early for another. */
  #lookForMore(hasKeys: boolean, now: number): Promise<void> | undefined {
    const waits = hasKeys || this.#failures === 0;
    if (this.#asking !== undefined && !this.#lazy) return waits ? this.#asking : undefined;
    if (this.#closing.signal.aborted) return undefined;
    const isTime = hasKeys ? now - this.#askedAt >= this.#times.cooldownMs : this.#lazy && now >= this.#retryAt;
    return isTime ? this.#ask() : undefined;
  }

  #ask(): Promise<void> {
    this.#platform.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#askedAt = this.#platform.now();
    const { timeoutMs } = this.#times;
    const asking = inTime(this.#platform, timeoutMs, this.#closing.signal, (signal) =>
      this.#load(signal, this.#set),
    ).then(
      (set) => this.#succeeded(set),
      (thrown: unknown) => this.#failed(thrown),
    );
    this.#asking = asking.then(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  #succeeded(set: KeySet): void {
    this.#set?.giveWayTo(set);
    for (const key of set.keys) key.gone = false;
    this.#set = set;
    this.#fetchedAt = this.#platform.now();
    this.#failures = 0;
    if (this.#told !== "nothing") this.#platform.notice("info", `${this.#title} are here again.`);
    this.#told = "nothing";
    this.#askLater(this.#times.refreshMs);
  }

  #failed(thrown: unknown): void {
    const now = this.#platform.now();
    this.#failures++;
    this.#failure = messageOf(thrown);
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 10));
    this.#askLater(wait);
    if (this.#closing.signal.aborted) return;
    const hasKeys = this.#trusted(now) !== undefined;
    const state = hasKeys ? "stale" : "none";
    if (this.#told === state) return;
    this.#told = state;
    if (hasKeys) {
      const hours = Math.round(this.#times.maxAgeMs / 360_000) / 10;
      this.#platform.notice(
        "warn",
        `${this.#title} cannot be fetched anew: ${this.#failure}. The known ones serve for ${hours} h from when they were fetched.`,
      );
    } else {
      this.#platform.notice(
        "error",
        `${this.#title} cannot be had: ${this.#failure}. Their routes answer 503 until then.`,
      );
    }
  }

  /** Somewhat earlier than `ms`, each process by another amount: many that lost their issuer do not come back as one. */
  #askLater(ms: number): void {
    const now = this.#platform.now();
    const wait = ms * (1 - 0.25 * ((now * 997) % 1));
    this.#retryAt = now + wait;
    if (this.#lazy || this.#closing.signal.aborted) return;
    this.#timer = this.#platform.setTimer(() => void this.#ask(), wait);
  }
}
