// A temporary folder and the processes that run in it: all are gone when the script ends, however it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/** How to start a process. */
export interface StartOptions {
  /** Variables beside the script's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** File that takes stdout; default: the file that takes stderr too. */
  readonly stdout?: string;
  /** `pipe` hands stdout to the script instead of a file. */
  readonly pipe?: boolean;
}

/** A process of the workshop. */
export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** File with what it said. */
  readonly said: string;
  /** Settles when it has ended: its exit code, or 128 + the signal's number. */
  readonly ended: Promise<number>;
}

/** Keeps files and processes together and takes them away again, also on SIGINT, SIGTERM and SIGHUP. */
export class Workshop {
  readonly folder: string;
  readonly #running = new Map<number, Running>();
  #started = 0;
  readonly #signals = new Map<NodeJS.Signals, () => void>();
  readonly #atExit = (): void => this.close();

  constructor(prefix: string) {
    this.folder = mkdtempSync(join(tmpdir(), `${prefix}-`));
    process.on("exit", this.#atExit);
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      const leave = (): void => {
        this.close();
        process.exit(128 + constants.signals[signal]);
      };
      this.#signals.set(signal, leave);
      process.on(signal, leave);
    }
  }

  /** The path of a name in the folder. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file into the folder and returns its path. */
  write(name: string, text: string): string {
    const path = this.path(name);
    writeFileSync(path, text);
    return path;
  }

  /** Starts a process in a process group of its own, so that a Ctrl-C of the terminal ends it through the workshop only. */
  start(name: string, command: readonly string[], options: StartOptions = {}): Running {
    const [program, ...rest] = command;
    if (program === undefined) throw new Error(`${name}: no command`);
    // One name may start several, one after another.
    const said = this.path(`${name}.${++this.#started}.said`);
    const stderr = openSync(said, "a");
    const stdout = options.stdout === undefined ? stderr : openSync(options.stdout, "a");
    const child = spawn(program, rest, {
      cwd: this.folder,
      detached: true,
      env: { ...process.env, ...options.env },
      stdio: ["ignore", options.pipe === true ? "pipe" : stdout, stderr],
    });
    closeSync(stderr);
    if (stdout !== stderr) closeSync(stdout);
    if (child.pid === undefined) throw new Error(`${name}: cannot start ${program}`);
    const pid = child.pid;
    const ended = new Promise<number>((resolve) => {
      child.once("exit", (code, signal) => {
        this.#running.delete(pid);
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
    const running: Running = { name, pid, child, said, ended };
    this.#running.set(pid, running);
    return running;
  }

  /** Ends one process and its children: politely first, and by force after so many milliseconds. Returns the exit code. */
  async stop(running: Running, graceMs = 3000): Promise<number> {
    signalGroup(running.pid, "SIGTERM");
    const force = setTimeout(() => signalGroup(running.pid, "SIGKILL"), graceMs);
    const code = await running.ended;
    clearTimeout(force);
    signalGroup(running.pid, "SIGKILL");
    return code;
  }

  /** Ends every process at once and removes the folder. Idempotent. */
  close(): void {
    for (const { pid } of this.#running.values()) signalGroup(pid, "SIGKILL");
    this.#running.clear();
    rmSync(this.folder, { recursive: true, force: true });
    process.off("exit", this.#atExit);
    for (const [signal, leave] of this.#signals) process.off(signal, leave);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone already.
  }
}

/** The last lines of what a process said. */
export function lastWords(running: Running, lines = 15): string {
  if (!existsSync(running.said)) return "";
  return readFileSync(running.said, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
}

/** Free TCP ports of 127.0.0.1 outside the range that the system gives to outgoing connections. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Waits until the condition holds; throws with the sentence that `otherwise` gives when it does not in time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs: number,
  otherwise: () => string,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
