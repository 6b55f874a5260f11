// Runs the gateway as users do: the compiled file, a config in a folder of its own, signals from outside.
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Subprocess } from "bun";
import type { GatewayOptions } from "../../src/config/options.ts";
import { PATIENCE_MS, until, within } from "./deadline.ts";

/** The compiled file under test. */
export const EXECUTABLE = resolve(import.meta.dir, "../../dist/sluice");

/**
 * How the gateway is started. `SLUICE_COMMAND` puts another command in place of the compiled file, such as
 * `bun src/cli/main.ts` while developing.
 */
export function gatewayCommand(): string[] {
  const other = process.env["SLUICE_COMMAND"];
  if (other !== undefined && other !== "") {
    return other.split(" ").map((word) => (word.startsWith("src/") ? resolve(import.meta.dir, "../..", word) : word));
  }
  if (!existsSync(EXECUTABLE)) throw new Error("dist/sluice is not there: run `npm run build` first");
  return [EXECUTABLE];
}

/** A config: options that JSON can carry, or the text of a gateway.config.ts. */
export type Config = GatewayOptions | string;

/** How to start. */
export interface StartOptions {
  /** Environment beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** Files beside the config, texts by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Words behind `run`. */
  readonly args?: readonly string[];
  /** Whether the compiled file is run by `sluice` in the gateway's folder, a link that a test may turn elsewhere. */
  readonly byLink?: boolean;
  /** How long it may take to listen. Default: 10 s. */
  readonly timeoutMs?: number;
}

/** The text of a gateway.config.ts with these options, listening on a port of 127.0.0.1 that the system chooses. */
export function configText(config: Config): string {
  if (typeof config === "string") return config;
  const complete = { ...config, listen: { host: "127.0.0.1", port: 0, ...config.listen } };
  return `import { defineGateway } from "sluice";\n\nexport default defineGateway(${JSON.stringify(complete, null, 2)});\n`;
}

/** Signals that end a gateway. */
const ENDING: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"]);

/** A running gateway. */
export class Gateway {
  readonly port: number;
  readonly pid: number;
  /** Complete lines of stdout so far. */
  readonly lines: string[];
  /** Text of stderr so far. */
  readonly stderr: { text: string };
  /** The folder it runs in. */
  readonly folder: string;
  #signalled = false;
  readonly #process: Subprocess;
  readonly #read: Promise<unknown>;

  /** Use startGateway. */
  constructor(
    child: Subprocess,
    port: number,
    folder: string,
    lines: string[],
    stderr: { text: string },
    read: Promise<unknown>,
  ) {
    this.#process = child;
    this.#read = read;
    this.port = port;
    this.pid = child.pid;
    this.folder = folder;
    this.lines = lines;
    this.stderr = stderr;
  }

  /** Lines of the access log so far, parsed. */
  get log(): Record<string, unknown>[] {
    return this.lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** The port of the admin listener. */
  get adminPort(): number {
    const said = /^sluice: admin on .*:(\d+)$/m.exec(this.stderr.text);
    if (said === null) throw new Error("the gateway has no admin listener");
    return Number(said[1]);
  }

  /** Whether the process is still there. */
  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The processes that there are of it: those too that have taken its place. */
  get processes(): number[] {
    return processesOfGroup(this.pid);
  }

  /** Resident memory in bytes. */
  get residentBytes(): number {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"));
    if (line === null) throw new Error("no VmRSS");
    return Number(line[1]) * 1024;
  }

  /** Sockets the process holds, the listening one included. */
  get openSockets(): number {
    let count = 0;
    for (const entry of readdirSync(`/proc/${this.pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${this.pid}/fd/${entry}`).startsWith("socket:")) count += 1;
      } catch {
        // Closed between the two calls.
      }
    }
    return count;
  }

  /** Sends a signal. */
  signal(name: NodeJS.Signals): void {
    this.#signalled ||= ENDING.has(name);
    this.#process.kill(name);
  }

  /** Waits until it has ended and all of its output is read; returns its exit code, or the signal's name. */
  async ended(timeoutMs = PATIENCE_MS): Promise<number | string> {
    await within(this.#process.exited, `the gateway to exit; stderr: ${this.stderr.text}`, timeoutMs);
    await within(this.#read, "the end of the gateway's output", timeoutMs);
    rmSync(this.folder, { recursive: true, force: true });
    return this.#process.exitCode ?? this.#process.signalCode ?? "?";
  }

  /** Stops it with SIGINT, unless it was told to end already, demands a clean end, and that no process of its group stays. */
  async stop(timeoutMs = PATIENCE_MS): Promise<void> {
    try {
      // No load balancer is to be waited for.
      if (this.alive && !this.#signalled) this.signal("SIGINT");
      const code = await this.ended(timeoutMs);
      if (code !== 0) throw new Error(`the gateway ended with ${code}; stderr: ${this.stderr.text}`);
      const left = processesOfGroup(this.pid);
      if (left.length > 0) throw new Error(`processes ${left.join(", ")} of the gateway stay`);
    } finally {
      if (this.alive) this.signal("SIGKILL");
      rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

/** Process ids of this process group (the gateway leads a group of its own). */
function processesOfGroup(group: number): number[] {
  const found: number[] = [];
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const status = readFileSync(`/proc/${entry}/stat`, "utf8");
      const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
      if (Number(fields[2]) === group && fields[0] !== "Z") found.push(Number(entry));
    } catch {
      // Gone between the two calls.
    }
  }
  return found;
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

/** Puts the config into a folder of its own, runs `sluice run` there and waits until it listens. */
export async function startGateway(config: Config, options: StartOptions = {}): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-rig-"));
  writeFileSync(join(folder, "gateway.config.ts"), configText(config));
  for (const [name, text] of Object.entries(options.files ?? {})) writeFileSync(join(folder, name), text);
  const link = join(folder, "sluice");
  if (options.byLink === true) symlinkSync(EXECUTABLE, link);
  const child = Bun.spawn([...(options.byLink === true ? [link] : gatewayCommand()), "run", ...(options.args ?? [])], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: folder, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  const lines: string[] = [];
  const stderr = { text: "" };
  let rest = "";
  const takeLines = (text: string): void => {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    lines.push(...parts);
  };
  const read = Promise.all([collect(child.stdout, takeLines), collect(child.stderr, (text) => (stderr.text += text))]);
  const port = await until(
    () => {
      if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}: ${stderr.text}`);
      return portIn(stderr.text);
    },
    () => `the line that says where it listens; stderr: ${stderr.text}`,
    options.timeoutMs ?? 10_000,
  ).catch((failure: unknown) => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
    throw failure;
  });
  return new Gateway(child, port, folder, lines, stderr, read);
}

/** The port in the line "… listening on http://127.0.0.1:1234 …". */
function portIn(text: string): number | undefined {
  const line = /listening.*?:(\d+)\b/i.exec(text);
  return line === null ? undefined : Number(line[1]);
}
