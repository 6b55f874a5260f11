// promtool, asked about a file: what it says, and whether it is content.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { within } from "../support/deadline.ts";
import { pathOfTool } from "../support/requirements.ts";

/** Runs it in a folder that has this file. */
export async function askPromtool(words: readonly string[], file: string, text: string): Promise<[number, string]> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-promtool-"));
  try {
    writeFileSync(join(folder, file), text);
    const child = Bun.spawn([pathOfTool("promtool"), ...words, file], { cwd: folder, stdout: "pipe", stderr: "pipe" });
    const said = (await new Response(child.stdout).text()) + (await new Response(child.stderr).text());
    return [await within(child.exited, "promtool"), said];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
