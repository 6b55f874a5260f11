// Lines into a file: opened anew when somebody has moved it away, begun anew by size, written to again whenever that can be.
import fs from "node:fs";
import { lstat, rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { messageOf } from "../errors.ts";
import type { LinesTo } from "../platform.ts";
import type { LineOutput } from "./awaited-lines.ts";

/** What cannot be written is tried again after so long. */
const AGAIN_MS = 250;
/** A pipe whose reader is slow is tried again after so long. */
const FULL_MS = 10;
/** Beginning the file anew, where that could not be done, is tried again after so long. */
const ROTATE_AGAIN_MS = 60_000;
const NEWLINE = 0x0a;
/** Access logs tell of people: the file is the owner's and the group's. */
const MODE = 0o640;

const fstat = promisify(fs.fstat);
const close = promisify(fs.close);

/** How a file is written to. */
type FileTo = Extract<LinesTo, { readonly kind: "file" }>;

/** What it is lent of the machine. */
interface Lent {
  open(path: string, flags: number, mode: number): Promise<number>;
  /** Monotonic milliseconds. */
  now(): number;
}

const REAL: Lent = { open: promisify(fs.open), now: () => performance.now() };

/** A file, or a named pipe. */
export class FileOutput implements LineOutput {
  rotate: FileTo["rotate"];
  readonly #path: string;
  readonly #notice: (text: string) => void;
  readonly #lent: Lent;
  #fd: number | undefined;
  /** Bytes in it; undefined for what cannot be begun anew. */
  #size: number | undefined;
  /** Whether it is to be opened anew. */
  #stale = false;
  /** Ends a pause. */
  #wake: () => void = () => undefined;
  /** What is wrong, as the operator has been told. */
  #told: string | undefined;
  /** Until then it is not begun anew, however large it is. */
  #growsUntil = -Infinity;
  /** Whether the operator has been told that it grows. */
  #isGrowthTold = false;
  #closed = false;

  constructor({ path, rotate }: FileTo, notice: (text: string) => void, lent = REAL) {
    this.#path = path;
    this.rotate = rotate;
    this.#notice = notice;
    this.#lent = lent;
  }

  reopen(): void {
    this.#stale = true;
    this.#growsUntil = -Infinity;
    this.#wake();
  }

  async write(lines: Uint8Array): Promise<number> {
    let at = 0;
    while (!this.#closed) {
      try {
        if (this.#stale || this.#fd === undefined) {
          // A line that was begun in another file is written again, whole.
          at = at === 0 ? 0 : lines.lastIndexOf(NEWLINE, at - 1) + 1;
          await this.#open();
          if (this.#closed) break;
        }
        if (at === 0) await this.#makeRoom(lines.length);
        while (at < lines.length && !this.#closed) {
          const taken = await append(this.#fd!, lines, at);
          at += taken;
          if (this.#size !== undefined) this.#size += taken;
        }
        if (at < lines.length) break;
        this.#mended();
        return 0;
      } catch (thrown) {
        await this.#failed(thrown as NodeJS.ErrnoException);
      }
    }
    return lines.subarray(at).filter((byte) => byte === NEWLINE).length;
  }

  close(): void {
    this.#closed = true;
    this.#wake();
    if (this.#fd !== undefined) fs.close(this.#fd);
    this.#fd = undefined;
  }

  async #open(): Promise<void> {
    // Before the wait: whoever moves it away meanwhile has it opened once more.
    this.#stale = false;
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = fs.constants;
    let fd: number;
    try {
      fd = await this.#lent.open(this.#path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, MODE);
    } catch (thrown) {
      this.#stale = true;
      throw thrown;
    }
    const stats = await fstat(fd);
    const before = this.#closed ? fd : this.#fd;
    if (!this.#closed) this.#fd = fd;
    this.#size = stats.isFile() ? stats.size : undefined;
    if (before !== undefined) await close(before);
  }

  /** Begins the file anew if so many bytes would make it too large. Where that cannot be, it grows, for a while. */
  async #makeRoom(length: number): Promise<void> {
    const { rotate } = this;
    if (rotate === undefined || this.#size === undefined || this.#size === 0) return;
    if (this.#size + length <= rotate.size || this.#lent.now() < this.#growsUntil) return;
    try {
      await this.#moveAway(rotate.keep);
    } catch (thrown) {
      this.#growsUntil = this.#lent.now() + ROTATE_AGAIN_MS;
      if (!this.#isGrowthTold) {
        this.#notice(`${this.#path} cannot be begun anew (${messageOf(thrown)}): it grows; tried again once a minute`);
      }
      this.#isGrowthTold = true;
      return;
    }
    if (this.#isGrowthTold) this.#notice(`${this.#path} is begun anew again`);
    this.#isGrowthTold = false;
    await this.#open();
  }

  /** Moves the file, and of the older ones those below the first free number: tries that fail do not push them out. */
  async #moveAway(keep: number): Promise<void> {
    const older = (number: number): string => `${this.#path}.${number}`;
    let free = 1;
    while (free < keep && (await isThere(older(free)))) free++;
    await rm(older(free), { force: true });
    for (let number = free - 1; number > 0; number--) await renameIfThere(older(number), older(number + 1));
    await renameIfThere(this.#path, older(1));
    this.#stale = true;
  }

  /** Waits until it is worth another try. */
  async #failed({ code, message }: NodeJS.ErrnoException): Promise<void> {
    const full = code === "EAGAIN" || code === "EINTR";
    if (!full) {
      if (this.#told !== code)
        this.#notice(`${this.#path} cannot be written (${message}): lines of the access log wait`);
      this.#told = code ?? message;
      // Space may come back to a file that is open; what else is wrong with it is looked for anew.
      if (code !== "ENOSPC" && code !== "EDQUOT") this.#stale = true;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, full ? FULL_MS : AGAIN_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #mended(): void {
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#notice(`${this.#path} is written again`);
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw thrown;
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown;
  }
}

function append(fd: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, from, bytes.length - from, null, (error, taken) => {
      if (error === null || error === undefined) resolve(taken);
      else reject(error);
    });
  });
}
