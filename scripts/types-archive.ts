// Gathers the types that `sluice init` writes: declarations of sluice, sluice/test, hono, hono/*, jose and valibot, and a tsconfig.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { TypeFiles } from "../src/cli/types-archive.ts";

/** A module that a config may import. */
export interface Importable {
  /** "hono/cors". */
  readonly specifier: string;
  /** Absolute path of its declarations. */
  readonly types: string;
}

/** The folders that declarations are copied from, and the folders below `.sluice/types` that they go to. */
interface Origin {
  readonly from: string;
  readonly to: string;
}

/** Options of the compiler that checks a config. Paths are relative to `.sluice/`. */
const COMPILER_OPTIONS = {
  target: "ESNext",
  module: "ESNext",
  moduleResolution: "bundler",
  lib: ["ESNext", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
  types: [],
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  isolatedModules: true,
  noEmit: true,
  skipLibCheck: true,
};

/** All files of `.sluice/` but the stamp. `workshop` is a folder for what the compiler writes. */
export async function gatherTypes(
  root: string,
  workshop: string,
  importables: readonly Importable[],
): Promise<TypeFiles> {
  const own = join(workshop, "declarations");
  await emitDeclarations(root, workshop, own, ["mod.ts", "cli/testing/api.ts"]);
  const origins: Origin[] = [
    { from: own, to: "sluice" },
    ...["hono", "jose", "valibot"].map((name) => ({ from: join(root, "node_modules", name, "dist"), to: name })),
  ];
  const modules = [
    { specifier: "sluice", types: join(own, "mod.d.ts") },
    { specifier: "sluice/test", types: join(own, "cli/testing/api.d.ts") },
    ...importables,
  ];
  const files: Record<string, string> = {};
  const paths: Record<string, string[]> = {};
  for (const { specifier, types } of modules) {
    paths[specifier] = [`./${await copyWithImports(types, origins, files)}`];
  }
  files["tsconfig.json"] = `${JSON.stringify({ compilerOptions: { ...COMPILER_OPTIONS, paths } }, null, 2)}\n`;
  return files;
}

/** Runs the TypeScript compiler for the declarations of these files below src/, and of all that they use, into `out`. */
export async function emitDeclarations(
  root: string,
  workshop: string,
  out: string,
  files: readonly string[],
): Promise<void> {
  mkdirSync(workshop, { recursive: true });
  const project = join(workshop, "tsconfig.json");
  const compilerOptions = {
    rootDir: join(root, "src"),
    outDir: out,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    // Errors are the business of `npm run check`; the declarations are the same.
    noCheck: true,
  };
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions,
    files: files.map((file) => join(root, "src", file)),
    include: [],
  };
  writeFileSync(project, JSON.stringify(config));
  const compiler = Bun.spawn([join(root, "node_modules/.bin/tsc"), "-p", project], { stdout: "pipe", stderr: "pipe" });
  const output = await new Response(compiler.stdout).text();
  if ((await compiler.exited) !== 0) throw new Error(`The compiler made no declarations:\n${output}`);
}

/** Copies a declaration file and all it imports by relative path; the path of its copy below `.sluice/`. */
async function copyWithImports(
  file: string,
  origins: readonly Origin[],
  files: Record<string, string>,
): Promise<string> {
  const name = placeFor(file, origins);
  if (files[name] !== undefined) return name;
  const text = readFileSync(file, "utf8").replace(/\n\/\/# sourceMappingURL=.*\s*$/, "\n");
  files[name] = text;
  for (const target of declarationsBehind(file, text)) await copyWithImports(target, origins, files);
  return name;
}

/** The declaration files that a file with this text imports by relative path. */
export function declarationsBehind(file: string, text: string): string[] {
  const imports = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'](\.[^"']*)["']/g);
  return [...imports].flatMap(([, specifier]) => declarationOf(resolve(dirname(file), specifier ?? "")) ?? []);
}

function placeFor(file: string, origins: readonly Origin[]): string {
  const origin = origins.find(({ from }) => file.startsWith(`${from}/`));
  if (origin === undefined) throw new Error(`${file} lies in none of the packages.`);
  const inside = relative(origin.from, file)
    .replace(/^types\//, "")
    .replace(/\.d\.mts$/, ".d.ts");
  return join("types", origin.to, inside);
}

/** The declaration file that a relative import means: "./x", "./x.js", "./x.ts" or a folder. */
function declarationOf(path: string): string | undefined {
  const bare = path.replace(/\.d\.m?ts$|\.m?[jt]s$/, "");
  return [`${bare}.d.ts`, `${bare}.d.mts`, join(path, "index.d.ts")].find((file) => existsSync(file));
}
