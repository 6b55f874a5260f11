// `sluice init [dir]`: writes a config to begin with, its first test, and the types that the editor and the compiler need to check it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { type Embedded, fullVersion } from "./embedded.ts";
import { EXIT, Refusal } from "./exit.ts";
import { STARTER_CONFIG, STARTER_TEST } from "./starter-config.ts";
import { shownPath } from "./terminal.ts";
import { unpackTypes } from "./types-archive.ts";
import { defineVerb } from "./verb.ts";
import { SLUICE_FOLDER, VERSION_FILE } from "./version-stamp.ts";
import { writingIn } from "./writing.ts";

const CONFIG = "gateway.config.ts";
const EXTENDS = "./.sluice/tsconfig.json";
const TEST = "gateway.test.ts";
const TSCONFIG = `${JSON.stringify({ extends: EXTENDS, include: ["*.ts"] }, null, 2)}\n`;

/** `sluice init`: writes a config and a test to begin with, and types for the editor. */
export const init = defineVerb(
  {
    name: "init",
    summary: "writes a config and a test to begin with, and types for the editor",
    notes: [
      `Writes ${CONFIG}, ${TEST}, tsconfig.json and .sluice/ (types). What is there already is left as it is.`,
      "With these, an editor and tsc --noEmit check the config with nothing else installed.",
    ],
    examples: [
      ["sluice init", "begin in this folder"],
      ["sluice init gateway", "begin in the folder gateway"],
      ["sluice init --types", "renew the types after an update of Sluice"],
    ],
    exits: [[1, "there is a config already; its types are renewed all the same"], 71, 77],
  },
  {
    dir: { type: "positional", required: false, means: "folder", description: "the folder; made if it is not there" },
    types: { type: "boolean", description: "only write .sluice/ anew, as after an update of Sluice" },
  },
  async (args, { terminal, embedded }) => {
    const folder = resolve(args.dir ?? ".");
    return writingIn(folder, async () => {
      mkdirSync(folder, { recursive: true });
      await writeTypes(folder, embedded);
      terminal.out(`wrote ${shownPath(join(folder, SLUICE_FOLDER))}/ (types of Sluice ${fullVersion(embedded)})`);
      if (args.types === true) return EXIT.ok;
      writeProjectFile(folder, terminal.out, terminal.err);
      const config = join(folder, CONFIG);
      if (existsSync(config)) {
        terminal.err(`${shownPath(config)} is there already and was left as it is.`);
        return EXIT.failure;
      }
      writeFileSync(config, STARTER_CONFIG, { flag: "wx" });
      terminal.out(`wrote ${shownPath(config)}`);
      const test = join(folder, TEST);
      if (!existsSync(test)) {
        writeFileSync(test, STARTER_TEST, { flag: "wx" });
        terminal.out(`wrote ${shownPath(test)}`);
      }
      terminal.out(`next: sluice run${args.dir === undefined ? "" : ` ${shownPath(config)}`}`);
      return EXIT.ok;
    });
  },
);

async function writeTypes(folder: string, embedded: Embedded): Promise<void> {
  if (embedded.types === undefined) {
    throw new Refusal(EXIT.failure, "The types are made by the build.", {
      hint: "Run npm run build, then dist/sluice init.",
    });
  }
  const target = join(folder, SLUICE_FOLDER);
  const files = unpackTypes(await embedded.types());
  rmSync(join(target, "types"), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), text);
  }
  writeFileSync(join(target, VERSION_FILE), `${fullVersion(embedded)}\n`);
}

function writeProjectFile(folder: string, out: (text: string) => void, err: (text: string) => void): void {
  const file = join(folder, "tsconfig.json");
  if (!existsSync(file)) {
    writeFileSync(file, TSCONFIG, { flag: "wx" });
    out(`wrote ${shownPath(file)}`);
    return;
  }
  if (readFileSync(file, "utf8").includes(EXTENDS)) return;
  err(`${shownPath(file)} is there already and was left as it is. For the types of the config, add to it:`);
  err(`  "extends": "${EXTENDS}"`);
}
