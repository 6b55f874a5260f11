// The stamp in `.sluice/version`: says when the editor's types and the executable no longer belong together.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Embedded, fullVersion } from "./embedded.ts";

/** Where `init` keeps types and stamp, beside the config. */
export const SLUICE_FOLDER = ".sluice";

/** The file of the stamp, below {@link SLUICE_FOLDER}. */
export const VERSION_FILE = "version";

/** A warning when the types beside `config` are of another version; undefined when they fit, or there are none. */
export function staleTypes(config: string, embedded: Embedded): string | undefined {
  const folder = dirname(config);
  let stamp: string;
  try {
    stamp = readFileSync(join(folder, SLUICE_FOLDER, VERSION_FILE), "utf8").trim();
  } catch {
    return undefined;
  }
  const version = fullVersion(embedded);
  if (!embedded.compiled || stamp === version) return undefined;
  const act = folder === process.cwd() ? "sluice init --types" : `sluice init --types ${folder}`;
  return `the types in .sluice/ are of Sluice ${stamp}, this is ${version}. Renew them: ${act}`;
}
