// Compiles the executable: gathers what is embedded, bundles it with the sources, and puts it behind a runtime.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { bundlePage } from "../src/cli/page-bundle.ts";
import { readReference } from "../src/cli/reference/read-reference.ts";
import { packTypes } from "../src/cli/types-archive.ts";
import { listImportables } from "./importables.ts";
import { noticesText, packagesInside } from "./third-party.ts";
import { gatherTypes } from "./types-archive.ts";

const root = join(import.meta.dir, "..");

/** Another runtime than the one that builds. */
export interface CompileTarget {
  /** What Bun calls it: "bun-linux-arm64". */
  readonly name: Bun.Build.CompileTarget;
  /** The file of that runtime. */
  readonly runtime: string;
  /** Whether code is compiled beforehand: it starts sooner, where the runtime is one that reads the builder's bytecode. */
  readonly bytecode: boolean;
}

/** The first file of the executable. */
const ENTRY = `import { main } from "../../src/cli/main.ts";
import { embedded } from "./embedded.ts";

await main(process.argv.slice(2), embedded);
`;

/** The first file of a worker thread. */
const WORKER = `import { serveAsWorker } from "../../src/cli/workers/worker.ts";
import { embedded } from "./embedded.ts";

serveAsWorker(embedded);
`;

/** The first file of a thread that runs a test file. */
const TESTER = `import { testInThread } from "../../src/cli/testing/thread.ts";
import { embedded } from "./embedded.ts";

testInThread(embedded);
`;

/**
 * Writes into `workshop`, a folder right below `dist/`, all that {@link compile} needs beside the sources. Two builds of the
 * same sources agree byte for byte where their workshops have the same name.
 */
export async function prepare(workshop: string, of: Commit): Promise<void> {
  mkdirSync(workshop, { recursive: true });
  const importables = listImportables(root);
  writeFileSync(join(workshop, "types.br"), packTypes(await gatherTypes(root, workshop, importables)));
  writeFileSync(join(workshop, "reference.json"), JSON.stringify(readReference()));
  writeFileSync(join(workshop, "page.json"), JSON.stringify(await bundlePage()));
  writeFileSync(join(workshop, "licenses.txt"), noticesText(root));
  const specifiers = importables.map(({ specifier }) => specifier);
  writeFileSync(join(workshop, "embedded.ts"), embedded(specifiers, of));
  writeFileSync(join(workshop, "entry.ts"), ENTRY);
  writeFileSync(join(workshop, "worker.ts"), WORKER);
  writeFileSync(join(workshop, "tester.ts"), TESTER);
}

/** Compiles what {@link prepare} has written into `outfile`. @throws with all that the bundler has to say */
export async function compile(workshop: string, outfile: string, target?: CompileTarget): Promise<void> {
  const result = await Bun.build({
    entrypoints: ["entry.ts", "worker.ts", "tester.ts"].map((name) => join(workshop, name)),
    target: "bun",
    format: "esm",
    // Verbs and modules that a config may import load when they are asked for: a start reads what it needs.
    splitting: true,
    bytecode: target?.bytecode ?? true,
    metafile: true,
    // Names stay: jose and others tell their errors apart by the name of the class.
    minify: { whitespace: true, syntax: true, identifiers: false },
    // The working directory belongs to the user's services: their .env and bunfig.toml are not ours (bunfig can run code).
    compile: {
      outfile,
      ...(target === undefined ? {} : { target: target.name, executablePath: target.runtime }),
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      // Without it a package in a node_modules beside the config loads only by an index.js at its root.
      autoloadPackageJson: true,
    },
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
  checkPackages(Object.keys(result.metafile?.inputs ?? {}));
}

/** The notices name what is inside: a package that came or went without them is a fault. */
function checkPackages(inputs: readonly string[]): void {
  const names = inputs.map((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]);
  const bundled = new Set(names.filter((name) => name !== undefined));
  const told = packagesInside(root).map(({ name }) => name);
  // The page is bundled for itself.
  const untold = [...bundled].filter((name) => !told.includes(name));
  const gone = told.filter((name) => !bundled.has(name) && name !== "uplot");
  if (untold.length > 0) throw new Error(`scripts/third-party.ts does not name what is inside: ${untold.join(", ")}`);
  if (gone.length > 0) throw new Error(`scripts/third-party.ts names what is not inside: ${gone.join(", ")}`);
}

/** What is embedded, for both. */
function embedded(specifiers: readonly string[], commit: Commit): string {
  const modules = specifiers.map(
    (specifier) => `    ${JSON.stringify(specifier)}: () => import(${JSON.stringify(specifier)}),`,
  );
  return `import page from "./page.json" with { type: "file" };
import reference from "./reference.json" with { type: "file" };
import licenses from "./licenses.txt" with { type: "file" };
import types from "./types.br" with { type: "file" };

export const embedded = {
  version: ${JSON.stringify(manifest.version)},
  commit: ${JSON.stringify(commit.id)},
  date: ${JSON.stringify(commit.date)},
  compiled: true,
  modules: {
    sluice: () => import("../../src/mod.ts"),
${modules.join("\n")}
  },
  startThread: () => new Worker("./worker.ts"),
  startTestThread: () => new Worker("./tester.ts"),
  types: () => Bun.file(types).bytes(),
  licenses: () => Bun.file(licenses).text(),
  reference: () => Bun.file(reference).json(),
  page: () => Bun.file(page).json(),
};
`;
}

/** What is built. */
export interface Commit {
  /** Short id; "" outside a repository, as in an archive of the sources. */
  readonly id: string;
  /** When it was made, or SOURCE_DATE_EPOCH; seconds of Unix time, 0 when neither is known. */
  readonly seconds: number;
  /** The day of that in UTC, "2026-11-30"; "" when unknown. */
  readonly date: string;
}

/** The commit of the sources. */
export async function commit(): Promise<Commit> {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const [id = "", told = ""] = (await git("log", "-1", "--abbrev=10", "--format=%h %ct")).split(" ");
  const seconds = Number(given || told);
  return { id, seconds, date: seconds === 0 ? "" : new Date(seconds * 1000).toISOString().slice(0, 10) };
}

/** What git prints; "" when it cannot. */
async function git(...words: readonly string[]): Promise<string> {
  try {
    const child = Bun.spawn(["git", ...words], { cwd: root, stdout: "pipe", stderr: "ignore" });
    const text = (await new Response(child.stdout).text()).trim();
    return (await child.exited) === 0 ? text : "";
  } catch {
    return "";
  }
}
