// Two builds of the same sources are the same file, byte for byte.
import { afterAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { commit, compile, prepare } from "../../scripts/compile.ts";
import { ROOT } from "../rules/source.ts";

const workshop = join(ROOT, "dist/reproducible-test");
afterAll(() => rmSync(workshop, { recursive: true, force: true }));

test("two builds agree", async () => {
  const sums: string[] = [];
  for (let i = 0; i < 2; i++) {
    rmSync(workshop, { recursive: true, force: true });
    await prepare(workshop, await commit());
    const outfile = join(workshop, "sluice");
    await compile(workshop, outfile);
    sums.push(createHash("sha256").update(readFileSync(outfile)).digest("hex"));
  }
  expect(sums[1]).toBe(sums[0]!);
}, 120_000);
