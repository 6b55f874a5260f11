// The counts of a table as bytes, so that they survive a restart: hashes and times, no names.
import type { Platform } from "../platform.ts";
import type { Counts, TableMemory } from "../shared.ts";
import { expiresAt, mainTable, WAYS } from "./table.ts";
import { ENTRY_WORDS } from "./window.ts";

/** What time it is, on both clocks of the platform. */
type Clocks = Pick<Platform, "now" | "wallClock">;
type Sha256 = (bytes: Uint8Array) => Uint8Array;

/** "SLIM", as this machine writes it: a file from one of another byte order does not match. */
const MAGIC = 0x4d494c53;
/** Changes with the form of entries, of windows or of hashes. */
const VERSION = 1;
/** Magic, version, both clocks (two words each), secret (two). */
const HEAD_WORDS = 8;
const EACH_WORDS = 2 + ENTRY_WORDS;
const DIGEST_BYTES = 32;
/** Room to begin with. */
const FIRST_WORDS = 4096;
/** The clock of a table has 27 bits of seconds; half of them are left to a process. */
const LATEST_MS = 2 ** 26 * 1000;

/**
 * All that still counts, with the secret of the hashes and a checksum.
 * @param hands whether another process gets it: what is counted in a set is told from the moment on at which it was copied,
 *   so that nothing is missing there and nothing twice
 * @returns 32 bytes, 64 an entry, and 32
 */
export function writeSnapshot(counts: Counts, clocks: Clocks, sha256: Sha256, hands = false): Uint8Array {
  const { memory, secret, ahead } = counts;
  const { tags, entries } = memory;
  const now = clocks.now() + ahead;
  const table = mainTable(memory);
  let words = new Int32Array(FIRST_WORDS);
  let end = HEAD_WORDS;
  for (let set = 0; set < table.sets; set++) {
    if (end + WAYS * EACH_WORDS + DIGEST_BYTES / 4 > words.length) words = twice(words);
    table.hold(set);
    for (let each = set * WAYS; each < (set + 1) * WAYS; each++) {
      const isFree = tags[each * 2] === 0 && tags[each * 2 + 1] === 0;
      if (isFree || expiresAt(entries, each * ENTRY_WORDS) * 1000 <= now) continue;
      words.set(tags.subarray(each * 2, each * 2 + 2), end);
      words.set(entries.subarray(each * ENTRY_WORDS, (each + 1) * ENTRY_WORDS), end + 2);
      end += EACH_WORDS;
    }
    if (hands) table.handed(set + 1);
    table.release(set);
  }
  words.set([MAGIC, VERSION]);
  words.set(new Int32Array(new Float64Array([now, clocks.wallClock()]).buffer), 2);
  words.set([secret.k0, secret.k1], 6);
  const bytes = new Uint8Array(words.buffer, 0, end * 4 + DIGEST_BYTES);
  bytes.set(sha256(bytes.subarray(0, -DIGEST_BYTES)), bytes.length - DIGEST_BYTES);
  return bytes;
}

/**
 * Puts into a table, of whatever size, what a snapshot holds and what has not expired since by the wall clock. When
 * that clock has been set back, no time has passed: nothing counts longer than one window from now.
 * @returns the counts, or why there are none: the end of a sentence
 */
export function readSnapshot(bytes: Uint8Array, memory: TableMemory, clocks: Clocks, sha256: Sha256): Counts | string {
  const least = HEAD_WORDS * 4 + DIGEST_BYTES;
  if (bytes.length < least || (bytes.length - least) % (EACH_WORDS * 4) !== 0) return "is broken";
  const words = new Int32Array(new Uint8Array(bytes).buffer);
  if (words[0] !== MAGIC) return "is none of counts";
  if (words[1] !== VERSION) return "is of another version of Sluice";
  const digest = sha256(bytes.subarray(0, -DIGEST_BYTES));
  if (!bytes.subarray(-DIGEST_BYTES).every((byte, i) => byte === digest[i])) return "is broken";
  const [savedNow = 0, savedWall = 0] = new Float64Array(words.slice(2, 6).buffer);
  const now = savedNow + Math.max(0, clocks.wallClock() - savedWall);
  if (!(now < LATEST_MS)) return "is too old";
  const table = mainTable(memory);
  const end = words.length - DIGEST_BYTES / 4;
  for (let at = HEAD_WORDS; at < end; at += EACH_WORDS) {
    const entry = words.subarray(at + 2, at + EACH_WORDS);
    if (expiresAt(entry, 0) * 1000 <= now) continue;
    const hash0 = words[at]!;
    const set = table.hold(hash0);
    table.words.set(entry, table.claim(set, hash0, words[at + 1]!, now));
    table.release(set);
  }
  return { memory, secret: { k0: words[6]!, k1: words[7]! }, ahead: now - clocks.now() };
}

function twice(words: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(words.length * 2);
  larger.set(words);
  return larger;
}
