// The files that a config is made of, read once: what was checked is what runs, in every thread and for as long as it runs.
import { readFileSync, realpathSync } from "node:fs";
import { dirname, extname, isAbsolute, resolve } from "node:path";
import { isJson } from "../http/json.ts";
import { EXIT, Refusal, systemCode } from "./exit.ts";
import { shownPath, shownPlace } from "./terminal.ts";

/** The config's file and all that it imports by path. Packages of a `node_modules` folder are not among them. */
export interface Sources {
  /** The config, an absolute path. */
  readonly file: string;
  /** The same file where symbolic links lead: as the runtime names it. */
  readonly entry: string;
  /** Modules and JSON by absolute path: they are loaded as they were read here. */
  readonly texts: ReadonlyMap<string, string>;
  /** What else is imported (CommonJS, YAML, text, …): loaded from the disk. Undefined: it cannot be read. */
  readonly others: ReadonlyMap<string, string | undefined>;
}

/** What each ending of a file is to the runtime. */
const LOADERS: Readonly<Record<string, "ts" | "tsx" | "js" | "jsx">> = {
  ".ts": "ts",
  ".mts": "ts",
  ".tsx": "tsx",
  ".js": "js",
  ".mjs": "js",
  ".jsx": "jsx",
};

/** Files that stand in the place of those on the disk. */
export type GivenFiles = Pick<Sources, "texts" | "others">;

/**
 * Reads the config `file` and what it imports.
 * @param given what it imports of these is taken from here
 * @throws Refusal (66) when the file itself cannot be read
 */
export function readSources(file: string, given?: GivenFiles): Sources {
  const texts = new Map<string, string>();
  const others = new Map<string, string | undefined>();
  const entry = whereLinksLead(file);
  const pending = new Map<string, string | undefined>([[entry, readConfig(file, entry)]]);
  for (const [path, text] of pending) {
    const parts = text === undefined ? undefined : partsOf(path, text);
    if (text === undefined || parts === undefined) others.set(path, text);
    else texts.set(path, text);
    for (const specifier of parts?.imports ?? []) {
      const imported = fileOf(specifier, dirname(path));
      if (imported !== undefined && !pending.has(imported)) pending.set(imported, readText(imported, given));
    }
  }
  // Whoever looks for a place in the config has its name.
  if (texts.has(entry)) texts.set(file, texts.get(entry)!);
  else others.set(file, others.get(entry));
  return { file, entry, texts, others };
}

/** Where a text stands first in these files, whatever its letters' case: `gateway.config.ts:12`. */
export function placeOfText({ file, entry, texts, others }: Sources, text: string): string | undefined {
  const wanted = text.toLowerCase();
  for (const [path, source] of [...texts, ...others]) {
    const at = source?.toLowerCase().indexOf(wanted) ?? -1;
    if (at < 0) continue;
    return shownPlace({ file: path === entry ? file : path, line: source!.slice(0, at).split("\n").length });
  }
  return undefined;
}

/** The first file that is no longer what was read: on the disk, of those that are loaded from there, or by another link. */
export function movedFile({ file, entry, others }: Sources): string | undefined {
  return whereLinksLead(file) === entry ? changedFile(others) : file;
}

/** The first of the files that is on the disk no longer what it was. */
export function changedFile(files: Sources["others"]): string | undefined {
  return [...files].find(([path, text]) => readText(path) !== text)?.[0];
}

/** Tells two states of a config apart: of the SHA-256 of its files, 16 digits. */
export function hashOf({ texts, others }: Sources): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const [path, text] of [...texts, ...others]) hash.update(JSON.stringify([path, text]));
  return hash.digest("hex").slice(0, 16);
}

/** How to load a text as a module. Undefined: by the runtime alone. */
export function moduleOf(path: string, text: string): Bun.OnLoadResult {
  const loader = LOADERS[extname(path)];
  if (loader !== undefined) return { contents: text, loader };
  const value = JSON.parse(text) as unknown;
  const members = typeof value === "object" && !Array.isArray(value) ? value : {};
  return { loader: "object", exports: { ...members, default: value } };
}

/** What a file imports; undefined for one that is no ECMAScript module and no JSON. */
function partsOf(path: string, text: string): { readonly imports: readonly string[] } | undefined {
  const loader = LOADERS[extname(path)];
  if (loader === undefined) return extname(path) === ".json" && isJson(text) ? { imports: [] } : undefined;
  try {
    const { imports, exports } = transpilerOf(loader).scan(text);
    const isModule = exports.length > 0 || imports.some(({ kind }) => kind === "import-statement");
    const specifiers = imports.map(({ path }) => path);
    return isModule ? { imports: specifiers } : undefined;
  } catch {
    // Loading it tells what is wrong, and where.
    return { imports: [] };
  }
}

/** One for all: each keeps megabytes. */
const transpilers = new Map<Bun.JavaScriptLoader, Bun.Transpiler>();

function transpilerOf(loader: Bun.JavaScriptLoader): Bun.Transpiler {
  const known = transpilers.get(loader) ?? new Bun.Transpiler({ loader });
  transpilers.set(loader, known);
  return known;
}

/** The file that is meant, there or not; undefined for packages and for what is inside the executable. */
function fileOf(specifier: string, folder: string): string | undefined {
  if (!specifier.startsWith(".") && !isAbsolute(specifier)) return undefined;
  try {
    return Bun.resolveSync(specifier, folder);
  } catch {
    return resolve(folder, specifier);
  }
}

function whereLinksLead(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function readConfig(file: string, entry: string): string {
  try {
    return readFileSync(entry, "utf8");
  } catch (error) {
    throw new Refusal(EXIT.noInput, `${shownPath(file)} cannot be read (${systemCode(error)}).`);
  }
}

function readText(path: string, given?: GivenFiles): string | undefined {
  const text = given?.texts.get(path) ?? given?.others.get(path);
  if (text !== undefined) return text;
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
