// The terminal as a screen: the alternate one, without a cursor, keys one by one; as it was when it is over, whatever ends it.
import { writeSync } from "node:fs";

// Lines that are too long end at the edge.
const OPEN = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const CLOSE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const REST_OF_LINE = "\x1b[K";
const REST_OF_SCREEN = "\x1b[J";

/** Signals that end a process, which would leave the terminal as it is. */
const ENDING = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/** What a screen calls when somebody presses a key or changes its size. */
export interface ScreenHandler {
  /** A key was pressed; `text` is what it sends. */
  key(text: string): void;
  /** The terminal has another size now. */
  resized(): void;
  /** A key or a signal asks to end. */
  end(): void;
}

/** The screen of this process's terminal. */
export class Screen {
  readonly #handler: ScreenHandler;
  readonly #keys = (bytes: Buffer): void => {
    for (const key of bytes.toString()) this.#handler.key(key);
  };
  readonly #resized = (): void => this.#handler.resized();
  readonly #end = (): void => this.#handler.end();
  readonly #close = (): void => this.close();

  constructor(handler: ScreenHandler) {
    this.#handler = handler;
    // Before anything is changed: an exit on the way out finds it.
    process.on("exit", this.#close);
    for (const signal of ENDING) process.on(signal, this.#end);
    process.stdin.setRawMode(true);
    process.stdin.on("data", this.#keys);
    process.stdin.on("end", this.#end);
    process.stdout.on("resize", this.#resized);
    write(OPEN);
  }

  /** Characters in a line of the terminal. */
  get width(): number {
    return process.stdout.columns || 80;
  }

  /** Lines that there is room for. */
  get height(): number {
    return process.stdout.rows || 24;
  }

  /** Shows these lines, as far as there is room. */
  show(text: string): void {
    const lines = text.split("\n").slice(0, this.height);
    write(HOME + lines.map((line) => line + REST_OF_LINE).join("\r\n") + REST_OF_SCREEN);
  }

  /** Leaves the terminal as it was. */
  close(): void {
    process.off("exit", this.#close);
    for (const signal of ENDING) process.off(signal, this.#end);
    process.stdin.off("data", this.#keys);
    process.stdin.off("end", this.#end);
    process.stdout.off("resize", this.#resized);
    write(CLOSE);
    try {
      process.stdin.setRawMode(false);
    } catch {
      // The terminal has gone.
    }
    process.stdin.pause();
  }
}

/** A terminal that has gone takes nothing, and nothing is lost by it. */
function write(text: string): void {
  try {
    writeSync(1, text);
  } catch {
    // See above.
  }
}
