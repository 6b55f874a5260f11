// Lines to an output whose writes are awaited: gathered, written a piece at a time, bounded when it takes nothing.
import { messageOf } from "../errors.ts";
import { GatheredText } from "../http/gathered-text.ts";
import { BATCH, BATCH_MS, linesIn, losing, lostText, MOST_WAITING } from "./stdout.ts";

/** Takes pieces of whole lines, one at a time. */
export interface LineOutput {
  /**
   * Resolves once all of it is taken, however long that is, to the number of lines that were lost nevertheless. Rejects
   * when nothing is ever taken again.
   */
  write(lines: Uint8Array<ArrayBuffer>): Promise<number>;
  /** From the next piece on it writes to what is found anew at its place. */
  reopen?(): void;
  close?(): void;
}

/** Lines that somebody else has put together, each with its newline. */
interface Batch {
  readonly lines: Uint8Array<ArrayBuffer>;
  readonly done: ((lost: number) => void) | undefined;
}

/** `flush` gives up after so long without progress. */
const STUCK_MS = 1000;
const NOTHING = new Uint8Array(0);

/** The lines of one output. */
export class AwaitedLines {
  /** Lines lost so far, less those of batches, which are told to whoever made them. */
  dropped = 0;
  readonly #output: LineOutput;
  readonly #name: string;
  readonly #notice: (text: string) => void;
  readonly #batches: Batch[] = [];
  readonly #gathered = new GatheredText();
  /** Bytes of the batches that are not written. */
  #waiting = 0;
  #writing: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Lost since the operator was told that lines are. */
  #untold = 0;
  /** Pieces written. */
  #moved = 0;
  #gone = false;

  /** @param name how the operator is told of the output */
  constructor(output: LineOutput, name: string, notice: (text: string) => void) {
    this.#output = output;
    this.#name = name;
    this.#notice = notice;
  }

  /** Takes one line without its newline. Never waits, never throws; the line is lost when too much waits already. */
  write(line: string): void {
    if (this.#gone || this.#waiting + this.#gathered.size + line.length >= MOST_WAITING) return this.#lose(1);
    this.#gathered.add(line + "\n");
    if (this.#gathered.size >= BATCH) {
      this.#seal();
      this.#begin();
    } else if (this.#writing === undefined) this.#timer ??= setTimeout(this.#begin, BATCH_MS);
  }

  /**
   * Takes lines in UTF-8, each with its newline. `done` is told how many of them were lost once the others are written.
   * However many wait: whoever makes them sees to that.
   */
  writeBatch(lines: Uint8Array<ArrayBuffer>, done: (lost: number) => void): void {
    if (this.#gone) return done(linesIn(lines));
    this.#seal();
    this.#batches.push({ lines, done });
    this.#waiting += lines.length;
    this.#begin();
  }

  /** See LineOutput; at once, if nothing is being written. */
  reopen(): void {
    this.#output.reopen?.();
    this.#batches.push({ lines: NOTHING, done: undefined });
    this.#begin();
  }

  /** Resolves once all is written, or when the output took nothing for a second. */
  async flush(): Promise<void> {
    this.#begin();
    while (this.#writing !== undefined) {
      const before = this.#moved;
      let late: ReturnType<typeof setTimeout> | undefined;
      const stuck = new Promise<void>((resolve) => (late = setTimeout(resolve, STUCK_MS)));
      await Promise.race([this.#writing, stuck]);
      clearTimeout(late);
      if (this.#writing !== undefined && this.#moved === before) return;
    }
  }

  /** Writes what waits, as far as the output takes it, and ends. */
  async close(): Promise<void> {
    await this.flush();
    this.#gone = true;
    this.#output.close?.();
  }

  #seal(): void {
    if (this.#gathered.size === 0) return;
    const lines = this.#gathered.take();
    this.#batches.push({ lines, done: undefined });
    this.#waiting += lines.length;
  }

  readonly #begin = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#batches.length > 0 || this.#gathered.size > 0) this.#writing ??= this.#writeOn();
  };

  async #writeOn(): Promise<void> {
    for (;;) {
      if (this.#batches.length === 0) this.#seal();
      const batch = this.#batches.shift();
      if (batch === undefined) break;
      const { length } = batch.lines;
      const lost = await this.#writeWhole(batch.lines, batch.done);
      this.#waiting -= length;
      this.#moved++;
      // A piece that is lost in part tells of a receiver that is gone, an empty one of nothing.
      const isTaken = length > 0 && lost === 0;
      if (this.#untold > 0 && isTaken && !this.#gone && this.#waiting < MOST_WAITING / 2) {
        this.#notice(lostText(this.#name, this.#untold));
        this.#untold = 0;
      }
    }
    this.#writing = undefined;
  }

  /** Gives how many lines were lost. */
  async #writeWhole(lines: Uint8Array<ArrayBuffer>, done: Batch["done"]): Promise<number> {
    let lost = linesIn(lines);
    if (!this.#gone) {
      try {
        lost = await this.#output.write(lines);
      } catch (thrown) {
        this.#gone = true;
        const reason = messageOf(thrown);
        this.#notice(`${this.#name} is gone (${reason}): the access log ends here`);
      }
    }
    if (done === undefined) this.#lose(lost);
    else {
      done(lost);
      this.#tell(lost);
    }
    return lost;
  }

  #lose(count: number): void {
    this.dropped += count;
    this.#tell(count);
  }

  #tell(lost: number): void {
    if (lost > 0 && this.#untold === 0 && !this.#gone) this.#notice(losing(this.#name));
    this.#untold += lost;
  }
}
