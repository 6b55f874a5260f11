// One clock for all threads: each thread's own begins at its start, so a worker asks the main thread how late it is.

/** Words of the shared memory: who has the word, and behind it the main thread's time as a double. */
const ASKED = 1;
const ANSWERED = 2;
const OVER = 3;

/**
 * Question and answer are repeated, and the quickest pair counts: the answer was made somewhere within it. So often at
 * least, and until one was this quick, but no longer than so.
 */
const ROUNDS = 20;
const QUICK_MS = 0.01;
const LONGEST_MS = 100;
/** Looks at the memory before the thread sleeps: on two cores an answer takes less than a microsecond. */
const LOOKS = 2000;
/** The main thread gives up after so long without the worker; a worker has more patience, for others may be before it. */
const PATIENCE_MS = 1000;
const WORKER_PATIENCE_MS = 10_000;

/** Memory for one worker's questions. */
export function clockMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(16);
}

/** Main thread: answers the questions of a worker that has begun to ask, until it is done. Blocks. */
export function answerClock(memory: SharedArrayBuffer): void {
  const word = new Int32Array(memory, 0, 1);
  const time = new Float64Array(memory, 8, 1);
  for (;;) {
    const said = awaited(word, (value) => value === ASKED || value === OVER, PATIENCE_MS);
    if (said !== ASKED) return;
    time[0] = performance.now();
    Atomics.store(word, 0, ANSWERED);
    Atomics.notify(word, 0);
  }
}

/**
 * Worker: by how much the main thread's `performance.now()` is ahead of this thread's, to some microseconds.
 * `ask` makes the main thread call {@link answerClock}. Blocks.
 */
export function clockOffset(memory: SharedArrayBuffer, ask: () => void): number {
  const word = new Int32Array(memory, 0, 1);
  const time = new Float64Array(memory, 8, 1);
  let quickest = Infinity;
  let offset = 0;
  ask();
  let began: number | undefined;
  for (let round = 0; round < ROUNDS || quickest > QUICK_MS; round++) {
    const before = performance.now();
    // The first question waits until the main thread comes to it.
    if (round === 1) began = before;
    if (began !== undefined && before - began > LONGEST_MS) break;
    Atomics.store(word, 0, ASKED);
    Atomics.notify(word, 0);
    if (awaited(word, (value) => value === ANSWERED, WORKER_PATIENCE_MS) === undefined) break;
    const after = performance.now();
    if (after - before >= quickest) continue;
    quickest = after - before;
    offset = time[0]! - (before + after) / 2;
  }
  Atomics.store(word, 0, OVER);
  Atomics.notify(word, 0);
  if (quickest === Infinity) throw new Error("the main thread does not tell the time");
  return offset;
}

/** Waits for a word; undefined when it does not come. */
function awaited(word: Int32Array, isIt: (value: number) => boolean, patienceMs: number): number | undefined {
  for (let looks = 0; ; looks++) {
    const value = Atomics.load(word, 0);
    if (isIt(value)) return value;
    if (looks > LOOKS && Atomics.wait(word, 0, value, patienceMs) === "timed-out") return undefined;
  }
}
