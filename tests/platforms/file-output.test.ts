// Lines into a file: begun anew by size where that can be, opened anew until that succeeds; tries push no older file out.
import { afterEach, expect, test } from "bun:test";
import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { FileOutput } from "../../src/platforms/file-output.ts";

const folders: string[] = [];
const outputs: FileOutput[] = [];
afterEach(() => {
  for (const output of outputs.splice(0)) output.close();
  for (const folder of folders.splice(0)) fs.rmSync(folder, { recursive: true });
});

const open = promisify(fs.open);
const unexpected = (text: string): never => expect.unreachable(text);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An output whose clock stands unless it is moved, and which can be kept from opening its file. */
function begin(keep: number, notice: (text: string) => void = unexpected, size = 10) {
  const folder = fs.mkdtempSync(join(tmpdir(), "sluice-file-"));
  folders.push(folder);
  const file = join(folder, "log");
  const lent = {
    time: 0,
    /** How many times it fails, and with what. */
    failures: 0,
    code: "ENOSPC",
    now: () => lent.time,
    open: async (path: string, flags: number, mode: number) => {
      if (lent.failures > 0) {
        lent.failures--;
        throw Object.assign(new Error(`${lent.code}: not now`), { code: lent.code });
      }
      return open(path, flags, mode);
    },
  };
  const output = new FileOutput({ name: file, kind: "file", path: file, rotate: { size, keep } }, notice, lent);
  outputs.push(output);
  const texts = (): Record<string, string> =>
    Object.fromEntries(
      fs
        .readdirSync(folder, { withFileTypes: true })
        .filter((each) => each.isFile())
        .map(({ name }) => [name, fs.readFileSync(join(folder, name), "utf8")]),
    );
  return { file, output, lent, texts };
}

test("a file that cannot be moved away is told once and written on; after a minute it is tried again", async () => {
  const notices: string[] = [];
  const { file, output, lent, texts } = begin(1, (text) => notices.push(text));
  fs.mkdirSync(`${file}.1`);
  for (const line of ["first 1\n", "second\n", "third 1\n"]) expect(await output.write(bytes(line))).toBe(0);
  expect(texts()).toEqual({ log: "first 1\nsecond\nthird 1\n" });
  expect(notices).toEqual([
    expect.stringMatching(/log cannot be begun anew \(.+\): it grows; tried again once a minute$/),
  ]);

  fs.rmdirSync(`${file}.1`);
  lent.time += 59_999;
  await output.write(bytes("fourth\n"));
  expect(texts()).toEqual({ log: "first 1\nsecond\nthird 1\nfourth\n" });
  lent.time += 1;
  await output.write(bytes("fifth\n"));
  expect(texts()).toEqual({ "log.1": "first 1\nsecond\nthird 1\nfourth\n", log: "fifth\n" });
  expect(notices.slice(1)).toEqual([`${file} is begun anew again`]);
});

test("a file that cannot be moved away is tried again at once when it is to be opened anew", async () => {
  const { file, output, texts } = begin(1, () => undefined);
  fs.mkdirSync(`${file}.1`);
  await output.write(bytes("first 1\n"));
  await output.write(bytes("second\n"));
  fs.rmdirSync(`${file}.1`);
  output.reopen();
  await output.write(bytes("third\n"));
  expect(texts()).toEqual({ "log.1": "first 1\nsecond\n", log: "third\n" });
});

test("however often the file cannot be moved away, the older ones stay", async () => {
  const { file, output, lent, texts } = begin(4, () => undefined);
  fs.mkdirSync(`${file}.4`);
  for (const number of [1, 2, 3]) fs.writeFileSync(`${file}.${number}`, `older ${number}`);
  await output.write(bytes("first 1\n"));
  for (let i = 0; i < 5; i++, lent.time += 60_000) await output.write(bytes("more\n"));
  expect(texts()).toEqual({
    log: `first 1\n${"more\n".repeat(5)}`,
    "log.1": "older 1",
    "log.2": "older 2",
    "log.3": "older 3",
  });
});

test("older files make room up to the first free number", async () => {
  const { file, output, texts } = begin(4);
  for (const number of [1, 2, 4]) fs.writeFileSync(`${file}.${number}`, `older ${number}`);
  await output.write(bytes("first 1\n"));
  await output.write(bytes("second\n"));
  expect(texts()).toEqual({
    log: "second\n",
    "log.1": "first 1\n",
    "log.2": "older 1",
    "log.3": "older 2",
    "log.4": "older 4",
  });
});

test.each(["ENOSPC", "EDQUOT", "EMFILE"])(
  "a new file that cannot be opened for %s is waited for; no older one goes",
  async (code) => {
    const notices: string[] = [];
    const { file, output, lent, texts } = begin(2, (text) => notices.push(text));
    for (const number of [1, 2]) fs.writeFileSync(`${file}.${number}`, `older ${number}`);
    await output.write(bytes("first 1\n"));
    Object.assign(lent, { failures: 2, code });
    expect(await output.write(bytes("second\n"))).toBe(0);
    expect(texts()).toEqual({ log: "second\n", "log.1": "first 1\n", "log.2": "older 1" });
    expect(notices).toEqual([
      `${file} cannot be written (${code}: not now): lines of the access log wait`,
      `${file} is written again`,
    ]);
  },
);

test("a file that has been moved away is opened anew, also when there is no space for that at first", async () => {
  const { file, output, lent, texts } = begin(2, () => undefined, 1000);
  await output.write(bytes("first\n"));
  fs.renameSync(file, `${file}.moved`);
  lent.failures = 1;
  output.reopen();
  await output.write(bytes("second\n"));
  expect(texts()).toEqual({ "log.moved": "first\n", log: "second\n" });
});

test("a file that is moved away while it is being opened is opened once more", async () => {
  const { file, output, lent, texts } = begin(2, unexpected, 1000);
  const { open } = lent;
  lent.open = async (...how) => {
    lent.open = open;
    const fd = await open(...how);
    fs.renameSync(file, `${file}.moved`);
    output.reopen();
    return fd;
  };
  await output.write(bytes("first\n"));
  await output.write(bytes("second\n"));
  expect(texts()).toEqual({ "log.moved": "first\n", log: "second\n" });
});

test("a file that is closed while it is being opened is written to no more, and nothing is left open", async () => {
  const { output, lent, texts } = begin(2);
  const { open } = lent;
  let opened = -1;
  lent.open = async (...how) => {
    opened = await open(...how);
    output.close();
    return opened;
  };
  expect(await output.write(bytes("first\nsecond\n"))).toBe(2);
  expect(texts()).toEqual({ log: "" });
  expect(() => fs.fstatSync(opened)).toThrow("EBADF");
});
