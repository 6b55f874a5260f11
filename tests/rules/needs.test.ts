// A program that tests start is one that every machine has, or it stands in the table of needs.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesIn, ROOT } from "./source.ts";

/** What every Debian has, and what npm puts beside the sources. */
const ALWAYS_THERE = ["sh", "sleep", "mkfifo", "cp", "nsenter", "unshare", "flock", "git", "node", "npm", "bun"];

test("no test starts a program by its bare name without asking whether it is there", () => {
  const faults: string[] = [];
  for (const path of filesIn("tests", ".ts")) {
    const text = readFileSync(join(ROOT, path), "utf8");
    for (const [, program] of text.matchAll(/\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*\[?\s*"([^"/]+)"/g)) {
      if (!ALWAYS_THERE.includes(program!)) faults.push(`${path}: "${program}": use pathOfTool("${program}")`);
    }
  }
  expect(faults).toEqual([]);
});
