// Lines to standard output: gathered, written off the hot path, bounded when nobody reads. For Bun (node:fs).
import { GatheredText } from "../http/gathered-text.ts";
import { outputTo, type Output } from "./output.ts";

/** Lines on their way out. */
export interface StdoutLines {
  /** Takes one line without its newline. Never waits, never throws; the line is lost when too much waits already. */
  write(line: string): void;
  /**
   * Takes lines in UTF-8, each with its newline, and writes them in one piece. `done` is called once they are written or
   * lost. However many wait: whoever makes them sees to that.
   */
  writeBatch(lines: Uint8Array<ArrayBuffer>, done: () => void): void;
  /**
   * Writes all that waits before it returns: for the moment before the process exits. False when lines were lost,
   * because the reader is gone or took nothing for a second.
   */
  flush(): boolean;
  /** Lines lost so far. */
  readonly dropped: number;
}

/** Where lines go, and how many may wait. */
export interface LinesOptions {
  /** File descriptor. Default: `1`. */
  readonly fd?: number;
  /** Most characters that wait for the reader. Default: 4 Mi. */
  readonly mostWaiting?: number;
  /** Tells the operator that lines are lost. Default: a line on standard error. */
  readonly notice?: (text: string) => void;
}

/** Lines are written when so many characters are together, or after so long. */
export const BATCH = 65536;
/** See {@link BATCH}. Milliseconds. */
export const BATCH_MS = 10;
/** Most characters that wait for the reader, unless it is said otherwise. */
export const MOST_WAITING = 4 * 1024 * 1024;

const NAME = "standard output";

/** What the operator is told when lines begin to be lost. */
export function losing(name: string): string {
  return `${name} takes nothing: lines of the access log are lost until its reader goes on`;
}

/** What the operator is told when that has ended. */
export function lostText(name: string, lines: number): string {
  return `${name} takes lines again; ${lines} lines of the access log are lost`;
}
/** A full output is tried again after so long, then after twice as long, up to the most. */
const RETRY_MS = 2;
const RETRY_MOST_MS = 64;
/** `flush` gives up when nothing was taken for so long. */
const STUCK_MS = 1000;

/** Lines to standard output. Whoever makes them sees to it that `flush` runs before the process exits. */
export function stdoutLines(options: LinesOptions = {}): StdoutLines {
  return new Lines(
    outputTo(options.fd ?? 1),
    options.mostWaiting ?? MOST_WAITING,
    options.notice ?? ((text) => process.stderr.write(`sluice: warn: ${text}\n`)),
  );
}

class Lines implements StdoutLines {
  dropped = 0;
  readonly #output: Output;
  readonly #most: number;
  readonly #notice: (text: string) => void;
  readonly #gathered = new GatheredText();
  /** Full batches behind the one being written. */
  readonly #batches: Batch[] = [];
  /** The batch being written, and how much of it has gone. */
  #bytes = new Uint8Array(0);
  #done: (() => void) | undefined;
  #written = 0;
  /** Bytes of the batches, the one being written among them. */
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** 0 unless the output is full. */
  #retryMs = 0;
  /** Bytes that the output has taken so far. */
  #gone = 0;
  #told = 0;
  #broken = false;

  constructor(output: Output, most: number, notice: (text: string) => void) {
    this.#output = output;
    this.#most = most;
    this.#notice = notice;
  }

  write(line: string): void {
    if (this.#broken || this.#waiting + this.#gathered.size + line.length >= this.#most) return this.#drop();
    this.#gathered.add(line + "\n");
    if (this.#gathered.size >= BATCH) {
      this.#seal();
      if (this.#retryMs === 0) this.#turn ??= setImmediate(this.#proceed);
    }
    this.#timer ??= setTimeout(this.#proceed, BATCH_MS);
  }

  writeBatch(lines: Uint8Array<ArrayBuffer>, done: () => void): void {
    if (this.#broken) {
      this.dropped += linesIn(lines);
      return done();
    }
    this.#batches.push({ lines, done });
    this.#waiting += lines.length;
    if (this.#retryMs === 0) this.#turn ??= setImmediate(this.#proceed);
  }

  flush(): boolean {
    let movedAt = performance.now();
    for (;;) {
      const before = this.#gone;
      if (this.#emptied()) return !this.#broken;
      if (this.#gone > before) movedAt = performance.now();
      if (performance.now() - movedAt > STUCK_MS) return false;
      Atomics.wait(SLEEP, 0, 0, RETRY_MS);
    }
  }

  readonly #proceed = (): void => {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#timer = undefined;
    this.#turn = undefined;
    const before = this.#gone;
    if (this.#emptied()) {
      this.#retryMs = 0;
      return;
    }
    // A reader that takes what it can is asked again soon; only one that takes nothing is asked more and more rarely.
    this.#retryMs = this.#gone > before ? RETRY_MS : Math.min(this.#retryMs * 2 || RETRY_MS, RETRY_MOST_MS);
    this.#timer = setTimeout(this.#proceed, this.#retryMs);
  };

  /** Writes until nothing waits (true) or the output is full (false). */
  #emptied(): boolean {
    for (;;) {
      if (this.#written === this.#bytes.length && !this.#next()) break;
      let taken: number;
      try {
        taken = this.#output(this.#bytes, this.#written);
      } catch (error) {
        this.#lose(error as Error);
        break;
      }
      if (taken === 0) return false;
      this.#written += taken;
      this.#gone += taken;
    }
    if (this.dropped > this.#told && !this.#broken) {
      this.#notice(lostText(NAME, this.dropped - this.#told));
      this.#told = this.dropped;
    }
    return true;
  }

  /** Takes up the next batch; false when there is none. */
  #next(): boolean {
    this.#waiting -= this.#bytes.length;
    this.#done?.();
    if (this.#batches.length === 0) this.#seal();
    const { lines, done } = this.#batches.shift() ?? NO_BATCH;
    this.#bytes = lines;
    this.#done = done;
    this.#written = 0;
    return lines.length > 0;
  }

  /** What is gathered becomes a batch. */
  #seal(): void {
    if (this.#gathered.size === 0) return;
    const lines = this.#gathered.take();
    this.#batches.push({ lines, done: undefined });
    this.#waiting += lines.length;
  }

  #drop(): void {
    if (this.dropped === this.#told && !this.#broken) {
      this.#notice(losing(NAME));
    }
    this.dropped++;
  }

  #lose(error: Error): void {
    this.#broken = true;
    this.#seal();
    this.dropped += linesIn(this.#bytes.subarray(this.#written));
    this.#done?.();
    for (const { lines, done } of this.#batches) {
      this.dropped += linesIn(lines);
      done?.();
    }
    this.#batches.length = 0;
    ({ lines: this.#bytes, done: this.#done } = NO_BATCH);
    this.#written = 0;
    this.#waiting = 0;
    this.#notice(`${NAME} is gone (${error.message}): the access log ends here`);
  }
}

/** Lines that are written in one piece. */
interface Batch {
  readonly lines: Uint8Array<ArrayBuffer>;
  /** Where somebody else has put them together. */
  readonly done: (() => void) | undefined;
}

const NO_BATCH: Batch = { lines: new Uint8Array(0), done: undefined };

/** How many lines there are. */
export function linesIn(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count++;
  return count;
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));
