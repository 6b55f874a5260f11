// Files that are put in the place of others: all of it or none, for their owner alone.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { files } from "../../src/platforms/files.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-files-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bytes = new Uint8Array([0, 1, 254, 255]);

describe("replace", () => {
  test("makes a file that only its owner may read, and load gives its bytes", async () => {
    const path = join(folder, "new");
    expect(files.load(path)).toBeUndefined();
    await files.replace(path, bytes);
    expect([...files.load(path)!]).toEqual([...bytes]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test("takes the place of another, whatever that allowed and whatever was left on the way", async () => {
    const path = join(folder, "old");
    writeFileSync(path, "old", { mode: 0o644 });
    writeFileSync(join(folder, "elsewhere"), "untouched");
    symlinkSync(join(folder, "elsewhere"), `${path}.new`);
    await files.replace(path, bytes);
    expect([...files.load(path)!]).toEqual([...bytes]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "elsewhere"), "utf8")).toBe("untouched");
    expect(readdirSync(folder).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  test("that fails leaves all as it was", async () => {
    const path = join(folder, "nowhere", "file");
    await expect(files.replace(path, bytes)).rejects.toThrow("ENOENT");
    const place = mkdtempSync(join(folder, "a-folder-"));
    await expect(files.replace(place, bytes)).rejects.toThrow();
    expect(readdirSync(folder).filter((name) => name.endsWith(".new"))).toEqual([]);
  });
});

test("load throws for what is there and cannot be read", () => {
  expect(() => files.load(folder)).toThrow("EISDIR");
});
