// `sluice manpage [page]`: prints a manual page, or writes all of them into a folder.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkChoice } from "./arguments.ts";
import { fullVersion } from "./embedded.ts";
import { EXIT, usageError } from "./exit.ts";
import { commandPage } from "./manpage/command-page.ts";
import { configPage } from "./manpage/config-page.ts";
import { shownPath } from "./terminal.ts";
import { defineVerb, type VerbContext } from "./verb.ts";
import { writingIn } from "./writing.ts";

/** What writes a page, by its name, and its section of the manual. */
const PAGES: Readonly<Record<string, readonly [section: number, write: (context: VerbContext) => Promise<string>]>> = {
  sluice: [1, async ({ embedded, verbs }) => commandPage(await verbs(), editionOf(embedded))],
  "gateway.config": [5, async ({ embedded }) => configPage(await embedded.reference(), editionOf(embedded))],
};

const NAMES = Object.keys(PAGES);

/** `sluice manpage`: prints a manual page: sluice(1) or gateway.config(5). */
export const manpage = defineVerb(
  {
    name: "manpage",
    summary: "prints a manual page: sluice(1) or gateway.config(5)",
    notes: ["The pages are of this version of Sluice. The Debian package brings them where man looks for them."],
    examples: [
      ["sluice manpage | man -l -", "read about the command line"],
      ["sluice manpage gateway.config | man -l -", "read about every option of the config"],
      ["sluice manpage --output=.", "write both, as sluice.1 and gateway.config.5"],
    ],
    exits: [71, 77],
  },
  {
    page: {
      type: "positional",
      required: false,
      means: NAMES,
      description: "which page; sluice by default",
    },
    output: {
      type: "string",
      alias: "o",
      valueHint: "dir",
      means: "folder",
      description: "write all pages into this folder; made if it is not there",
    },
  },
  async ({ page, output }, context) => {
    if (page !== undefined) checkChoice("A page", page, NAMES);
    if (output === undefined) {
      const [, write] = PAGES[page ?? "sluice"]!;
      context.terminal.out((await write(context)).trimEnd());
      return EXIT.ok;
    }
    if (page !== undefined) throw usageError("--output writes all pages: name no page beside it.");
    return writingIn(output, async () => {
      mkdirSync(output, { recursive: true });
      for (const [name, [section, write]] of Object.entries(PAGES)) {
        const file = join(output, `${name}.${section}`);
        writeFileSync(file, await write(context));
        context.terminal.out(`wrote ${shownPath(file)}`);
      }
      return EXIT.ok;
    });
  },
);

function editionOf(embedded: VerbContext["embedded"]): { version: string; date: string } {
  return { version: fullVersion(embedded), date: embedded.date };
}
