// The README against the truth: its config is the example's, its commands print what it shows.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { until } from "../support/deadline.ts";
import { EXECUTABLE } from "../support/executable.ts";
import { missing } from "../support/requirements.ts";
import { codeBlocks, type Command, commandsOf, pattern, standsIn } from "./markdown.ts";
import { ROOT } from "./source.ts";

const blocks = codeBlocks("README.md");
const consoles = blocks.filter(({ language }) => language === "console").map(commandsOf);
const commands = consoles.flat();

test("the README begins with a whole config, examples/first.config.ts", () => {
  const [first] = blocks.filter(({ language }) => language === "ts");
  expect(`${first!.text}\n`).toBe(readFileSync(join(ROOT, "examples/first.config.ts"), "utf8"));
});

test("every other piece of config in the README stands in gateway.config.ts, line for line", () => {
  const config = readFileSync(join(ROOT, "gateway.config.ts"), "utf8").split("\n");
  const pieces = blocks.filter(({ language }) => language === "ts").slice(1);
  expect(pieces.length).toBeGreaterThan(0);
  for (const { text, line } of pieces) {
    const lines = text.split("\n");
    expect(standsIn(config, lines), `the block in line ${line} of README.md`).toBe(true);
  }
});

/** Runs a command of the README in `folder` and gives what it printed on stdout. */
async function print(command: string, folder: string): Promise<string> {
  const child = Bun.spawn(["sh", "-c", command], { cwd: folder, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [output] = await Promise.all([new Response(child.stdout).text(), child.exited]);
  return output.replaceAll("\r\n", "\n").trim();
}

function titled(list: readonly Command[]): [string, Command][] {
  return list.map((each) => [`line ${each.line}: ${each.command.split("\n")[0]!}`, each]);
}

/** Ports that `npm start` takes. */
const PORTS = [8080, 9001, 9002, 9003];

/** Why the example cannot run here, or undefined. */
async function obstacle(): Promise<string | undefined> {
  const lack = missing("curl");
  if (lack !== undefined) return lack;
  for (const port of PORTS) if (!(await isFree(port))) return `port ${port} is in use`;
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

const hindered = await obstacle();
const curls = commands.filter(({ command }) => /^(?:[A-Z]\w*=\S+ )?curl /.test(command));

describe.skipIf(hindered !== undefined)(`npm start (${hindered ?? "all ports free"})`, () => {
  let started: Subprocess<"ignore", "pipe", "pipe"> | undefined;
  let printed = "";

  beforeAll(async () => {
    started = Bun.spawn(["npm", "start"], {
      cwd: ROOT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    void collect(started.stdout, (text) => (printed += text));
    await until(async () => !(await isFree(8080)), "the gateway on port 8080", 20_000);
  });
  afterAll(async () => {
    if (started === undefined) return;
    // npm starts a shell that starts bun: all of them are one process group.
    process.kill(-started.pid, "SIGTERM");
    await started.exited;
    await until(() => isFree(8080), "port 8080 to be free again", 20_000);
  });

  test("the README shows curl lines", () => {
    expect(curls.length).toBeGreaterThan(3);
  });

  test.each(titled(curls))("%s", async (_, { command, output }) => {
    expect(await print(command, ROOT)).toMatch(pattern(output));
  });

  test("the line of log that the README shows has the members of a real one, in their order", async () => {
    const shown = blocks.find(({ language }) => language === "json")!.text;
    const path = (JSON.parse(shown) as Record<string, unknown>)["url.path"];
    const isOfIt = (each: string): boolean => each.includes(`"url.path":"${String(path)}"`);
    const line = await until(() => printed.split("\n").slice(0, -1).find(isOfIt), "a line of log");
    expect(Object.keys(JSON.parse(shown) as object)).toEqual(Object.keys(JSON.parse(line) as object));
  });
});

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

/** Blocks that use the executable are run as a whole, in order. */
const own = consoles.filter((block) => block.some(({ command }) => command.startsWith("./sluice "))).flat();

describe("the executable alone in an empty folder", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-readme-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  test("the README shows what it prints", () => {
    expect(own.length).toBeGreaterThan(1);
    copyFileSync(EXECUTABLE, join(folder, "sluice"));
  });

  test.each(titled(own))("%s", async (_, { command, output }) => {
    expect(await print(`${command} 2>&1`, folder)).toMatch(pattern(output));
  });
});

test("every command of a console block was run", () => {
  const rest = commands.filter((each) => !curls.includes(each) && !own.includes(each));
  expect(rest.map(({ command }) => command)).toEqual([]);
});
