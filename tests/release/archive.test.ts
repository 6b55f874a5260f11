// Archives of a release: other programs read what was written, and it is the same whenever it is written.
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { ar, type Entry, gzip, tar, withFolders, zip } from "../../scripts/release/archive.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-archive-"));
  folders.push(folder);
  return folder;
}

/** 2026-01-02T03:04:06Z, a time that MS-DOS can tell. */
const SECONDS = 1_767_323_046;

const ENTRIES: readonly Entry[] = withFolders([
  { path: "top/bin/run", mode: 0o755, content: new TextEncoder().encode("#!/bin/sh\n") },
  { path: "top/empty", mode: 0o644, content: new Uint8Array() },
  { path: "top/a.txt", mode: 0o640, content: new TextEncoder().encode("a".repeat(1000)) },
  { path: "top/block", mode: 0o644, content: new Uint8Array(512).fill(7) },
]);

/** The files below a folder with their modes, times and contents. */
function treeOf(folder: string): Record<string, { mode: string; seconds: number; content: string }> {
  const paths = (readdirSync(folder, { recursive: true }) as string[]).toSorted();
  return Object.fromEntries(
    paths.map((path) => {
      const stat = statSync(join(folder, path));
      const content = stat.isDirectory() ? "" : readFileSync(join(folder, path), "latin1");
      return [path, { mode: (stat.mode & 0o777).toString(8), seconds: stat.mtimeMs / 1000, content }];
    }),
  );
}

const WRITTEN = Object.fromEntries(
  ENTRIES.map(({ path, mode, content }) => [
    path,
    {
      mode: mode.toString(8),
      seconds: SECONDS,
      content: content === undefined ? "" : Buffer.from(content).toString("latin1"),
    },
  ]),
);

function unpack(command: readonly string[], cwd: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    cwd,
    stdin: "ignore",
    stderr: "pipe",
    env: { ...process.env, TZ: "UTC" },
  });
  expect(stderr.toString()).toBe("");
  expect(exitCode).toBe(0);
  return stdout.toString();
}

test("every folder stands before what is in it, once", () => {
  expect(ENTRIES.map(({ path }) => path)).toEqual([
    ...["top", "top/a.txt", "top/bin", "top/bin/run", "top/block", "top/empty"],
  ]);
});

test("tar reads a tar.gz as it was written: contents, modes, times, root's", () => {
  const folder = newFolder();
  writeFileSync(join(folder, "x.tar.gz"), gzip(tar(ENTRIES, SECONDS)));
  const out = newFolder();
  unpack(["/bin/tar", "--same-permissions", "-xzf", join(folder, "x.tar.gz")], out);
  expect(treeOf(out)).toEqual(WRITTEN);
  const listing = unpack(["/bin/tar", "-tvzf", join(folder, "x.tar.gz")], folder);
  expect(
    listing
      .trim()
      .split("\n")
      .every((line) => / root\/root /.test(line)),
  ).toBe(true);
});

const noUnzip = missing("unzip");
test.skipIf(noUnzip !== undefined)(`unzip reads a zip as it was written (${noUnzip ?? "unzip"})`, () => {
  const folder = newFolder();
  writeFileSync(join(folder, "x.zip"), zip(ENTRIES, SECONDS));
  const out = newFolder();
  unpack([pathOfTool("unzip"), "-q", join(folder, "x.zip")], out);
  expect(treeOf(out)).toEqual(WRITTEN);
  expect(unpack([pathOfTool("unzip"), "-tq", join(folder, "x.zip")], out)).toStartWith("No errors");
});

test("tar reads whatever files there are", () => {
  const name = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,12}$/);
  const files = fc.uniqueArray(fc.record({ name, content: fc.uint8Array({ maxLength: 1500 }) }), {
    minLength: 1,
    maxLength: 6,
    selector: (file) => file.name,
  });
  return fc.assert(
    fc.asyncProperty(files, async (all) => {
      const entries = all.map((file) => ({ path: file.name, mode: 0o644, content: file.content }));
      const archive = tar(entries, SECONDS);
      expect(archive.length % 512).toBe(0);
      // Bun's own reader: by libarchive, which shares no code with the writer.
      const read = await new Bun.Archive(archive).files();
      for (const { name, content } of all) expect(await read.get(name)?.bytes()).toEqual(content);
      expect(read.size).toBe(all.length);
    }),
    { numRuns: 30 },
  );
});

describe("what is written is the same", () => {
  test.each([
    ["tar", () => tar(ENTRIES, SECONDS)],
    ["gzip", () => gzip(tar(ENTRIES, SECONDS))],
    ["zip", () => zip(ENTRIES, SECONDS)],
    ["ar", () => ar([["a", new Uint8Array(3)]], SECONDS)],
  ])("%s", async (_, write) => {
    const first = Buffer.from(write());
    await Bun.sleep(0);
    expect(Buffer.from(write()).equals(first)).toBe(true);
  });

  test("a gzip names no time and no system", () => {
    const packed = gzip(new Uint8Array(10));
    expect([...packed.subarray(4, 8), packed[9]]).toEqual([0, 0, 0, 0, 255]);
    expect(gunzipSync(packed).length).toBe(10);
  });
});

test("a name that a tar archive cannot hold is refused", () => {
  expect(() => tar([{ path: "x".repeat(101), mode: 0o644, content: new Uint8Array() }], 0)).toThrow("too long");
});

test("files of an ar archive begin at even places", () => {
  const archive = Buffer.from(
    ar(
      [
        ["odd", Buffer.from("abc")],
        ["next", Buffer.from("d")],
      ],
      SECONDS,
    ),
  ).toString("latin1");
  expect(archive).toBe(
    `!<arch>\nodd             1767323046  0     0     100644  3         \`\nabc\nnext            1767323046  0     0     100644  1         \`\nd\n`,
  );
});
