// The parts of a release: runtimes that are those that were pinned, a package that Debian reads, a bill of what is inside.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };
import { type Contents, archiveEntries, gatherContents } from "../../scripts/release/contents.ts";
import { debPackage } from "../../scripts/release/deb.ts";
import { machineIn, machineOf, machineText } from "../../scripts/release/machine.ts";
import { runtimeFor } from "../../scripts/release/runtimes.ts";
import { sbom } from "../../scripts/release/sbom.ts";
import { RUNTIME_VERSION, TARGETS } from "../../scripts/release/targets.ts";
import { noticesText, packagesInside, RUNTIME_PARTS } from "../../scripts/third-party.ts";
import { missing, pathOfTool } from "../support/requirements.ts";
import { ROOT } from "../rules/source.ts";

const SECONDS = 1_767_323_046;

const folder = mkdtempSync(join(tmpdir(), "sluice-release-"));
afterAll(() => rmSync(folder, { recursive: true }));

let contents: Contents;
beforeAll(async () => {
  contents = await gatherContents(ROOT, { version: "1.2.3+abc", date: "2026-11-30" });
});

describe("the runtimes", () => {
  test("are those of the Bun that package.json names", () => {
    expect(RUNTIME_VERSION).toBe(manifest.devDependencies.bun);
  });

  test("have the hashes that npm's lock file has", () => {
    const packages = lock.packages as Record<string, { version?: string; integrity?: string }>;
    const known = TARGETS.filter(({ runtime }) => packages[`node_modules/${runtime}`] !== undefined);
    expect(known.length).toBeGreaterThanOrEqual(4);
    for (const { runtime, integrity } of known) {
      expect(packages[`node_modules/${runtime}`]).toMatchObject({ version: RUNTIME_VERSION, integrity });
    }
  });

  test("another archive than the one that was pinned is refused and thrown away", () => {
    const target = TARGETS[0]!;
    const place = join(folder, `bun-linux-x64-baseline-${RUNTIME_VERSION}`);
    mkdirSync(place);
    writeFileSync(join(place, "package.tgz"), "something else");
    expect(() => runtimeFor(target, folder)).toThrow(`not ${target.integrity} as scripts/release/targets.ts says`);
    expect(existsSync(place)).toBe(false);
  });
});

describe("the machine that a file is for", () => {
  const elf = (cpu: number, loader: string): Buffer => {
    const head = Buffer.alloc(256);
    head.write("\x7FELF\x02\x01", 0, "latin1");
    head.writeUInt16LE(cpu, 18);
    head.writeBigUInt64LE(64n, 32);
    head.writeUInt16LE(56, 54);
    head.writeUInt16LE(1, 56);
    head.writeUInt32LE(3, 64);
    head.writeBigUInt64LE(128n, 72);
    head.write(`${loader}\0`, 128, "latin1");
    return head;
  };
  const mach = (cpu: number): Buffer => {
    const head = Buffer.alloc(64);
    head.writeUInt32LE(0xfeedfacf, 0);
    head.writeUInt32LE(cpu, 4);
    return head;
  };
  const pe = (cpu: number): Buffer => {
    const head = Buffer.alloc(128);
    head.write("MZ", 0);
    head.writeUInt32LE(64, 0x3c);
    head.write("PE\0\0", 64);
    head.writeUInt16LE(cpu, 68);
    return head;
  };
  test.each([
    ["linux x64 glibc", elf(62, "/lib64/ld-linux-x86-64.so.2")],
    ["linux arm64 glibc", elf(183, "/lib/ld-linux-aarch64.so.1")],
    ["linux x64 musl", elf(62, "/lib/ld-musl-x86_64.so.1")],
    ["linux arm64 musl", elf(183, "/lib/ld-musl-aarch64.so.1")],
    ["macos x64", mach(0x01000007)],
    ["macos arm64", mach(0x0100000c)],
    ["windows x64", pe(0x8664)],
    ["windows arm64", pe(0xaa64)],
    [undefined, elf(40, "/lib/ld-linux.so.3")],
    [undefined, elf(62, "/lib/ld.so")],
    [undefined, pe(0x14c)],
    [undefined, Buffer.from("#!/bin/sh\n".padEnd(64))],
    [undefined, Buffer.from("MZ")],
  ] as const)("is %s", (text, head) => {
    const found = machineIn(head);
    expect(found && machineText(found)).toBe(text);
  });

  test("of this runtime is this one", () => {
    const { system, cpu } = machineOf(process.execPath);
    expect([system, cpu]).toEqual([process.platform === "darwin" ? "macos" : "linux", process.arch as "x64"]);
  });
});

test("an archive has what means something to its system", () => {
  const names = (target: string): string[] => {
    const found = TARGETS.find(({ name }) => name === target)!;
    return archiveEntries(contents, new Uint8Array(), found, "top").map(({ path }) => path.slice(4));
  };
  const always = ["LICENSE", "NOTICE", "licenses.txt", "CHANGELOG.md"];
  const pages = ["man/sluice.1", "man/gateway.config.5"];
  const completions = ["sluice.bash", "_sluice", "sluice.fish"].map((name) => `completions/${name}`);
  expect(names("windows-x64")).toEqual(["sluice.exe", ...always]);
  expect(names("macos-arm64")).toEqual(["sluice", ...always, ...pages, ...completions]);
  expect(names("linux-x64-musl")).toEqual(["sluice", ...always, ...pages, ...completions, "systemd/sluice.service"]);
});

const noDpkg = missing("dpkg-deb");
describe.skipIf(noDpkg !== undefined)(`the Debian package (${noDpkg ?? "as dpkg-deb reads it"})`, () => {
  const file = join(folder, "sluice.deb");
  const dpkg = (...words: readonly string[]): string => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([pathOfTool("dpkg-deb"), ...words], {
      stdin: "ignore",
      stderr: "pipe",
    });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    return stdout.toString();
  };
  const executable = new TextEncoder().encode("#!/bin/sh\necho run\n");
  const options = { version: "1.2.3", architecture: "arm64", executable, seconds: SECONDS } as const;
  beforeAll(() => writeFileSync(file, debPackage(contents, options)));

  test("tells its name, version, architecture and what it depends on", () => {
    const field = (name: string): string => dpkg("--field", file, name).trim();
    expect(["Package", "Version", "Architecture", "Depends"].map(field)).toEqual([
      "sluice",
      "1.2.3",
      "arm64",
      "libc6 (>= 2.17)",
    ]);
    expect(Number(field("Installed-Size"))).toBeGreaterThan(100);
  });

  test("has each file where Debian wants it, root's, with its mode", () => {
    const lines = dpkg("--contents", file)
      .trim()
      .split("\n")
      .map((line) => line.split(/\s+/));
    expect(lines.every((words) => words[1] === "root/root")).toBe(true);
    const modes = Object.fromEntries(lines.map((words) => [words[5], words[0]]));
    expect(modes).toMatchObject({
      "./": "drwxr-xr-x",
      "./usr/bin/sluice": "-rwxr-xr-x",
      "./usr/lib/systemd/system/sluice.service": "-rw-r--r--",
      "./usr/share/man/man1/sluice.1.gz": "-rw-r--r--",
      "./usr/share/man/man5/gateway.config.5.gz": "-rw-r--r--",
      "./usr/share/bash-completion/completions/sluice": "-rw-r--r--",
      "./usr/share/zsh/vendor-completions/_sluice": "-rw-r--r--",
      "./usr/share/fish/vendor_completions.d/sluice.fish": "-rw-r--r--",
      "./usr/share/doc/sluice/copyright": "-rw-r--r--",
      "./etc/sluice/sluice.env": "-rw-r-----",
    });
  });

  test("holds what was put into it, and its checksums fit", () => {
    const out = join(folder, "unpacked");
    dpkg("--raw-extract", file, out);
    expect(readFileSync(join(out, "usr/bin/sluice"))).toEqual(Buffer.from(executable));
    expect(readFileSync(join(out, "DEBIAN/conffiles"), "utf8")).toBe("/etc/sluice/sluice.env\n");
    const sums = Bun.spawnSync(["/usr/bin/md5sum", "-c", "--quiet", "DEBIAN/md5sums"], { cwd: out, stdin: "ignore" });
    expect({ code: sums.exitCode, said: sums.stdout.toString() }).toEqual({ code: 0, said: "" });
    for (const script of ["postinst", "prerm", "postrm"]) {
      expect(Bun.spawnSync(["/bin/sh", "-n", join(out, "DEBIAN", script)]).exitCode).toBe(0);
    }
  });

  test("is the same when it is written again", () => {
    expect(Buffer.from(debPackage(contents, options)).equals(readFileSync(file))).toBe(true);
  });
});

describe("what is inside", () => {
  const packages = packagesInside(ROOT);
  const bill = JSON.parse(sbom({ version: "1.2.3", commit: "abc", seconds: SECONDS, packages, targets: TARGETS })) as {
    components: { "bom-ref": string; name: string; version?: string; components?: { "bom-ref": string }[] }[];
    dependencies: { ref: string; dependsOn: string[] }[];
    metadata: { component: { "bom-ref": string } };
  };

  test("stands in the bill, each with its version, and whatever depends on it", () => {
    const told = bill.components.map(({ name, version }) => `${name} ${version}`);
    expect(told).toEqual([`bun ${RUNTIME_VERSION}`, ...packages.map(({ name, version }) => `${name} ${version}`)]);
    const refs = [
      bill.metadata.component["bom-ref"],
      ...bill.components.flatMap((each) => [each, ...(each.components ?? [])]).map((each) => each["bom-ref"]),
    ];
    expect(new Set(refs).size).toBe(refs.length);
    const named = bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]);
    expect(named.filter((ref) => !refs.includes(ref))).toEqual([]);
  });

  test("stands in the notices with the text of its licence, the LGPL and how to link anew among them", () => {
    const text = noticesText(ROOT);
    for (const inside of packages) {
      expect(text).toContain(`${inside.name} ${inside.version}: ${inside.license}`);
      expect(text).toContain(inside.text.trim());
    }
    for (const { name } of RUNTIME_PARTS) expect(text).toContain(`  ${name}`);
    for (const words of [
      "GNU LIBRARY GENERAL PUBLIC LICENSE",
      "GNU LESSER GENERAL PUBLIC LICENSE",
      "link the executable anew",
    ]) {
      expect(text).toContain(words);
    }
  });

  test("is what NOTICE says that the executable does not do without", () => {
    const notice = readFileSync(join(ROOT, "NOTICE"), "utf8");
    const without = Object.keys(manifest.dependencies).filter(
      (name) => !packages.some((inside) => inside.name === name),
    );
    for (const name of without) expect(notice).toMatch(new RegExp(`^ *${name} .*the executable does without`, "m"));
  });
});
