// Takes down consumers and keys as a key file names them, and what is wrong with them.
import type { ConsumerPlan, KeyFileContent } from "../../config/auth/plan.ts";
import type { Consumer } from "../../config/auth/options.ts";
import { CONSUMER_NAME, expiryOf, GROUP_NAME, HASH_OF_NOTHING, KEY_HASH, KEY_ID } from "./key-rules.ts";
import { KeyTable } from "./key-table.ts";

/** What the config says that a key file must agree with. */
export interface KeyFileContext {
  readonly consumers: readonly ConsumerPlan[];
  /** Groups that the file may name. */
  readonly groups: readonly string[];
}

/** One thing that is wrong with a key file. It never holds what stands there: that may be a key. */
export interface KeyFileFault {
  /** Counted from 1, as are columns. */
  readonly line: number;
  readonly column: number;
  /** A noun phrase: what ought to stand there. */
  readonly wanted: string;
  readonly hint: string | undefined;
}

/** A key as it stands in a key file, not checked yet. */
export interface WrittenKey {
  readonly hash: string;
  readonly expires: string | undefined;
  readonly id: string | undefined;
  /** Index in the text at which it begins. */
  readonly at: number;
}

/** A text and the index at which it begins. */
export interface WrittenText {
  readonly text: string;
  readonly at: number;
}

/** Whoever has more faults than this has another problem. */
const MOST_FAULTS = 20;

/** The consumers and keys of the config, to which those of a file are added. */
export class KeyBook {
  readonly #text: string;
  readonly #groups: ReadonlySet<string>;
  readonly #table = new KeyTable();
  readonly #consumers: Consumer[] = [];
  readonly #ownerOf = new Map<string, number>();
  readonly #keysOfConfig: number;
  /** Where the file names each consumer, if it does, and each of its keys. */
  readonly #consumersAt: (number | undefined)[] = [];
  readonly #keysAt: number[] = [];
  readonly #digest = new Uint8Array(32);
  readonly #faults: { at: number; wanted: string; hint: string | undefined }[] = [];

  /** @param text of the file: faults are told by line and column */
  constructor(text: string, { consumers, groups }: KeyFileContext) {
    this.#text = text;
    this.#groups = new Set(groups);
    for (const { consumer, keys } of consumers) {
      const owner = this.#enter(consumer);
      for (const { hash, expiresAt, id } of keys) {
        this.#digest.setFromHex(hash);
        this.#table.add(this.#digest, { owner, expiresAt, id: id === hash.slice(0, 8) ? undefined : id });
      }
    }
    this.#keysOfConfig = this.#table.size;
  }

  /** Something is wrong at this index of the text. */
  fault(at: number, wanted: string, hint?: string): void {
    if (this.#faults.length < MOST_FAULTS) this.#faults.push({ at, wanted, hint });
  }

  /** Whether there are so many faults that reading on is of no use. */
  get isFull(): boolean {
    return this.#faults.length >= MOST_FAULTS;
  }

  /** A consumer of the file with all that the file says of it. */
  add(name: WrittenText, groups: readonly WrittenText[] | undefined, keys: readonly WrittenKey[]): void {
    const owner = this.#owner(name, groups);
    if (owner === undefined) return;
    for (const key of keys) this.#addKey(owner, key);
  }

  /** All of it, or what is wrong, in the order of the file. */
  close(): KeyFileContent | readonly KeyFileFault[] {
    if (this.#faults.length === 0) return { consumers: this.#consumers, keys: this.#table.columns };
    const ordered = this.#faults.toSorted((a, b) => a.at - b.at);
    return ordered.map(({ at, wanted, hint }) => ({ ...placeIn(this.#text, at), wanted, hint }));
  }

  #owner({ text: name, at }: WrittenText, groups: readonly WrittenText[] | undefined): number | undefined {
    if (!CONSUMER_NAME.test(name)) {
      const hint = 'It begins with a letter or digit and has letters, digits, "_", "-" and ".", 64 at most.';
      this.fault(at, "the name of a consumer", hint);
      return undefined;
    }
    const there = this.#ownerOf.get(name);
    const before = there === undefined ? undefined : this.#consumersAt[there];
    if (before !== undefined) {
      const hint = `It is in line ${placeIn(this.#text, before).line} already.`;
      this.fault(at, "a consumer that is named once", hint);
      return undefined;
    }
    const right = (groups ?? []).filter((group) => this.#isGroup(group)).map(({ text }) => text);
    const owner = there ?? this.#enter(Object.freeze({ name, groups: Object.freeze(right) }));
    this.#consumersAt[owner] = at;
    if (there !== undefined && groups !== undefined) {
      const hint = "The config has this consumer and says its groups: here it can only get more keys.";
      this.fault(groups[0]?.at ?? at, "no groups for this consumer", hint);
    }
    return owner;
  }

  #enter(consumer: Consumer): number {
    const owner = this.#consumers.push(consumer) - 1;
    this.#consumersAt.push(undefined);
    this.#ownerOf.set(consumer.name, owner);
    return owner;
  }

  #isGroup({ text, at }: WrittenText): boolean {
    if (this.#groups.has(text)) return true;
    const known = [...this.#groups].slice(0, 10).join(", ");
    const hint = GROUP_NAME.test(text)
      ? `The config knows ${known === "" ? "none" : known}. Another is named in keys.groups of the config.`
      : 'A group has letters, digits and "_.:@/-", 64 at most.';
    this.fault(at, "a group that the config knows", hint);
    return false;
  }

  #addKey(owner: number, { hash, expires, id, at }: WrittenKey): void {
    const digits = KEY_HASH.exec(hash)?.[1];
    if (digits === undefined) {
      const hint = "`sluice keys new` prints it beside a new key. A key itself is never stored.";
      return this.fault(at, 'the hash of an API key: "sha256:" and 64 hexadecimal digits', hint);
    }
    const expiresAt = expires === undefined ? undefined : expiryOf(expires);
    if (expires !== undefined && expiresAt === undefined) {
      return this.fault(at, 'an expiry such as "2027-01-31" or "2027-01-31T12:00:00Z"');
    }
    if (id !== undefined && !KEY_ID.test(id)) {
      return this.fault(at, "a short name for the key", 'It has letters, digits and "_.-", 64 at most.');
    }
    if (digits.toLowerCase() === HASH_OF_NOTHING) {
      return this.fault(at, "the hash of an API key", "This is the hash of an empty text.");
    }
    this.#digest.setFromHex(digits);
    const before = this.#table.size;
    const place = this.#table.add(this.#digest, { owner, expiresAt, id });
    if (place >= 0) this.#keysAt.push(at);
    else this.#duplicate(place + before, at);
  }

  #duplicate(first: number, at: number): void {
    const where =
      first < this.#keysOfConfig
        ? "in the config"
        : `in line ${placeIn(this.#text, this.#keysAt[first - this.#keysOfConfig]!).line}`;
    this.fault(at, "a key that nobody has yet", `Its hash stands ${where} already.`);
  }
}

function placeIn(text: string, at: number): { line: number; column: number } {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf("\n"); end >= 0 && end < at; end = text.indexOf("\n", start)) {
    line++;
    start = end + 1;
  }
  return { line, column: at - start + 1 };
}
