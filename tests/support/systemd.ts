// A systemd of the test's own: process 1 of its namespaces, over a copy-on-write view of this system. Nothing outside changes.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { until, within } from "./deadline.ts";
import { EXECUTABLE } from "./executable.ts";
import { missing } from "./requirements.ts";

const UNIT = resolve(import.meta.dir, "../../contrib/systemd/sluice.service");
const BOOT = join(import.meta.dir, "systemd-boot.sh");

/** How long it may take to come up, behind another one. */
const BOOT_MS = 120_000;
const LOCK = join(tmpdir(), "sluice-systemd.lock");

/** Units that have nothing to do here, and would touch the machine. */
const MASKED = [
  ...["udevd", "udev-trigger", "udev-settle", "modules-load", "sysctl", "binfmt", "hwdb-update", "random-seed"],
  ...[
    "machine-id-commit",
    "update-utmp",
    "firstboot",
    "sysusers",
    "pstore",
    "remount-fs",
    "journal-flush",
    "timesyncd",
  ],
].map((name) => `systemd-${name}.service`);
const MASKED_MOUNTS = ["dev-hugepages.mount", "dev-mqueue.mount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount"];

/** What became of a command inside. */
export interface Done {
  readonly code: number;
  readonly text: string;
}

/** A systemd that runs. */
export class Systemd {
  readonly #child: Bun.Subprocess;
  readonly #pid: number;
  readonly #folder: string;
  readonly #before: ReadonlySet<string>;

  /**
   * Use bootSystemd.
   * @param pid of its process 1, as it is called outside
   * @param before the control groups that there were
   */
  constructor(child: Bun.Subprocess, pid: number, folder: string, before: ReadonlySet<string>) {
    this.#child = child;
    this.#pid = pid;
    this.#folder = folder;
    this.#before = before;
  }

  /** Runs a command inside and waits for its end. */
  async run(...command: readonly string[]): Promise<Done> {
    const inside = ["nsenter", "-t", String(this.#pid), "-m", "-u", "-i", "-p", "--", ...command];
    const child = Bun.spawn(inside, { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, text: out + err };
  }

  /** Properties of the unit of Sluice. */
  async show(...names: readonly string[]): Promise<Record<string, string>> {
    const { text } = await this.run("systemctl", "show", "sluice", ...names.map((name) => `--property=${name}`));
    return Object.fromEntries(text.split("\n").flatMap((line) => [/^(\w+)=(.*)$/.exec(line)?.slice(1) ?? []]));
  }

  /** Writes a file inside, as root. Any may read it. */
  async write(path: string, text: string): Promise<void> {
    const child = Bun.spawn(
      ["nsenter", "-t", String(this.#pid), "-m", "--", "sh", "-c", `mkdir -p ${dirname(path)}; cat > ${path}`],
      { stdin: new Blob([text]), stdout: "ignore", stderr: "ignore" },
    );
    if ((await child.exited) !== 0) throw new Error(`${path} cannot be written`);
  }

  /** Ends it with all that runs in it. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await within(this.#child.exited, "the end of systemd");
    await until(() => !existsSync(`/proc/${this.#pid}`), "the end of its process 1");
    rmSync(this.#folder, { recursive: true, force: true });
    for (const group of controlGroups()) if (!this.#before.has(group)) removeGroup(group);
  }
}

/** The control groups at the top of each hierarchy: a systemd makes some, and nobody else takes them away. */
function controlGroups(): Set<string> {
  const folders = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((each) => (each.isDirectory() ? join(path, each.name) : []));
  return new Set(folders("/sys/fs/cgroup").flatMap((path) => [path, ...folders(path)]));
}

function removeGroup(path: string): void {
  for (const each of readdirSync(path, { withFileTypes: true }))
    if (each.isDirectory()) removeGroup(join(path, each.name));
  try {
    rmdirSync(path);
  } catch {
    // Somebody is in it: it was not made for the test.
  }
}

/** Boots one with Sluice's unit file in it, which is not started. Gives why not, where it cannot be. */
export async function bootSystemd(): Promise<Systemd | string> {
  const absent = missing("systemd-analyze");
  if (absent !== undefined) return absent;
  if (process.getuid?.() !== 0) return "only root may start a systemd";
  const before = controlGroups();
  const folder = mkdtempSync(join(tmpdir(), "sluice-systemd-"));
  chmodSync(folder, 0o755);
  const upper = join(folder, "upper");
  const units = join(upper, "etc/systemd/system");
  mkdirSync(units, { recursive: true });
  mkdirSync(join(folder, "mnt"));
  for (const name of [...MASKED, ...MASKED_MOUNTS]) symlinkSync("/dev/null", join(units, name));
  writeFileSync(
    join(units, "test.target"),
    "[Unit]\nDescription=Nothing but what a test starts\nDefaultDependencies=no\n",
  );
  writeFileSync(join(units, "sluice.service"), readFileSync(UNIT));
  const log = join(folder, "log");
  const child = Bun.spawn(
    // Two would meet in one control group: one waits for the other.
    [
      "flock",
      "--no-fork",
      LOCK,
      "unshare",
      "--fork",
      "--kill-child",
      "--pid",
      "--mount",
      "--uts",
      "--ipc",
      "sh",
      BOOT,
      folder,
      EXECUTABLE,
    ],
    { stdin: "ignore", stdout: Bun.file(log), stderr: Bun.file(log) },
  );
  const isUp = async (): Promise<Systemd | undefined> => {
    if (child.exitCode !== null) throw new Error("it ended");
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1");
    const pid = Number(children.split(" ")[0]);
    if (pid === 0 || readFileSync(`/proc/${pid}/comm`, "latin1") !== "systemd\n") return undefined;
    const systemd = new Systemd(child, pid, folder, before);
    return (await systemd.run("systemctl", "is-active", "test.target")).code === 0 ? systemd : undefined;
  };
  try {
    return await until(isUp, "systemd to come up", BOOT_MS);
  } catch (error) {
    child.kill("SIGKILL");
    const said = existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").at(-1) : "";
    rmSync(folder, { recursive: true, force: true });
    return `systemd does not come up here: ${(error as Error).message} (${said})`;
  }
}
