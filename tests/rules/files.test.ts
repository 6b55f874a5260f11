// The form of files: names, sizes, a line of purpose, a doc comment on every export.
import { expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { missing } from "../support/requirements.ts";
import { SIZE_EXCEPTIONS } from "./exceptions.ts";
import { ROOT, sourcesIn } from "./source.ts";

const SOFT_LIMIT = 200;
const HARD_LIMIT = 350;
/** Tables of cases are long. */
const HARD_LIMIT_OF_TESTS = 500;

const core = sourcesIn("src");
const all = [...core, ...sourcesIn("tests"), ...sourcesIn("scripts")];

interface Manifest {
  readonly license: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Manifest;
}

/** Files that git knows or would take. */
function projectFiles(): string[] {
  const output = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  return output.toString().trimEnd().split("\n");
}

test("no file is longer than it may be", () => {
  const long = all.filter(({ path, lines }) => {
    if (lines.length > SOFT_LIMIT && path.startsWith("src/")) console.log(`${path} has ${lines.length} lines`);
    const limit = path.startsWith("tests/") ? HARD_LIMIT_OF_TESTS : HARD_LIMIT;
    return lines.length > limit && !SIZE_EXCEPTIONS.some(({ file }) => file === path);
  });
  expect(long.map(({ path, lines }) => `${path} has ${lines.length} lines`)).toEqual([]);
});

test("file names are kebab-case and say what is inside", () => {
  const faults = all.filter(({ path }) => {
    const name = basename(path).replace(/(?:\.(?:test|bench|config|d))?\.ts$/, "");
    return !/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name) || /^(?:utils?|helpers?|common|misc|index)$/.test(name);
  });
  expect(faults.map(({ path }) => path)).toEqual([]);
});

test("every file begins with a comment line that tells its purpose", () => {
  const faults = all.filter(({ lines }) => {
    const first = lines[0]?.startsWith("#!") ? lines[1] : lines[0];
    return first === undefined || !/^\/\/ \S.{10,}/.test(first);
  });
  expect(faults.map(({ path }) => path)).toEqual([]);
});

test("every export of src has a doc comment", () => {
  const faults = core.flatMap(({ path, exports }) =>
    exports.filter(({ documented }) => !documented).map(({ name, line }) => `${path}:${line} ${name}`),
  );
  expect(faults).toEqual([]);
});

test("no test is left focused", () => {
  const faults = all.filter(({ path, lines }) => {
    return path.endsWith(".test.ts") && lines.some((line) => /\b(?:test|describe|it)\.only\b\(/.test(line));
  });
  expect(faults.map(({ path }) => path)).toEqual([]);
});

test.skipIf(missing("git") !== undefined)("nothing names a path of the machine it was written on", () => {
  const faults = projectFiles().filter((file) => {
    if (file === "package-lock.json" || file.endsWith(".png")) return false;
    let text: string;
    try {
      text = readFileSync(join(ROOT, file), "utf8");
    } catch {
      return false; // Removed, and git does not know it yet.
    }
    return /\/(?:home|Users|root|work)\/(?!\$)[\w.-]+\/|\.library\//.test(text);
  });
  expect(faults).toEqual([]);
});

test("package.json names exact versions only", () => {
  const { dependencies, devDependencies } = readManifest(".");
  const versions = [...Object.entries(dependencies ?? {}), ...Object.entries(devDependencies ?? {})];
  expect(versions.length).toBeGreaterThan(0);
  expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version))).toEqual([]);
});

test("NOTICE names what the executable holds, with version and licence", () => {
  const notice = readFileSync(join(ROOT, "NOTICE"), "utf8");
  const { dependencies, devDependencies } = readManifest(".");
  for (const [name, version] of [...Object.entries(dependencies ?? {}), ["Bun", devDependencies!["bun"]!] as const]) {
    const { license } = readManifest(`node_modules/${name.toLowerCase()}`);
    const line = notice.split("\n").find((each) => each.trim().startsWith(`${name} ${version} `));
    expect(line, `${name} ${version} ${license}`).toContain(license);
  }
});

test("every package that is imported is named in package.json", () => {
  const { dependencies, devDependencies } = readManifest(".");
  const named = { ...dependencies, ...devDependencies };
  const used = new Set<string>();
  for (const { imports } of all) {
    for (const { from, file } of imports) {
      if (file === undefined) used.add(from.split("/", from.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  const own = /^(?:node:|bun$|bun:|cloudflare:|sluice$)/;
  expect([...used].filter((name) => !own.test(name) && named[name] === undefined)).toEqual([]);
});
