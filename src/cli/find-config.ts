// Which file is the config: the one named, or the first that exists where configs are kept.
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { EXIT, Refusal } from "./exit.ts";
import { shownPath } from "./terminal.ts";

const NAMES = [
  "gateway.config.ts",
  "gateway.config.mts",
  "gateway.config.js",
  "gateway.config.mjs",
  "gateway.config.json",
];

/** The absolute path of the config. Throws a refusal (66) that names where it was looked for. */
export function findConfig(named: string | undefined): string {
  if (named !== undefined) return namedConfig(resolve(named));
  const folders = configFolders();
  for (const folder of folders) {
    const found = NAMES.map((name) => join(folder, name)).find(isFile);
    if (found !== undefined) return found;
  }
  throw new Refusal(EXIT.noInput, "There is no gateway.config.ts.", {
    hint: `Looked in ${folders.join(", ")}.\nName the file, or write one with sluice init.`,
  });
}

function namedConfig(file: string): string {
  if (isFile(file)) return file;
  const inside = NAMES.map((name) => join(file, name)).find(isFile);
  if (inside !== undefined) {
    throw new Refusal(EXIT.noInput, `${shownPath(file)} is a folder.`, { hint: `Did you mean ${shownPath(inside)}?` });
  }
  throw new Refusal(EXIT.noInput, `There is no file ${shownPath(file)} that can be read.`);
}

/** Where a config is looked for: the working directory, the user's folder, the machine's. */
function configFolders(): string[] {
  const user = process.env["XDG_CONFIG_HOME"] || homeConfig();
  return [process.cwd(), ...(user === undefined ? [] : [join(user, "sluice")]), "/etc/sluice"];
}

/** Undefined for a user without a home, as services may be. */
function homeConfig(): string | undefined {
  try {
    return join(homedir(), ".config");
  } catch {
    return undefined;
  }
}

/** False too for what may not be looked at: it is said when the file itself was named. */
function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
