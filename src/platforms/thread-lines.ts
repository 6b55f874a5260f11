// Lines of a worker thread: gathered here, handed whole to the thread that writes, bounded when it cannot.
import { GatheredText } from "../http/gathered-text.ts";
import { BATCH, BATCH_MS, losing, lostText } from "./stdout.ts";

/** Where the lines of a thread go. */
export interface ThreadLinesOptions {
  /** Hands over lines in UTF-8, each with its newline. The memory goes with them. */
  post(lines: Uint8Array<ArrayBuffer>): void;
  /**
   * Bytes that have been written, or lost, of those handed over; it wraps. Then the lines among them
   * that were lost. The thread that writes adds to both.
   */
  readonly taken: Int32Array;
  /** Most bytes that wait, about. */
  readonly mostWaiting: number;
  /** How the operator is told of where they go. */
  readonly name: string;
  /** Tells the operator that lines are lost. */
  notice(text: string): void;
}

/** The lines of one thread. */
export class ThreadLines {
  readonly #options: ThreadLinesOptions;
  readonly #gathered = new GatheredText();
  /** Bytes handed over so far; it wraps as `taken` does. */
  #posted = 0;
  /** Bytes that waited at the other side when we last looked. */
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Lost since the operator was told that lines are. */
  #dropped = 0;
  /** Lines that were never handed over. */
  #refused = 0;

  constructor(options: ThreadLinesOptions) {
    this.#options = options;
  }

  /** Lines lost so far. */
  get lost(): number {
    return this.#refused + Atomics.load(this.#options.taken, 1);
  }

  /** Takes one line without its newline. Never waits, never throws; the line is lost when too much waits already. */
  write(line: string): void {
    if (this.#waiting + this.#gathered.size + line.length >= this.#options.mostWaiting && !this.#hasRoom(line)) {
      this.#refused++;
      if (this.#dropped++ === 0) this.#options.notice(losing(this.#options.name));
      return;
    }
    this.#gathered.add(line + "\n");
    if (this.#gathered.size >= BATCH) this.flush();
    else this.#timer ??= setTimeout(this.flush, BATCH_MS);
  }

  /** Hands over what is gathered. */
  readonly flush = (): void => {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.size === 0) return;
    const lines = this.#gathered.take();
    this.#posted = (this.#posted + lines.length) | 0;
    this.#options.post(lines);
    this.#look();
  };

  #hasRoom(line: string): boolean {
    this.#look();
    if (this.#waiting + this.#gathered.size + line.length >= this.#options.mostWaiting) return false;
    if (this.#dropped > 0) this.#options.notice(lostText(this.#options.name, this.#dropped));
    this.#dropped = 0;
    return true;
  }

  #look(): void {
    this.#waiting = (this.#posted - Atomics.load(this.#options.taken, 0)) | 0;
  }
}
