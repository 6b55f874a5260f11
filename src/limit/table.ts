// The table of all that limits count: a fixed number of entries of 64 bytes, in memory that all workers share.
import type { TableMemory } from "../shared.ts";
import { ENTRY_WORDS } from "./window.ts";

/** Bytes of an entry, its hash included. */
export const ENTRY_BYTES = (ENTRY_WORDS + 2) * 4;

/** Entries that share a lock. An entry is looked for among these, and takes the place of one of these. */
export const WAYS = 16;
/** Words that the hashes of a set take: they stand together, in one line of the processor's cache. */
const SET_TAGS = WAYS * 2;
/** Word of an entry: second of the clock from which on it counts nothing any more, and below it 5 bits of weight. */
const EXPIRY = 3;

/** Tries to get a lock in a row: some microseconds, where holding takes less than one. */
const TRIES = 1000;
/** Then its holder has lost its core, or is dead: that core may be ours, so we sleep for so long at most. */
const NAP_MS = 0.2;

/** Memory for at least so many entries. `workers` of 1 needs no locks. */
export function tableMemory(capacity: number, workers: number): TableMemory {
  const sets = 2 ** Math.max(0, Math.ceil(Math.log2(capacity / WAYS)));
  const words = (count: number): Int32Array =>
    workers > 1 ? new Int32Array(new SharedArrayBuffer(count * 4)) : new Int32Array(count);
  return {
    tags: words(sets * SET_TAGS),
    entries: words(sets * WAYS * ENTRY_WORDS),
    locks: words(sets),
    living: words(workers + 2),
  };
}

/** The table as the main thread uses it, beside the workers. */
export function mainTable(memory: TableMemory): LimitTable {
  return new LimitTable(memory, memory.living.length - 1);
}

/** Second of the clock from which on the entry at this word counts nothing any more. */
export function expiresAt(words: Int32Array, at: number): number {
  return Math.floor((words[at + EXPIRY]! >>> 0) / 32);
}

/** Entries looked at to tell how many there are: about a millisecond. */
const MOST_LOOKED_AT = 2 ** 20;

/**
 * How many entries count something at this moment of the clock; of a larger table a part is looked at, for
 * which set an entry is in is as good as drawn by lot.
 */
export function entriesIn({ entries, locks }: TableMemory, now: number): number {
  const all = locks.length * WAYS;
  const looked = Math.min(all, MOST_LOOKED_AT);
  const second = Math.floor(now / 1000);
  let count = 0;
  for (let each = 0; each < looked; each++) if (expiresAt(entries, each * ENTRY_WORDS) > second) count++;
  return Math.round((count * all) / looked);
}

/** Says that this worker has died and frees what it held. Its number may then be given to another. */
export function buryWorker({ living, locks }: TableMemory, worker: number): void {
  Atomics.store(living, worker, 0);
  for (let set = 0; set < locks.length; set++) Atomics.compareExchange(locks, set, worker, 0);
}

/** What has happened in a table, for metrics. */
export interface TableCounts {
  /** Entries that made place although they still counted. */
  evicted: number;
}

/** The counts of all limits: a fixed number of entries in sets of 16, found by the hash of limit and caller. */
export class LimitTable {
  readonly words: Int32Array;
  readonly counts: TableCounts = { evicted: 0 };
  readonly #tags: Int32Array;
  readonly #locks: Int32Array;
  readonly #living: Int32Array;
  readonly #shared: boolean;
  readonly #worker: number;
  readonly #mask: number;

  /** @param worker number of this worker, from 1 */
  constructor(memory: TableMemory, worker: number) {
    this.words = memory.entries;
    this.#tags = memory.tags;
    this.#locks = memory.locks;
    this.#living = memory.living;
    this.#shared = memory.entries.buffer instanceof SharedArrayBuffer;
    this.#worker = worker;
    this.#mask = memory.locks.length - 1;
    Atomics.store(memory.living, worker, 1);
  }

  /** How many entries there is room for. */
  get capacity(): number {
    return this.#locks.length * WAYS;
  }

  /** How many sets of entries there are. */
  get sets(): number {
    return this.#locks.length;
  }

  /** Whether another process has this set already: what is counted in it is to be told. The set is held. */
  isHanded(set: number): boolean {
    return this.#living[0]! > set;
  }

  /** Another process has so many sets, the first ones; the last of them is held. */
  handed(sets: number): void {
    Atomics.store(this.#living, 0, sets);
  }

  /** Holds the set of this hash until {@link release}. Returns its number. Nothing may throw or wait in between. */
  hold(hash0: number): number {
    const set = hash0 & this.#mask;
    if (this.#shared) {
      let tries = 0;
      let holder: number;
      while ((holder = Atomics.compareExchange(this.#locks, set, 0, this.#worker)) !== 0) {
        if (++tries % TRIES !== 0) continue;
        // A worker that died while it held the set: what it wrote is whole or as good as any.
        const dead = Atomics.load(this.#living, holder) === 0;
        if (dead && Atomics.compareExchange(this.#locks, set, holder, this.#worker) === holder) break;
        Atomics.wait(this.#locks, set, holder, NAP_MS);
      }
    }
    return set;
  }

  /** Lets go of the lock of a set. */
  release(set: number): void {
    if (this.#shared) Atomics.store(this.#locks, set, 0);
  }

  /** First word of the entry with this hash; -1 when there is none. The set is held. */
  find(set: number, hash0: number, hash1: number): number {
    const tags = this.#tags;
    const from = set * SET_TAGS;
    for (let at = from; at < from + SET_TAGS; at += 2) {
      if (tags[at] === hash0 && tags[at + 1] === hash1) return (at >>> 1) * ENTRY_WORDS;
    }
    return -1;
  }

  /**
   * As {@link find}, and makes the entry, all zero, where there is none. It takes the place of what is free or expired,
   * else of what holds least, else of what expires first: a caller that uses its limit is not pushed out by strangers who
   * come once.
   */
  claim(set: number, hash0: number, hash1: number, now: number): number {
    const known = this.find(set, hash0, hash1);
    if (known >= 0) return known;
    const victim = this.#victim(set, Math.floor(now / 1000));
    const at = victim * ENTRY_WORDS;
    this.words.fill(0, at, at + ENTRY_WORDS);
    this.#tags[victim * 2] = hash0;
    this.#tags[victim * 2 + 1] = hash1;
    return at;
  }

  /** Frees the entry at this word. Its set is held. */
  forget(at: number): void {
    this.words.fill(0, at, at + ENTRY_WORDS);
    this.#tags.fill(0, (at / ENTRY_WORDS) * 2, (at / ENTRY_WORDS) * 2 + 2);
  }

  /** Number of the entry of a set that makes place. */
  #victim(set: number, second: number): number {
    const { words } = this;
    let victim = set * WAYS;
    let least = Infinity;
    for (let each = set * WAYS; each < (set + 1) * WAYS; each++) {
      const expires = expiresAt(words, each * ENTRY_WORDS);
      if (expires <= second) return each;
      const worth = (words[each * ENTRY_WORDS + EXPIRY]! & 31) * 2 ** 32 + expires;
      if (worth >= least) continue;
      least = worth;
      victim = each;
    }
    this.counts.evicted++;
    return victim;
  }

  /** Says until when (milliseconds of the clock) the entry counts, and what it is worth, from 0 to 31. */
  mark(at: number, endsAt: number, weight: number): void {
    const second = Math.min(Math.ceil(endsAt / 1000), 2 ** 27 - 1);
    this.words[at + EXPIRY] = (second * 32 + Math.min(31, weight)) | 0;
  }
}
