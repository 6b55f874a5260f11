// Locks between processes: flock(2) on a file of its own, which the kernel lets go when its holder dies. By a call into C.
import { closeSync, fstatSync, openSync, rmSync, statSync } from "node:fs";
import { cLibrary } from "./c-library.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Loaded when it is first asked for; null where C cannot be called. */
let loaded: ReturnType<typeof load> | null;

function load() {
  return cLibrary({ flock: { args: ["i32", "i32"], returns: "i32" } });
}

/**
 * Takes the lock of this path, whose file is made where there is none (0600). Returns a function that releases it;
 * undefined while somebody else has it. Where C cannot be called everybody has it. Throws when the file cannot be made.
 */
export function fileLock(path: string): (() => void) | undefined {
  const fd = locked(path);
  return fd === undefined ? undefined : () => closeSync(fd);
}

/** As {@link fileLock}, for a moment: the file goes with the lock. Undefined also where it has just gone with another's. */
export function passingLock(path: string): (() => void) | undefined {
  const fd = locked(path);
  if (fd === undefined) return undefined;
  if (fstatSync(fd).ino !== statSync(path, { throwIfNoEntry: false })?.ino) {
    // Whoever had it has removed the file: another may have made it anew, and locked that one.
    closeSync(fd);
    return undefined;
  }
  return () => {
    rmSync(path, { force: true });
    closeSync(fd);
  };
}

/** The open file with its lock; undefined while somebody else has that. */
function locked(path: string): number | undefined {
  const fd = openSync(path, "a", 0o600);
  loaded ??= load() ?? null;
  if (loaded === null || loaded.flock(fd, LOCK_EX | LOCK_NB) === 0) return fd;
  closeSync(fd);
  return undefined;
}
