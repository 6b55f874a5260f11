// Files beside the config, read and watched through node:fs, which Bun and Deno have.
import { readFileSync, type Stats, statSync, watch } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Files } from "../platform.ts";
import { fileLock } from "./file-lock.ts";

/** How often a file is looked at where its folder cannot be watched, and as a second look where it can. */
const LOOK_MS = 2000;
/** A file that is being written changes several times: it is read once it has stood still for so long. */
const STILL_MS = 100;

/** The file system. A file may be replaced as editors, `mv` and Kubernetes' symbolic links do it. */
export const files: Files = {
  read: (path) => readFile(path, "utf8"),
  load(path) {
    try {
      return readFileSync(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  },
  async replace(path, bytes) {
    // In the same folder, for only there a rename is one step. What a process left that died meanwhile is in the way.
    const fresh = `${path}.new`;
    await rm(fresh, { force: true });
    try {
      const file = await open(fresh, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(fresh, path);
    } catch (error) {
      await rm(fresh, { force: true });
      throw error;
    }
    await syncFolder(dirname(path));
  },
  async folder(path) {
    await mkdir(path, { recursive: true, mode: 0o700 });
  },
  lock: fileLock,
  watch(path, changed) {
    let still: ReturnType<typeof setTimeout> | undefined;
    const touched = (): void => {
      clearTimeout(still);
      still = setTimeout(changed, STILL_MS);
    };
    // At once: what changes from now on is told.
    let known = markNow(path);
    const look = async (): Promise<void> => {
      const mark = await markOf(path);
      if (mark !== known) touched();
      known = mark;
    };
    const looking = setInterval(() => void look(), LOOK_MS);
    looking.unref();
    const stop = watchFolder(path, () => void look());
    return () => {
      clearInterval(looking);
      clearTimeout(still);
      stop();
    };
  },
};

/** Tells at once of most changes. Where the system cannot, looking every now and then remains. */
function watchFolder(path: string, changed: () => void): () => void {
  try {
    const name = basename(path);
    const watcher = watch(dirname(path), { persistent: false }, (_, file) => {
      // A symbolic link that changes its target is told under the name of another file.
      if (file === null || file === name || file.startsWith("..")) changed();
    });
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
}

/** A rename is on the disk when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What tells two states of a file apart. */
function markOf(path: string): Promise<string> {
  return stat(path).then(markIn, () => NONE);
}

/** The same, at once. */
function markNow(path: string): string {
  try {
    return markIn(statSync(path));
  } catch {
    return NONE;
  }
}

const NONE = "none";

function markIn({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}
