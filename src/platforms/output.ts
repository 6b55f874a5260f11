// Writing to a file descriptor without ever waiting for its reader, whatever stands behind it.
import fs from "node:fs";
import { poll } from "./poll.ts";

/** Writes bytes from an offset on; tells how many were taken, 0 when there is no room now. Throws when the reader is gone. */
export type Output = (bytes: Uint8Array, from: number) => number;

/** Failures that pass: no room now in the pipe, in the kernel or on the disk. */
const LATER: ReadonlySet<string | undefined> = new Set(["EAGAIN", "EINTR", "ENOBUFS", "ENOMEM", "ENOSPC", "EDQUOT"]);

/** What a pipe takes whole or not at all, and without waiting once it says that it is writable (PIPE_BUF on Linux). */
const PIPE_STEP = 4096;
/** A Unix socket says so while three quarters of its buffer are free, 200 KiB by default. */
const SOCKET_STEP = 16384;

/**
 * An output to the descriptor. A file takes all at once. A pipe or a terminal is opened anew without waiting, so that
 * the mode of the descriptor, which other processes may share, stays as it is. A socket (systemd's journal, a parent
 * in Node) cannot be opened anew: the kernel is asked for room before each write. Where neither is possible a write may
 * wait for the reader: sockets and terminals on Deno, and systems without /proc that are not Bun's.
 */
export function outputTo(fd: number): Output {
  const kind = kindOf(fd);
  if (kind === undefined || kind.isFile()) return (bytes, from) => written(fd, bytes, from, bytes.length);
  const tellsPartWrites = IS_BUN;
  const own = kind.isFIFO() || (kind.isCharacterDevice() && tellsPartWrites) ? openedAnew(fd) : undefined;
  if (own !== undefined) {
    const step = tellsPartWrites ? Number.POSITIVE_INFINITY : PIPE_STEP;
    return (bytes, from) => written(own, bytes, from, Math.min(bytes.length, from + step));
  }
  const asked = poll();
  const step = kind.isSocket() ? SOCKET_STEP : PIPE_STEP;
  return (bytes, from) =>
    asked === undefined || asked.isWritable(fd) ? written(fd, bytes, from, Math.min(bytes.length, from + step)) : 0;
}

/**
 * Elsewhere node:fs is not to be trusted with a write that is taken in part: Deno's writes on until the output is full,
 * fails, and forgets how much has gone.
 */
const IS_BUN = process.versions["bun"] !== undefined;

/** Undefined for a descriptor that is closed: the first write will tell. */
function kindOf(fd: number): fs.Stats | undefined {
  try {
    return fs.fstatSync(fd);
  } catch {
    return undefined;
  }
}

function written(fd: number, bytes: Uint8Array, from: number, to: number): number {
  try {
    return fs.writeSync(fd, bytes, from, to - from);
  } catch (error) {
    if (LATER.has((error as NodeJS.ErrnoException).code)) return 0;
    throw error;
  }
}

function openedAnew(fd: number): number | undefined {
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = fs.constants;
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
  } catch {
    // No /proc, or the descriptor belongs to another user.
    return undefined;
  }
}
