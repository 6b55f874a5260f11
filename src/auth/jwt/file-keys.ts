// Keys in a file beside the config: read again when it changes; a broken file changes nothing.
import { messageOf } from "../../errors.ts";
import type { Platform } from "../../platform.ts";
import { type Found, type KeySource, NoKeys } from "./key-source.ts";
import { type KeySet, makeKeySet } from "./key-set.ts";
import { readJwks } from "./jwk.ts";

/** A JWK Set in a file, as the plan found it. */
export interface KeyFile {
  /** Absolute path. */
  readonly path: string;
  /** Its text when the plan was made. */
  readonly text: string;
}

/** The keys of a JWK Set in a file. */
export class FileKeys implements KeySource {
  readonly #title: string;
  readonly #platform: Platform;
  readonly #file: KeyFile;
  readonly #allowed: readonly string[] | undefined;
  readonly #unwatch: (() => void) | undefined;
  readonly #first: Promise<void>;
  #set: KeySet | undefined = undefined;
  #failure = "it has not been read yet";
  #reads = 0;

  /** @param title what the file is, for notices */
  constructor(title: string, platform: Platform, file: KeyFile, allowed: readonly string[] | undefined) {
    this.#title = title;
    this.#platform = platform;
    this.#file = file;
    this.#allowed = allowed;
    this.#first = this.#take(Promise.resolve(file.text));
    this.#unwatch = platform.files?.watch(file.path, () => void this.#take(platform.files!.read(file.path)));
  }

  find(kid: string | undefined, algorithm: string): Found | Promise<Found> {
    if (this.#set !== undefined) return this.#set.find(kid, algorithm);
    return this.#first.then(() => this.#set?.find(kid, algorithm) ?? new NoKeys(this.unready()!));
  }

  renew(): Promise<boolean> {
    return Promise.resolve(false);
  }

  unready(): string | undefined {
    return this.#set === undefined ? `${this.#title}: ${this.#failure}` : undefined;
  }

  close(): void {
    this.#unwatch?.();
  }

  async #take(reading: Promise<string>): Promise<void> {
    const turn = ++this.#reads;
    let set: KeySet | string;
    try {
      const read = readJwks(await reading, this.#allowed);
      set = typeof read === "string" ? read : await makeKeySet(read.keys, this.#set);
    } catch (thrown) {
      set = messageOf(thrown);
    }
    // A read that took longer than a later one tells of an older file.
    if (turn !== this.#reads) return;
    if (typeof set !== "string" && set.keys.length === 0) set = "It holds no key that this runtime can use.";
    if (typeof set === "string") {
      this.#failure = set;
      const rest = this.#set === undefined ? "Its routes answer 503 until then." : "The keys that are known serve on.";
      this.#platform.notice(
        this.#set === undefined ? "error" : "warn",
        `${this.#title} (${this.#file.path}): ${set} ${rest}`,
      );
      return;
    }
    const isChange = this.#set !== undefined;
    this.#set?.giveWayTo(set);
    this.#set = set;
    if (isChange)
      this.#platform.notice("info", `${this.#title} (${this.#file.path}): read anew, ${set.keys.length} keys.`);
  }
}
