// Runs the compiled file to its end, in folders of the tests' own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { until, within } from "../../support/deadline.ts";
import { EXECUTABLE } from "../../support/executable.ts";

/** What became of a run. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run: where, with which environment beside PATH and HOME, and through which other command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the executable's path, such as `setpriv` and its flags. */
  readonly through?: readonly string[];
  /** What it reads on standard input; nothing by default. */
  readonly input?: string;
  /** The executable, when not the built one. */
  readonly file?: string;
}

/** Runs `sluice` with these arguments and waits for its end. */
export async function sluice(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = Bun.spawn([...(options.through ?? []), options.file ?? EXECUTABLE, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: cleanEnvironment(options),
    stdin: options.input === undefined ? "ignore" : new Blob([options.input]),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, stdout, stderr };
}

/** Nothing of the environment that the tests run in but the search path. */
export function cleanEnvironment(options: RunOptions): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: options.cwd ?? tmpdir(), ...options.env };
}

const folders: string[] = [];
const children = new Set<Bun.Subprocess>();

/** For `afterAll` of each test file: removes the folders and ends what a failed test left running. */
export async function cleanUp(): Promise<void> {
  for (const child of children) {
    child.kill("SIGKILL");
    await child.exited;
  }
  children.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A new folder with these files, texts by relative path. `cleanUp` removes it. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-cli-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A config that is right, with a fixed answer at /hello, listening on a port that the system chooses. */
export const RIGHT_CONFIG = `import { defineGateway } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  routes: { hello: { match: "/hello", answer: { body: "hello" } } },
});
`;

/** A gateway that was started with `sluice run` and listens. */
export interface Running {
  readonly pid: number;
  readonly port: number;
  /** Text of stdout and stderr so far. */
  readonly output: { stdout: string; stderr: string };
  signal(name: NodeJS.Signals): void;
  /** Waits for the end; the exit code, or the signal's name. */
  ended(): Promise<number | string>;
}

/** Starts `sluice run` with these further arguments in a folder and waits until it listens. */
export async function startSluice(args: readonly string[], options: RunOptions & { cwd: string }): Promise<Running> {
  const child = Bun.spawn([options.file ?? EXECUTABLE, "run", ...args], {
    cwd: options.cwd,
    env: cleanEnvironment(options),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  children.add(child);
  const output = { stdout: "", stderr: "" };
  const read = Promise.all([
    collect(child.stdout, (text) => (output.stdout += text)),
    collect(child.stderr, (text) => (output.stderr += text)),
  ]);
  const port = await until(
    () => {
      if (child.exitCode !== null) throw new Error(`sluice run ended with ${child.exitCode}: ${output.stderr}`);
      return /listening on http:\/\/.*:(\d+) /.exec(output.stderr)?.[1];
    },
    () => `sluice run to listen; stderr: ${output.stderr}`,
  );
  return {
    pid: child.pid,
    port: Number(port),
    output,
    signal: (name) => child.kill(name),
    async ended() {
      await within(child.exited, "sluice run to end");
      await within(read, "the end of its output");
      children.delete(child);
      return child.exitCode ?? child.signalCode ?? "?";
    },
  };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}
