// Tells when a config may have changed on the disk: its file, or one that it imports.
import { files } from "../platforms/files.ts";
import { changedFile, type Sources } from "./sources.ts";

/** Makes the function that is told which files to watch from now on, in place of those before. */
export function watchSources(changed: () => void): (sources: Sources) => void {
  const watched = new Map<string, () => void>();
  return ({ texts, others }) => {
    const read = new Map([...texts, ...others]);
    for (const [path, stop] of watched) {
      if (read.has(path)) continue;
      stop();
      watched.delete(path);
    }
    for (const path of read.keys()) if (!watched.has(path)) watched.set(path, files.watch(path, changed));
    // What has changed between the reading and the watching.
    if (changedFile(read) !== undefined) changed();
  };
}
