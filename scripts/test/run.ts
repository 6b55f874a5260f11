// Runs one command in a session of its own, keeps what it printed, and finds the processes it left behind.
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

/** What became of a command. */
export interface Outcome {
  /** Exit code; 124 when it took longer than it may. */
  readonly code: number;
  /** Standard output and standard error, as they came. */
  readonly output: string;
  /** Command lines of the processes that outlived it. They have been ended. */
  readonly left: readonly string[];
  readonly seconds: number;
}

/** The variable that every process of a command inherits: a survivor is known by it. */
const MARK = "SLUICE_TEST_RUN";

/** How long a process that is on its way out may take. */
const GRACE_MS = 3000;

/** Runs `command` and waits for it; ends it after `limitMs`. Nothing is thrown for a command that fails. */
export async function run(command: readonly string[], limitMs: number): Promise<Outcome> {
  const mark = randomUUID();
  const started = performance.now();
  // Some tools take any value of FORCE_COLOR, even 0, for a wish.
  const { FORCE_COLOR: _, ...plain } = process.env;
  const child = Bun.spawn([...command], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
    env: { ...plain, [MARK]: mark, NO_COLOR: "1" },
  });
  let late = false;
  const endAll = () => {
    for (const pid of [child.pid, ...survivors(mark, child.pid)]) end(pid);
  };
  const timer = setTimeout(() => {
    late = true;
    endAll();
  }, limitMs);
  // A session of its own does not hear the terminal's Ctrl-C.
  const interrupted = () => {
    endAll();
    // Behind the others that hear of it.
    setImmediate(() => process.exit(130));
  };
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  const pieces: string[] = [];
  const reading = Promise.all([collect(child.stdout, pieces), collect(child.stderr, pieces)]);
  const code = await child.exited;
  clearTimeout(timer);
  process.off("SIGINT", interrupted).off("SIGTERM", interrupted);

  const left = await leftBehind(mark, child.pid);
  // Survivors hold the pipes open, so the output is whole only after they are gone.
  await reading;
  if (late) pieces.push(`\nended: it took longer than ${limitMs / 1000} s\n`);
  return { code: late ? 124 : code, output: pieces.join(""), left, seconds: (performance.now() - started) / 1000 };
}

async function collect(stream: ReadableStream<Uint8Array>, pieces: string[]): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) pieces.push(decoder.decode(bytes, { stream: true }));
}

/** Waits until what the command started is gone, or ends it and names it. */
async function leftBehind(mark: string, session: number): Promise<string[]> {
  const until = performance.now() + GRACE_MS;
  let pids = survivors(mark, session);
  while (pids.length > 0 && performance.now() < until) {
    await Bun.sleep(50);
    pids = survivors(mark, session);
  }
  const names = pids.map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim()}`);
  for (const pid of pids) end(pid);
  return names;
}

/** Living processes that carry the mark or belong to the session. Without /proc (not Linux) none is seen. */
function survivors(mark: string, session: number): number[] {
  const found: number[] = [];
  for (const name of list("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const stat = read(`/proc/${pid}/stat`);
    // The second field is the name in parentheses and may hold anything; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (stat === "" || fields[0] === "Z" || fields[0] === "X") continue;
    if (Number(fields[3]) === session || read(`/proc/${pid}/environ`).includes(`${MARK}=${mark}`)) found.push(pid);
  }
  return found;
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
