// The unit file: systemd reads it without a word, and finds little to hold against it.
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT } from "../../src/cli/exit.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const UNIT = join(import.meta.dir, "../../contrib/systemd/sluice.service");
const text = readFileSync(UNIT, "utf8");

/** Runs systemd-analyze on the unit, with the executable where some executable is. */
async function analyze(...words: readonly string[]): Promise<{ code: number; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-unit-"));
  const unit = join(folder, "sluice.service");
  writeFileSync(unit, text.replaceAll("/usr/bin/sluice", process.execPath).replace("man:sluice(1)", "man:sh(1)"));
  const child = Bun.spawn([pathOfTool("systemd-analyze"), ...words, unit], { stdout: "pipe", stderr: "pipe" });
  const output = (await Promise.all([child.stdout, child.stderr].map((each) => new Response(each).text()))).join("");
  rmSync(folder, { recursive: true });
  return { code: await child.exited, output };
}

const lack = missing("systemd-analyze");
const ifThere = test.skipIf(lack !== undefined);
const titled = (title: string): string => (lack === undefined ? title : `${title} (skipped: ${lack})`);

ifThere(titled("systemd-analyze verify finds nothing wrong"), async () => {
  expect(await analyze("verify", "--man=no")).toEqual({ code: 0, output: "" });
});

ifThere(titled("systemd-analyze security finds an exposure of less than 2"), async () => {
  const { code, output } = await analyze("security", "--offline=yes", "--no-pager", "--threshold=20");
  expect(output).toContain("Overall exposure level");
  expect(code).toBe(0);
});

test("what fails again is not started again", () => {
  const codes = /^RestartPreventExitStatus=(.*)$/m.exec(text)![1]!.split(" ").map(Number);
  expect(codes).toEqual([EXIT.usage, EXIT.noInput, EXIT.permission, EXIT.config]);
});
