// The board of several threads: rows in shared memory, found by the hash of their names.
import { type Board, OwnBoard, TARGET_WORDS, UPSTREAM_WORDS } from "./board.ts";
import { hash0, hash1, hashText } from "./http/key-hash.ts";
import type { Platform } from "./platform.ts";
import type { BoardMemories, BoardMemory } from "./shared.ts";

/** Rows of the boards of a process: 368 KiB of memory, of which what is not used is never touched. */
const TARGETS = 4096;
const UPSTREAMS = 256;

/** Words of the head: the version, who holds the lock (0 for nobody), and the key of the hashes. */
const VERSION = 0;
const LOCK = 1;
const KEY0 = 2;
const KEY1 = 3;
const HEAD_WORDS = 4;
/** Words of a tag: both halves of the hash (0 and 0: never used), and how often the row is claimed. */
const TAG_WORDS = 3;
const CLAIMS = 2;

/** Looks at the lock in a row, then a nap; after so many naps its holder is dead, for it is held some microseconds. */
const LOOKS = 1000;
const NAP_MS = 0.2;
const MOST_NAPS = 1000;

/** Who claims, where that is not a worker. */
export const MAIN_THREAD = -1;

/** The boards of one gateway. */
export interface Boards {
  readonly targets: Board;
  readonly upstreams: Board;
}

/** The memory of all boards that several workers share. */
export function boardMemories(platform: Pick<Platform, "random">): BoardMemories {
  const key = platform.random(2);
  return { targets: boardMemory(TARGETS, TARGET_WORDS, key), upstreams: boardMemory(UPSTREAMS, UPSTREAM_WORDS, key) };
}

/** The boards of a thread: those that all workers share, if there are any, else its own. */
export function openBoards(
  memories: BoardMemories | undefined,
  claimant: number,
  { notice }: Pick<Platform, "notice">,
): Boards {
  if (memories === undefined) {
    return { targets: new OwnBoard(TARGET_WORDS), upstreams: new OwnBoard(UPSTREAM_WORDS) };
  }
  const open = (kind: keyof Boards): Board =>
    new SharedBoard(memories[kind], claimant, (rows) => {
      notice(
        "warn",
        `there are more than ${rows} ${kind}: what is known of the others each thread knows for itself; with one worker (workers: 1) all are known`,
      );
    });
  return { targets: open("targets"), upstreams: open("upstreams") };
}

/** Memory of so many rows of so many words. `key`: two words, of the hashes. */
export function boardMemory(rows: number, width: number, [k0 = 0, k1 = 0]: Iterable<number>): BoardMemory {
  const words = (count: number): Int32Array => new Int32Array(new SharedArrayBuffer(count * 4));
  const head = words(HEAD_WORDS);
  head[KEY0] = k0;
  head[KEY1] = k1;
  return { width, head, tags: words(rows * TAG_WORDS), rows: words(rows * width) };
}

/**
 * Rows that all threads with this memory find. Claims are counted; a thread that dies leaves its own, and so the rows of
 * names that it had. Where there is no row left, the thread has one of its own, and the operator is told.
 */
export class SharedBoard implements Board {
  readonly #memory: BoardMemory;
  readonly #claimant: number;
  readonly #full: (rows: number) => void;
  /** What found no place. */
  readonly #own: OwnBoard;
  #told = false;

  /**
   * @param claimant number of this worker, or MAIN_THREAD
   * @param full told once, when there was no row left
   */
  constructor(memory: BoardMemory, claimant: number, full: (rows: number) => void) {
    this.#memory = memory;
    this.#claimant = claimant;
    this.#full = full;
    this.#own = new OwnBoard(memory.width);
  }

  get version(): number {
    return Atomics.load(this.#memory.head, VERSION);
  }

  changed(): void {
    Atomics.add(this.#memory.head, VERSION, 1);
  }

  claim(name: string): Int32Array {
    if (this.#own.has(name)) return this.#own.claim(name);
    const { tags, rows, width } = this.#memory;
    this.#hash(name);
    const [first, second] = [hash0, hash1];
    this.#lock();
    const row = this.#place(first, second);
    if (row >= 0) {
      const at = row * TAG_WORDS;
      if (tags[at + CLAIMS] === 0) {
        tags[at] = first;
        tags[at + 1] = second;
        rows.fill(0, row * width, (row + 1) * width);
      }
      tags[at + CLAIMS]!++;
    }
    this.#unlock();
    if (row >= 0) return rows.subarray(row * width, (row + 1) * width);
    if (!this.#told) this.#full(tags.length / TAG_WORDS);
    this.#told = true;
    return this.#own.claim(name);
  }

  release(name: string): void {
    if (this.#own.has(name)) return this.#own.release(name);
    const { tags } = this.#memory;
    this.#hash(name);
    const [first, second] = [hash0, hash1];
    this.#lock();
    const at = this.#place(first, second) * TAG_WORDS;
    if (at >= 0 && tags[at] === first && tags[at + 1] === second && tags[at + CLAIMS]! > 0) tags[at + CLAIMS]!--;
    this.#unlock();
  }

  /** The row with this hash, else the first that is free on the way to it; -1 when there is none. Under the lock. */
  #place(first: number, second: number): number {
    const { tags } = this.#memory;
    const count = tags.length / TAG_WORDS;
    let free = -1;
    for (let step = 0, row = (first >>> 0) % count; step < count; step++, row = row + 1 === count ? 0 : row + 1) {
      const at = row * TAG_WORDS;
      const unused = tags[at] === 0 && tags[at + 1] === 0;
      if (tags[at] === first && tags[at + 1] === second) return row;
      if (free < 0 && tags[at + CLAIMS] === 0) free = row;
      // Rows are given up, never moved: only one that was never used ends the way.
      if (unused) break;
    }
    return free;
  }

  #hash(name: string): void {
    const { head } = this.#memory;
    hashText({ k0: head[KEY0]!, k1: head[KEY1]! }, name);
  }

  #lock(): void {
    const { head } = this.#memory;
    let naps = 0;
    for (let looks = 1; ; looks++) {
      const holder = Atomics.compareExchange(head, LOCK, 0, this.#claimant);
      if (holder === 0) return;
      if (looks % LOOKS !== 0) continue;
      if (++naps > MOST_NAPS && Atomics.compareExchange(head, LOCK, holder, this.#claimant) === holder) return;
      Atomics.wait(head, LOCK, holder, NAP_MS);
    }
  }

  #unlock(): void {
    Atomics.compareExchange(this.#memory.head, LOCK, this.#claimant, 0);
  }
}
