// Gets the runtimes of other platforms from npm, into a folder that keeps them, and believes none whose hash is another.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { machineOf, machineText } from "./machine.ts";
import { RUNTIME_VERSION, type Target } from "./targets.ts";

/** The file of the target's runtime. @throws when it cannot be had, or is another than the one that was pinned */
export function runtimeFor(target: Target, cache: string): string {
  const folder = join(cache, `${basename(target.runtime)}-${RUNTIME_VERSION}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, target.machine.system === "windows" ? "bun.exe" : "bun");
  const archive = join(folder, "package.tgz");
  if (!existsSync(archive)) download(target.runtime, folder, archive);
  const integrity = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
  if (integrity !== target.integrity) {
    rmSync(folder, { recursive: true });
    throw new Error(
      `${target.runtime} ${RUNTIME_VERSION} is ${integrity}, not ${target.integrity} as scripts/release/targets.ts says`,
    );
  }
  // Unpacked anew each time: what lies beside the archive has not been looked at.
  const inside = `package/bin/${basename(file)}`;
  run(["tar", "-xzf", archive, "-C", folder, "--strip-components=2", inside]);
  const [found, wanted] = [machineText(machineOf(file)), machineText(target.machine)];
  if (found !== wanted) throw new Error(`${target.runtime} is for ${found}, not for ${wanted}`);
  return file;
}

function download(name: string, folder: string, archive: string): void {
  const part = join(folder, "download");
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part);
  run(["npm", "pack", "--silent", "--pack-destination", part, `${name}@${RUNTIME_VERSION}`]);
  renameSync(join(part, readdirSync(part)[0]!), archive);
  rmSync(part, { recursive: true });
}

function run(command: readonly string[]): void {
  const { exitCode, stderr } = Bun.spawnSync([...command], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  if (exitCode !== 0) throw new Error(`${command.join(" ")}: ${stderr.toString().trim()}`);
}
