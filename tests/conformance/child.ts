// A runtime as a child process: its lines, the moment it listens, and its end.
import { tmpdir } from "node:os";
import { until, within } from "../support/deadline.ts";
import type { Started } from "./conformance.ts";

/** What to run. */
export interface ChildOptions {
  readonly command: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** The port in what it has printed so far, once it listens. */
  readonly port: (stdout: string, stderr: string) => number | undefined;
  /** Exit codes of a clean stop. */
  readonly ends: readonly (number | string)[];
}

const running = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts it and waits until it listens. */
export async function startChild({ command, folder, env, port, ends }: ChildOptions): Promise<Started> {
  const child = Bun.spawn([...command], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "", HOME: tmpdir(), NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  running.add(child);
  const printed = { stdout: "", stderr: "" };
  const read = Promise.all([
    collect(child.stdout, (text) => (printed.stdout += text)),
    collect(child.stderr, (text) => (printed.stderr += text)),
  ]);
  const stop = async (): Promise<void> => {
    try {
      child.kill("SIGTERM");
      await within(child.exited, "the runtime to end", 10_000);
      await read;
      const end = child.exitCode ?? child.signalCode ?? "?";
      if (!ends.includes(end)) throw new Error(`${command[0]} ended with ${end}: ${printed.stderr}`);
    } finally {
      child.kill("SIGKILL");
      running.delete(child);
    }
  };
  const listening = until(
    () => {
      if (child.exitCode !== null) throw new Error(`${command[0]} ended with ${child.exitCode}: ${printed.stderr}`);
      return port(printed.stdout, printed.stderr);
    },
    () => `the runtime to listen; it printed ${printed.stdout}${printed.stderr}`,
    20_000,
  );
  return {
    port: await listening.catch((failure: unknown) => {
      child.kill("SIGKILL");
      throw failure;
    }),
    get lines() {
      return printed.stdout.split("\n");
    },
    stop,
  };
}

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}
