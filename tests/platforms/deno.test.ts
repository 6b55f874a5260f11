// The Socket contract on Deno: one run of the list in that runtime, one test a promise here.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { certificates } from "../support/certificates.ts";
import { missing } from "../support/requirements.ts";
import { SOCKET_PROMISES } from "./socket-contract.ts";

const ROOT = resolve(import.meta.dir, "../..");
const lack = missing("openssl");

describe("a socket on Deno", () => {
  const results = new Map<string, string>();
  const folder = mkdtempSync(join(tmpdir(), "sluice-deno-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeAll(async () => {
    const pems = join(folder, "pems.json");
    writeFileSync(pems, JSON.stringify(lack === undefined ? certificates() : null));
    const child = Bun.spawn(
      [join(ROOT, "node_modules/.bin/deno"), "run", "-A", "--no-check", "tests/platforms/deno-contract.ts", pems],
      { cwd: ROOT, stdin: "ignore", stdout: "pipe", stderr: "inherit" },
    );
    const lines = (await new Response(child.stdout).text()).split("\n");
    await child.exited;
    for (const line of lines) {
      if (!line.startsWith("{")) continue;
      const { name, failure } = JSON.parse(line) as { name: string; failure: string };
      results.set(name, failure);
    }
  }, 120_000);

  for (const { name, needsTls, except } of SOCKET_PROMISES) {
    const reason = except.deno ?? (needsTls ? lack : undefined);
    if (reason !== undefined) test.skip(`${name} (skipped on Deno: ${reason})`, () => undefined);
    else test(name, () => expect(results.get(name) ?? "it did not run").toBe(""));
  }
});
