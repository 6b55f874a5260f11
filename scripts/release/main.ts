// npm run release [-- target…] [--twice] [--dirty]: builds all that a release has, into dist/release/. docs/release.md explains it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { commit, compile, prepare } from "../compile.ts";
import { packageArchive } from "../npm-package.ts";
import { packagesInside, runtimeVersion } from "../third-party.ts";
import { gzip, tar, withFolders, zip } from "./archive.ts";
import { archiveEntries, type Contents, gatherContents } from "./contents.ts";
import { debPackage } from "./deb.ts";
import { machineOf, machineText } from "./machine.ts";
import { changedPages, signedAdHoc } from "./mach-signature.ts";
import { runtimeFor } from "./runtimes.ts";
import { sbom } from "./sbom.ts";
import { RUNTIME_VERSION, type Target, TARGETS } from "./targets.ts";

const root = join(import.meta.dir, "../..");
const dist = join(root, "dist");
const out = join(dist, "release");
// One name, for the bundle holds it: builds agree only where it is the same.
const workshop = join(dist, "release-workshop");
const cache = join(root, "node_modules/.cache/runtimes");
const { version } = manifest;

const words = process.argv.slice(2);
const flags = words.filter((word) => word.startsWith("--"));
const names = words.filter((word) => !word.startsWith("--"));

try {
  const targets = checked();
  claimWorkshop();
  try {
    await release(targets);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
} catch (thrown) {
  console.error(`release: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  process.exitCode = 1;
}

/** The targets that are asked for. @throws when the command line is wrong, or nothing can be released from here */
function checked(): readonly Target[] {
  const wrong = flags.find((flag) => flag !== "--twice" && flag !== "--dirty");
  if (wrong !== undefined) throw new Error(`there is no flag ${wrong}; there are --twice and --dirty`);
  const targets = names.length === 0 ? TARGETS : names.map(targetNamed);
  if (machineText(machineOf(process.execPath)).replace(/x64|arm64/, "") !== "linux  glibc") {
    throw new Error("a release is built on Linux with glibc: the bytecode inside is the builder's");
  }
  if (runtimeVersion(root) !== RUNTIME_VERSION || Bun.version !== RUNTIME_VERSION) {
    throw new Error(
      `package.json has bun ${runtimeVersion(root)}, this is ${Bun.version}, scripts/release/targets.ts has ${RUNTIME_VERSION}`,
    );
  }
  if (!flags.includes("--dirty") && isDirty()) {
    throw new Error("the working tree has changes that the commit does not: commit them, or say --dirty");
  }
  return targets;
}

/** No two releases at once: the folder of one would be the other's. */
function claimWorkshop(): void {
  mkdirSync(dist, { recursive: true });
  if (existsSync(workshop)) throw new Error(`${workshop} is there: another release is being built, or was broken off`);
  mkdirSync(workshop);
}

async function release(targets: readonly Target[]): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const of = await commit();
  const contents = await gatherContents(root, {
    version: of.id === "" ? version : `${version}+${of.id}`,
    date: of.date,
  });
  const made = await buildAll(targets, contents);
  if (flags.includes("--twice")) {
    const again = await buildAll(targets, contents);
    const differ = Object.keys(made).filter((name) => made[name] !== again[name]);
    if (differ.length > 0) throw new Error(`two builds do not agree: ${differ.join(", ")}`);
    console.log(`two builds agree: ${Object.keys(made).length} files`);
  }
  const bill = `sluice-${version}.cdx.json`;
  const packages = packagesInside(root);
  made[bill] = write(bill, Buffer.from(sbom({ version, commit: of.id, seconds: of.seconds, packages, targets })));
  const sums = Object.keys(made)
    .toSorted()
    .map((name) => `${made[name]}  ${name}\n`);
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  for (const name of readdirSync(out).toSorted()) {
    console.log(`dist/release/${name}: ${(statSync(join(out, name)).size / 1e6).toFixed(1)} MB`);
  }
}

/** Builds from nothing; the hashes of the files by their names. */
async function buildAll(targets: readonly Target[], contents: Contents): Promise<Record<string, string>> {
  const of = await commit();
  rmSync(workshop, { recursive: true, force: true });
  await prepare(workshop, of);
  const made: Record<string, string> = {};
  const npm = `sluice-${version}.tgz`;
  made[npm] = write(npm, await packageArchive(join(workshop, "package"), of.seconds));
  for (const target of targets) {
    const runtime = runtimeFor(target, cache);
    const outfile = join(workshop, target.machine.system === "windows" ? "sluice.exe" : "sluice");
    rmSync(outfile, { force: true });
    await compile(workshop, outfile, { name: target.bun, runtime, bytecode: target.bytecode });
    const found = machineText(machineOf(outfile));
    if (found !== machineText(target.machine)) throw new Error(`what was built for ${target.name} is for ${found}`);
    let executable: Buffer = readFileSync(outfile);
    // Bun signs what it builds for arm64 and leaves the runtime's own signature elsewhere, which does not fit any more.
    if (target.machine.system === "macos" && changedPages(executable) > 0)
      executable = signedAdHoc(executable, "sluice");
    const top = `sluice-${version}-${target.name}`;
    const entries = withFolders(archiveEntries(contents, executable, target, top));
    const isZip = target.machine.system === "windows";
    const name = `${top}.${isZip ? "zip" : "tar.gz"}`;
    made[name] = write(name, isZip ? zip(entries, of.seconds) : gzip(tar(entries, of.seconds)));
    if (target.debian !== undefined) {
      const architecture = target.debian;
      const deb = `sluice_${version}_${architecture}.deb`;
      made[deb] = write(deb, debPackage(contents, { version, architecture, executable, seconds: of.seconds }));
    }
  }
  return made;
}

/** Writes a file of the release; its SHA-256. */
function write(name: string, bytes: Uint8Array): string {
  writeFileSync(join(out, name), bytes);
  return createHash("sha256").update(bytes).digest("hex");
}

function targetNamed(name: string): Target {
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined)
    throw new Error(`there is no target ${name}; there are ${TARGETS.map((each) => each.name).join(", ")}`);
  return target;
}

function isDirty(): boolean {
  const { exitCode, stdout } = Bun.spawnSync(["git", "status", "--porcelain"], {
    cwd: root,
    stdin: "ignore",
    stderr: "ignore",
  });
  return exitCode === 0 && stdout.toString().trim() !== "";
}
