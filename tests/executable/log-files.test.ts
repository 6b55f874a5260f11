// The access log in files: rotated by size and by others, with several workers, and files that cannot be written.
import { afterEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LogOptions } from "../../src/config/log/options.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { connect } from "../support/raw-client.ts";

const started: Gateway[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const gateway of started.splice(0)) if (gateway.alive) gateway.signal("SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-logs-"));
  folders.push(folder);
  return folder;
}

async function start(log: LogOptions, workers = 1, admin = false): Promise<Gateway> {
  const gateway = await startGateway({
    workers,
    routes: { all: { match: "/*", answer: { body: "here" } } },
    log,
    ...(admin && { admin: { port: 0 } }),
  });
  started.push(gateway);
  return gateway;
}

/** Sends requests over four connections, twenty at a time on each; gives their paths. */
async function drive({ port }: Gateway, name: string, count: number, query = ""): Promise<string[]> {
  const paths = Array.from({ length: count }, (_, i) => `/${name}/${i}`);
  const shares = [0, 1, 2, 3].map((share) => paths.filter((_, i) => i % 4 === share));
  await Promise.all(
    shares.map(async (share) => {
      using client = await connect(port);
      for (let at = 0; at < share.length; at += 20) {
        const some = share.slice(at, at + 20);
        await client.send(some.map((path) => get(path + query)).join(""));
        for (let i = 0; i < some.length; i++) expect((await client.receive()).status).toBe(200);
      }
    }),
  );
  return paths;
}

/** The paths in all files of a folder, sorted. Every line is whole. */
function pathsIn(folder: string): string[] {
  return readdirSync(folder)
    .flatMap((file) => {
      const text = readFileSync(join(folder, file), "utf8");
      expect(text === "" || text.endsWith("\n")).toBe(true);
      return text.split("\n").slice(0, -1);
    })
    .map((line) => String((JSON.parse(line) as Record<string, unknown>)["url.path"]))
    .sort();
}

test.each([1, 2])(
  "begun anew by size under load, with %d workers: no line is lost, doubled or cut",
  async (workers) => {
    const folder = newFolder();
    const file = join(folder, "access.log");
    const gateway = await start({ to: { file, rotate: { size: "64KiB", keep: 99 } } }, workers);
    const paths = await drive(gateway, "load", 2000);
    await gateway.stop();
    expect(pathsIn(folder)).toEqual(paths.sort());
    expect(readdirSync(folder).length).toBeGreaterThan(5);
    for (const each of readdirSync(folder)) expect(statSync(join(folder, each)).size).toBeLessThan(2 * 65_536);
    expect(statSync(file).mode & 0o777).toBe(0o640);
  },
);

test("no more older files are kept than the config says", async () => {
  const folder = newFolder();
  const gateway = await start({ to: { file: join(folder, "access.log"), rotate: { size: "64KiB", keep: 2 } } });
  await drive(gateway, "load", 1000);
  await gateway.stop();
  expect(readdirSync(folder).sort()).toEqual(["access.log", "access.log.1", "access.log.2"]);
});

test.each([1, 2])(
  "moved away under load and SIGUSR2, with %d workers: all lines are in one file or the other",
  async (workers) => {
    const folder = newFolder();
    const file = join(folder, "access.log");
    const gateway = await start({ to: { file } }, workers);
    const paths = await drive(gateway, "before", 200);
    await until(() => statSync(file, { throwIfNoEntry: false })?.size ?? 0, "the first lines");
    const driven = drive(gateway, "during", 1000);
    renameSync(file, `${file}.moved`);
    gateway.signal("SIGUSR2");
    await until(() => readdirSync(folder).length === 2, "the new file");
    paths.push(...(await driven), ...(await drive(gateway, "after", 200)));
    await gateway.stop();
    expect(pathsIn(folder)).toEqual(paths.sort());
    expect(readFileSync(file, "utf8")).toContain("/after/199");
    expect(gateway.stderr.text).toContain("SIGUSR2: the files of the access log are opened anew");
  },
);

test("a disk that is full is told once, and costs nobody an answer", async () => {
  const gateway = await start({ to: ["stdout", { file: "/dev/full" }] });
  await drive(gateway, "full", 400);
  await until(() => gateway.stderr.text.includes("/dev/full cannot be written (ENOSPC"), "the notice");
  await drive(gateway, "still", 400);
  await gateway.stop();
  expect(gateway.lines).toHaveLength(800);
  expect(gateway.stderr.text.split("cannot be written")).toHaveLength(2);
});

test("a folder that is not there is told; once it is, lines that waited are written", async () => {
  const folder = join(newFolder(), "later");
  const gateway = await start({ to: { file: join(folder, "access.log") } });
  const paths = await drive(gateway, "early", 100);
  await until(() => gateway.stderr.text.includes("cannot be written (ENOENT"), "the notice");
  mkdirSync(folder);
  await until(() => gateway.stderr.text.includes("access.log is written again"), "the notice of its end");
  paths.push(...(await drive(gateway, "late", 100)));
  await gateway.stop();
  expect(pathsIn(folder)).toEqual(paths.sort());
});

test("a folder that vanishes takes lines with it, and nothing else", async () => {
  const folder = newFolder();
  const gateway = await start({ to: { file: join(folder, "access.log"), rotate: { size: "64KiB" } } });
  await drive(gateway, "there", 50);
  rmSync(folder, { recursive: true });
  await drive(gateway, "gone", 1000);
  await until(() => gateway.stderr.text.includes("cannot be written (ENOENT"), "the notice");
  await drive(gateway, "still", 50);
  await gateway.stop();
});

test("a pipe that nobody reads costs lines beyond a bound, which are counted, and no answers", async () => {
  const pipe = join(newFolder(), "pipe");
  spawnSync("mkfifo", [pipe]);
  const gateway = await start({ to: { file: pipe } }, 1, true);
  // More than 4 MiB of lines.
  const query = `?q=${"a".repeat(1500)}`;
  const before = gateway.residentBytes;
  await drive(gateway, "unread", 3200, query);
  expect(gateway.stderr.text).toContain(`${pipe} takes nothing`);
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.adminPort}/metrics`)).text();
  const dropped = /^sluice_log_lines_dropped_total\{sink="[^"]*pipe"\} (\d+)$/m.exec(metrics);
  expect(Number(dropped?.[1])).toBeGreaterThan(100);
  expect(gateway.residentBytes - before).toBeLessThan(150 * 1024 * 1024);
  await gateway.stop();
});
