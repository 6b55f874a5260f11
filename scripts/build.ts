// Builds dist/sluice: one executable file that needs nothing beside it. Run with `npm run build`.
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { bundlePage } from "../src/cli/page-bundle.ts";
import { readReference } from "../src/cli/reference/read-reference.ts";
import { packTypes } from "../src/cli/types-archive.ts";
import { listImportables } from "./importables.ts";
import { gatherTypes } from "./types-archive.ts";

const root = join(import.meta.dir, "..");
const dist = join(root, "dist");
// Builds may run side by side, and an executable may be running: each works in a folder of its own and renames at the end.
const workshop = join(dist, `build-${process.pid}`);

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

try {
  await build();
} finally {
  rmSync(workshop, { recursive: true, force: true });
}

async function build(): Promise<void> {
  mkdirSync(workshop, { recursive: true });
  const importables = listImportables(root);
  writeFileSync(join(workshop, "types.br"), packTypes(await gatherTypes(root, workshop, importables)));
  writeFileSync(join(workshop, "reference.json"), JSON.stringify(readReference()));
  writeFileSync(join(workshop, "page.json"), JSON.stringify(await bundlePage()));
  const specifiers = importables.map(({ specifier }) => specifier);
  writeFileSync(join(workshop, "embedded.ts"), embedded(specifiers, await commit()));
  writeFileSync(join(workshop, "entry.ts"), ENTRY);
  writeFileSync(join(workshop, "worker.ts"), WORKER);
  writeFileSync(join(workshop, "tester.ts"), TESTER);

  const outfile = join(workshop, "sluice");
  const result = await Bun.build({
    entrypoints: ["entry.ts", "worker.ts", "tester.ts"].map((name) => join(workshop, name)),
    target: "bun",
    format: "esm",
    // Verbs and modules that a config may import load when they are asked for: a start reads what it needs.
    splitting: true,
    bytecode: true,
    // Names stay: jose and others tell their errors apart by the name of the class.
    minify: { whitespace: true, syntax: true, identifiers: false },
    // The working directory belongs to the user's services: their .env and bunfig.toml are not ours (bunfig can run code).
    compile: {
      outfile,
      autoloadDotenv: false,
      autoloadBunfig: false,
      autoloadTsconfig: false,
      // Without it a package in a node_modules beside the config loads only by an index.js at its root.
      autoloadPackageJson: true,
    },
    throw: false,
  });
  if (!result.success) {
    for (const log of result.logs) console.error(log);
    process.exitCode = 1;
    return;
  }
  renameSync(outfile, join(dist, "sluice"));
  console.log(`dist/sluice ${manifest.version}: ${(statSync(join(dist, "sluice")).size / 1e6).toFixed(1)} MB`);
}

/** What is embedded, for both. */
function embedded(specifiers: readonly string[], commit: Commit): string {
  const modules = specifiers.map(
    (specifier) => `    ${JSON.stringify(specifier)}: () => import(${JSON.stringify(specifier)}),`,
  );
  return `import page from "./page.json" with { type: "file" };
import reference from "./reference.json" with { type: "file" };
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
  reference: () => Bun.file(reference).json(),
  page: () => Bun.file(page).json(),
};
`;
}

/** What is built. */
interface Commit {
  /** Short id; "" outside a repository, as in an archive of the sources. */
  readonly id: string;
  /** Its day in UTC, or that of SOURCE_DATE_EPOCH; "" when neither is known. */
  readonly date: string;
}

async function commit(): Promise<Commit> {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const [id = "", seconds = ""] = (await git("log", "-1", "--abbrev=10", "--format=%h %ct")).split(" ");
  return { id, date: dayOf(given || seconds) };
}

function dayOf(seconds: string): string {
  return seconds === "" ? "" : new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
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
