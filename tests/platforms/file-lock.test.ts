// Locks between processes, and folders that only their owner may enter.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { files } from "../../src/platforms/files.ts";
import { until } from "../support/deadline.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-lock-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const MODULE = resolve(import.meta.dir, "../../src/platforms/file-lock.ts");

test("a lock is one holder's at a time, and its file is only its owner's", () => {
  const path = join(folder, "lock");
  const release = files.lock(path)!;
  expect(files.lock(path)).toBeUndefined();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  release();
  files.lock(path)!();
});

test("a process that is killed has let go of it, and until then nobody else has it", async () => {
  const path = join(folder, "lock");
  const code = `import { fileLock } from ${JSON.stringify(MODULE)};
    console.log(fileLock(${JSON.stringify(path)}) === undefined ? "busy" : "held");
    setInterval(() => undefined, 1000);`;
  const holder = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stdin: "ignore" });
  try {
    const { value } = await holder.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("held\n");
    expect(files.lock(path)).toBeUndefined();
  } finally {
    holder.kill("SIGKILL");
    await holder.exited;
  }
  const release = await until(() => files.lock(path), "the lock");
  release();
});

test("a lock whose file cannot be made throws", () => {
  expect(() => files.lock(join(folder, "no", "lock"))).toThrow("ENOENT");
});

test("folders are made with those above them, once, and only their owner may enter", async () => {
  const path = join(folder, "a", "b");
  await files.folder(path);
  await files.folder(path);
  for (const made of [path, join(folder, "a")]) expect(statSync(made).mode & 0o777).toBe(0o700);
});
