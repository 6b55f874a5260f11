// Lines into a file: opened anew when somebody has moved it away, begun anew by size, written to again whenever that can be.
import fs from "node:fs";
import { rename, rm } from "node:fs/promises";
import { promisify } from "node:util";
import type { LinesTo } from "../platform.ts";
import type { LineOutput } from "./awaited-lines.ts";

/** What cannot be written is tried again after so long. */
const AGAIN_MS = 250;
/** A pipe whose reader is slow is tried again after so long. */
const FULL_MS = 10;
const NEWLINE = 0x0a;
/** Access logs tell of people: the file is the owner's and the group's. */
const MODE = 0o640;

const open = promisify(fs.open);
const fstat = promisify(fs.fstat);
const close = promisify(fs.close);

/** How a file is written to. */
type FileTo = Extract<LinesTo, { readonly kind: "file" }>;

/** A file, or a named pipe. */
export class FileOutput implements LineOutput {
  rotate: FileTo["rotate"];
  readonly #path: string;
  readonly #notice: (text: string) => void;
  #fd: number | undefined;
  /** Bytes in it; undefined for what cannot be begun anew. */
  #size: number | undefined;
  /** Whether it is to be opened anew. */
  #stale = false;
  /** Ends a pause. */
  #wake: () => void = () => undefined;
  /** What is wrong, as the operator has been told. */
  #told: string | undefined;
  #closed = false;

  constructor({ path, rotate }: FileTo, notice: (text: string) => void) {
    this.#path = path;
    this.rotate = rotate;
    this.#notice = notice;
  }

  reopen(): void {
    this.#stale = true;
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
        }
        if (at === 0) await this.#makeRoom(lines.length);
        while (at < lines.length) {
          const taken = await append(this.#fd!, lines, at);
          at += taken;
          if (this.#size !== undefined) this.#size += taken;
        }
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
    this.#stale = false;
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY } = fs.constants;
    const fd = await open(this.#path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY, MODE);
    const before = this.#fd;
    this.#fd = fd;
    if (before !== undefined) await close(before);
    const stats = await fstat(fd);
    this.#size = stats.isFile() ? stats.size : undefined;
  }

  /** Begins the file anew if so many bytes would make it too large. */
  async #makeRoom(length: number): Promise<void> {
    const { rotate } = this;
    if (rotate === undefined || this.#size === undefined || this.#size === 0) return;
    if (this.#size + length <= rotate.size) return;
    const older = (number: number): string => `${this.#path}.${number}`;
    await rm(older(rotate.keep), { force: true });
    for (let number = rotate.keep - 1; number > 0; number--) await renameIfThere(older(number), older(number + 1));
    await renameIfThere(this.#path, older(1));
    await this.#open();
  }

  /** Waits until it is worth another try. */
  async #failed({ code, message }: NodeJS.ErrnoException): Promise<void> {
    const full = code === "EAGAIN" || code === "EINTR";
    if (!full) {
      if (this.#told !== code)
        this.#notice(`${this.#path} cannot be written (${message}): lines of the access log wait`);
      this.#told = code ?? message;
      // Space may come back to a file that is open; all else is looked for anew.
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
