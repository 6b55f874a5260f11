// docs/config.md against the code: it tells of each variable that the executable heeds.
import { expect, test } from "bun:test";
import { flagsOf } from "../../src/cli/flags.ts";
import { VARIABLES } from "../../src/cli/manpage/surroundings.ts";
import { VERBS } from "../../src/cli/verbs.ts";
import { readPage } from "./markdown.ts";
import { quotedIn } from "./option-names.ts";

test("docs/config.md has a row for each variable of the manual, and of flags", async () => {
  const verbs = await Promise.all(Object.values(VERBS).map((load) => load()));
  const ofFlags = verbs.flatMap((verb) => flagsOf(verb).flatMap(([, { variable }]) => variable ?? []));
  const heeded = [...VARIABLES.flatMap(([names]) => names.split(", ")), ...ofFlags];
  const rows = readPage("docs/config.md").match(/^\| `[A-Z].*$/gm)!;
  const told = new Set(rows.flatMap((row) => quotedIn(row.split(" | ")[0]!)));
  expect(ofFlags.length).toBeGreaterThan(2);
  expect(heeded.filter((name) => !told.has(name))).toEqual([]);
});
