// What stands beside the executable in a release: manual pages, completions, the unit file, licences. Made of the sources.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SHELLS } from "../../src/cli/completion.ts";
import { wordsOf } from "../../src/cli/completion/command-words.ts";
import { commandPage, type Edition } from "../../src/cli/manpage/command-page.ts";
import { configPage } from "../../src/cli/manpage/config-page.ts";
import { readReference } from "../../src/cli/reference/read-reference.ts";
import { STARTER_CONFIG } from "../../src/cli/starter-config.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { noticesText } from "../third-party.ts";
import type { Entry } from "./archive.ts";
import type { Target } from "./targets.ts";

/** Texts that every package has, by what they are. */
export interface Contents {
  /** sluice(1) and gateway.config(5). */
  readonly commandPage: string;
  readonly configPage: string;
  /** Scripts by shell: bash, zsh, fish. */
  readonly completions: Readonly<Record<string, string>>;
  readonly unit: string;
  readonly license: string;
  readonly notice: string;
  /** The licences of all that is inside. */
  readonly licenses: string;
  readonly changelog: string;
  readonly exampleConfig: string;
}

/** Gathers them. */
export async function gatherContents(root: string, edition: Edition): Promise<Contents> {
  const text = (path: string): string => readFileSync(join(root, path), "utf8");
  const verbs = await Promise.all(Object.values(VERBS).map((load) => load()));
  const words = verbs.map(wordsOf);
  return {
    commandPage: commandPage(verbs, edition),
    configPage: configPage(readReference(), edition),
    completions: Object.fromEntries(Object.entries(SHELLS).map(([shell, write]) => [shell, write(words)])),
    unit: text("contrib/systemd/sluice.service"),
    license: text("LICENSE"),
    notice: text("NOTICE"),
    licenses: noticesText(root),
    changelog: text("CHANGELOG.md"),
    exampleConfig: STARTER_CONFIG,
  };
}

/** The files of a tar.gz or zip, in the folder `top`. What means nothing to a system is left out there. */
export function archiveEntries(contents: Contents, executable: Uint8Array, target: Target, top: string): Entry[] {
  const { system } = target.machine;
  const files: Entry[] = [
    { path: `${top}/${system === "windows" ? "sluice.exe" : "sluice"}`, mode: 0o755, content: executable },
    textFile(`${top}/LICENSE`, contents.license),
    textFile(`${top}/NOTICE`, contents.notice),
    textFile(`${top}/licenses.txt`, contents.licenses),
    textFile(`${top}/CHANGELOG.md`, contents.changelog),
  ];
  if (system === "windows") return files;
  files.push(
    textFile(`${top}/man/sluice.1`, contents.commandPage),
    textFile(`${top}/man/gateway.config.5`, contents.configPage),
    textFile(`${top}/completions/sluice.bash`, contents.completions["bash"]!),
    textFile(`${top}/completions/_sluice`, contents.completions["zsh"]!),
    textFile(`${top}/completions/sluice.fish`, contents.completions["fish"]!),
  );
  if (system === "linux") files.push(textFile(`${top}/systemd/sluice.service`, contents.unit));
  return files;
}

/** A file that all may read. */
export function textFile(path: string, text: string | Uint8Array, mode = 0o644): Entry {
  return { path, mode, content: typeof text === "string" ? new TextEncoder().encode(text) : text };
}
