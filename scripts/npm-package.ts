// npm run package: writes dist/sluice-<version>.tgz, the package for those who run the gateway on Deno or Cloudflare, and for types.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { commit } from "./compile.ts";
import { type Entry, gzip, tar } from "./release/archive.ts";
import { declarationsBehind, emitDeclarations } from "./types-archive.ts";

const root = join(import.meta.dir, "..");

/** What can be imported, by name: the source, and whether the package has code for it or types alone. */
const EXPORTS = {
  ".": { source: "mod.ts", code: true },
  "./workers": { source: "platforms/workers.ts", code: true },
  "./deno": { source: "cli/deno-main.ts", code: true },
  // The executable runs tests; an editor wants their types.
  "./test": { source: "cli/testing/api.ts", code: false },
} as const;

const README = `# Sluice

An API gateway with a typed config. This package has the types and the code for Deno and for Cloudflare Workers; the gateway
for a machine is an executable of its own, which needs no package.

- \`import { defineGateway } from "sluice"\`: what a \`gateway.config.ts\` imports.
- \`deno run -A npm:sluice/deno gateway.config.ts\`: runs that config on Deno.
- \`import { workers } from "sluice/workers"\`: makes a Worker of it.
- \`sluice/test\`: types of tests, which \`sluice test\` of the executable runs.
`;

/** The files of the package, in the folder "package" as npm wants it. `workshop` is a folder for what is made on the way. */
export async function packageEntries(workshop: string): Promise<Entry[]> {
  rmSync(workshop, { recursive: true, force: true });
  mkdirSync(workshop, { recursive: true });
  const code = await bundle(join(workshop, "lib"));
  const types = await declarations(workshop);
  const texts: Record<string, string> = {
    "package.json": `${JSON.stringify(packageManifest(Object.values({ ...code, ...types })), null, 2)}\n`,
    "README.md": README,
    LICENSE: readFileSync(join(root, "LICENSE"), "utf8"),
    ...code,
    ...types,
  };
  return Object.entries(texts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, text]) => ({ path: `package/${path}`, mode: 0o644, content: new TextEncoder().encode(text) }));
}

/** The code, with the packages that it imports left outside. */
async function bundle(folder: string): Promise<Record<string, string>> {
  const sources = Object.values(EXPORTS).filter(({ code }) => code);
  const result = await Bun.build({
    entrypoints: sources.map(({ source }) => join(root, "src", source)),
    root: join(root, "src"),
    outdir: folder,
    // Names of the runtimes' own modules stay as they are.
    target: "node",
    format: "esm",
    packages: "external",
    splitting: true,
    naming: { entry: "[dir]/[name].[ext]", chunk: "chunk-[hash].[ext]" },
    throw: false,
  });
  if (!result.success) throw new Error(result.logs.map(String).join("\n"));
  const texts = await Promise.all(
    result.outputs.map(async (output) => [`lib/${relative(folder, output.path)}`, await output.text()] as const),
  );
  return Object.fromEntries(texts);
}

/** The declarations, whose imports name the files that are there: a reader of a package knows no option for ".ts". */
async function declarations(workshop: string): Promise<Record<string, string>> {
  const out = join(workshop, "declarations");
  const sources = Object.values(EXPORTS).map(({ source }) => source);
  await emitDeclarations(root, workshop, out, sources);
  const texts: Record<string, string> = {};
  const add = (file: string): void => {
    const path = `types/${relative(out, file)}`;
    if (texts[path] !== undefined) return;
    const text = readFileSync(file, "utf8");
    texts[path] = text.replaceAll(/((?:\bfrom|\bimport)\s*\(?\s*["']\.[^"']*)\.ts(["'])/g, "$1.js$2");
    for (const target of declarationsBehind(file, text)) add(target);
  };
  for (const source of sources) add(join(out, source.replace(/\.ts$/, ".d.ts")));
  return texts;
}

/** Depends on what the code or the types import, and on nothing else. */
function packageManifest(texts: readonly string[]): object {
  const imported = new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["']((?:@[\w.-]+\/)?[\w.-]+)[^"']*["']/g)].map(
        (found) => found[1]!,
      ),
    ),
  );
  const { name, version, description, license, type, engines } = manifest;
  return {
    name,
    version,
    description,
    license,
    type,
    engines,
    exports: Object.fromEntries(
      Object.entries(EXPORTS).map(([path, { source, code }]) => {
        const bare = source.replace(/\.ts$/, "");
        return [path, { types: `./types/${bare}.d.ts`, ...(code ? { default: `./lib/${bare}.js` } : {}) }];
      }),
    ),
    dependencies: Object.fromEntries(Object.entries(manifest.dependencies).filter(([each]) => imported.has(each))),
  };
}

/** The package as one file, the same whenever it is made. */
export async function packageArchive(workshop: string, seconds: number): Promise<Uint8Array> {
  return gzip(tar(await packageEntries(workshop), seconds));
}

if (import.meta.main) {
  const workshop = join(root, `dist/package-${process.pid}`);
  const file = `sluice-${manifest.version}.tgz`;
  try {
    writeFileSync(join(root, "dist", file), await packageArchive(workshop, (await commit()).seconds));
    console.log(`dist/${file}`);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}
