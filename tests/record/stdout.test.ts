// Lines to standard output, against real sockets, pipes and files, read or not.
import { afterAll, describe, expect, test } from "bun:test";
import { dlopen } from "bun:ffi";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const CHILD = path.join(import.meta.dir, "lines-child.ts");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "sluice-lines-"));
const children: Bun.Subprocess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  fs.rmSync(folder, { recursive: true });
});

interface Told {
  readonly flushed: boolean;
  readonly slowest: number;
  readonly dropped: number;
  /** Lines of a piece that was handed over when the reader was gone. */
  readonly late?: number;
  readonly notices: string[];
}

type Kind = "socket" | "pipe" | "file";

interface Run {
  /** Reads what came out, to its end. */
  lines(): Promise<string[]>;
  /** Closes the reader's end. */
  drop(): void;
  /** What the child said of itself at its end. */
  told(): Promise<Told>;
  /** Waits until the child has handed over all its lines. */
  written(): Promise<void>;
  endInput(): void;
}

let runs = 0;

/** Runs the child with a standard output of this kind. Nothing is read before `lines` is called. */
function run(kind: Kind, ...args: string[]): Run {
  return runWith([process.execPath], kind, ...args);
}

function runWith(command: readonly string[], kind: Kind, ...args: string[]): Run {
  const name = path.join(folder, String(++runs));
  let reading: number | undefined;
  let stdout: number;
  if (kind === "file") {
    stdout = fs.openSync(name, "w");
  } else if (kind === "pipe") {
    spawnSync("mkfifo", [name]);
    reading = fs.openSync(name, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    stdout = fs.openSync(name, "w");
  } else {
    [reading, stdout] = socketPair();
  }
  const child = Bun.spawn([...command, CHILD, ...args], { stdin: "pipe", stdout, stderr: "pipe" });
  children.push(child);
  fs.closeSync(stdout);

  let errors = "";
  const errorsRead = (async () => {
    const decoder = new TextDecoder();
    for await (const piece of child.stderr) errors += decoder.decode(piece);
  })();
  return {
    async lines() {
      if (reading === undefined) await child.exited;
      const text = reading === undefined ? fs.readFileSync(name, "utf8") : await allOf(reading);
      expect(text.endsWith("\n")).toBe(true);
      return text.split("\n").slice(0, -1);
    },
    drop() {
      if (reading !== undefined) fs.closeSync(reading);
    },
    async told() {
      await child.exited;
      await errorsRead;
      return JSON.parse(errors.trim().split("\n").at(-1)!) as Told;
    },
    async written() {
      while (!errors.includes("written") && child.exitCode === null) await Bun.sleep(1);
    },
    endInput: () => void child.stdin.end(),
  };
}

/** Two Unix sockets that are joined: what a parent in Node and systemd's journal give as standard output. */
function socketPair(): [number, number] {
  const ends = new Int32Array(2);
  const unixStream = { domain: 1, type: 1 };
  libc.socketpair(unixStream.domain, unixStream.type, 0, ends);
  return [ends[0]!, ends[1]!];
}

const libc = dlopen(process.platform === "darwin" ? "/usr/lib/libSystem.B.dylib" : "libc.so.6", {
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
}).symbols;

async function allOf(fd: number): Promise<string> {
  const read = promisify(fs.read);
  const pieces: Buffer[] = [];
  for (;;) {
    try {
      const { bytesRead, buffer } = await read(fd, Buffer.alloc(65536), 0, 65536, null);
      if (bytesRead === 0) break;
      pieces.push(buffer.subarray(0, bytesRead));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      await Bun.sleep(1);
    }
  }
  fs.closeSync(fd);
  return Buffer.concat(pieces).toString();
}

function numbers(lines: readonly string[]): number[] {
  return lines.map((line) => Number.parseInt(line, 10));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.each<Kind>(["socket", "pipe", "file"])("a %s as standard output", (kind) => {
  test("gets every line, whole and in order, when flush comes right before the exit", async () => {
    const child = run(kind, "flush", "8000");
    const lines = await child.lines();
    expect(numbers(lines)).toEqual(upTo(8000));
    expect(lines[6]).toBe("6 éééééé".padEnd(100, "x"));
    expect(await child.told()).toMatchObject({ flushed: true, dropped: 0, notices: [] });
  });

  test("gets what was written without waiting for the exit", async () => {
    const child = run(kind, "wait", "50");
    await child.written();
    if (kind === "file") {
      const name = path.join(folder, String(runs));
      while (fs.statSync(name).size === 0) await Bun.sleep(1);
    }
    child.endInput();
    const lines = await child.lines();
    expect(lines).toHaveLength(51);
    expect(lines.at(-1)).toBe("last");
    expect(await child.told()).toMatchObject({ flushed: true });
  });
});

describe.each<Kind>(["socket", "pipe"])("a %s that nobody reads", (kind) => {
  test("loses nothing up to the bound and never stalls the writer", async () => {
    const child = run(kind, "bursts", "9000");
    await child.written();
    const lines = await child.lines();
    expect(numbers(lines)).toEqual(upTo(9000));
    const told = await child.told();
    expect(told).toMatchObject({ flushed: true, dropped: 0 });
    expect(told.slowest).toBeLessThan(500);
  });

  test("loses lines beyond the bound, counts them, and says so once", async () => {
    const child = run(kind, "wait", "40000");
    await child.written();
    child.endInput();
    const lines = await child.lines();
    const told = await child.told();
    expect(told.dropped).toBeGreaterThan(0);
    expect(lines.length + told.dropped).toBeGreaterThanOrEqual(40000);
    const kept = numbers(lines.filter((line) => line !== "last"));
    expect(kept).toEqual([...kept].sort((a, b) => a - b));
    expect(told.notices.filter((text) => text.includes("takes nothing"))).toHaveLength(1);
    expect(told.slowest).toBeLessThan(500);
  });

  test("does not keep flush from returning", async () => {
    const child = run(kind, "flush", "9000");
    const told = await child.told();
    expect(told.flushed).toBe(false);
    child.drop();
  });
});

test("on Deno, where part of a write is not told, a pipe gets every line once", async () => {
  const deno = path.join(import.meta.dir, "../../node_modules/.bin/deno");
  const child = runWith([deno, "run", "--no-check", "--allow-all"], "pipe", "bursts", "9000");
  await child.written();
  expect(numbers(await child.lines())).toEqual(upTo(9000));
});

test("a reader that goes away ends the log, not the process", () => {
  const script = `"${process.execPath}" "${CHILD}" until-gone | head -n 1 >/dev/null`;
  const ended = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  const told = JSON.parse(ended.stderr.trim().split("\n").at(-1)!) as Told;
  expect(told.dropped).toBeGreaterThan(0);
  expect(told.notices.filter((text) => text.includes("standard output is gone"))).toHaveLength(1);
});

test("lines that others have put together are counted, too, when the reader is gone", () => {
  const script = `"${process.execPath}" "${CHILD}" batches-until-gone | head -n 1 >/dev/null`;
  const ended = spawnSync("sh", ["-c", script], { encoding: "utf8" });
  const told = JSON.parse(ended.stderr.trim().split("\n").at(-1)!) as Told;
  expect(told.late).toBe(2);
});
