// Why a config did not load, in words: what the runtime throws at `import`, with the position in the user's file.
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { distance } from "fastest-levenshtein";
import { nearestOf } from "../config/nearest.ts";
import { messageOf } from "../errors.ts";
import { type Place } from "./exit.ts";

import { placeOfImport, placeOfSpecifier, type Position } from "./source-text.ts";
import { userFrame } from "./stack.ts";
import { shownPath } from "./terminal.ts";
import type { VirtualModules } from "./virtual-modules.ts";

/** So many exports are named at most, where none is like the one that is asked for. */
const MOST_NAMED = 40;

/** One reason why a config did not load. */
export interface LoadFault {
  readonly place: Place;
  /** A sentence that begins in lower case: it follows the place. */
  readonly message: string;
  readonly hint?: string | undefined;
  /** The nearest right word, when the fault is a wrong one. */
  readonly nearest?: string | undefined;
}

/** The faults behind what `import(file)` threw; at least one. */
export async function explainLoadFailure(thrown: unknown, file: string, modules: VirtualModules): Promise<LoadFault[]> {
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    const all = await Promise.all(firstOf(thrown.errors).map((error) => explainLoadFailure(error, file, modules)));
    return all.flat();
  }
  if (typeof thrown !== "object" || thrown === null) {
    return [{ place: { file }, message: `the ${kindOfFile(file)} threw ${JSON.stringify(thrown) ?? String(thrown)}.` }];
  }
  const error = thrown as RuntimeError;
  if (error.name === "ResolveMessage") return [unresolvedImport(error, file, modules)];
  if (error.name === "BuildMessage") return [missingFile(error, file) ?? syntaxError(error, file)];
  const missing =
    /^(?:Export named '(?<name>[^']+)' not found in|Missing 'default' export in) module '(?<from>[^']+)'/.exec(
      error.message ?? "",
    );
  if (missing?.groups?.["from"] !== undefined) {
    return [await missingExport(missing.groups["name"] ?? "default", missing.groups["from"], file, modules)];
  }
  if (file.endsWith(".json") && error.name === "SyntaxError") return [syntaxError(error, file)];
  return [thrownWhileLoading(error, file)];
}

/** Whether the file is a test or a config, by its name. */
export function kindOfFile(file: string): "config" | "test" {
  return /\.test\.[cm]?[jt]s$/.test(file) ? "test" : "config";
}

/** After a parser has met what it did not expect, what else it says is mostly wrong: nothing behind that is told. */
function firstOf(errors: readonly unknown[]): readonly unknown[] {
  const lost = errors.findIndex((error) => /^(?:Expected|Unexpected|Unterminated) /.test(messageOf(error)));
  return lost === -1 ? errors : errors.slice(0, lost + 1);
}

/** What the runtime's errors carry. Positions of build messages count from 1 in `position`, from 0 elsewhere. */
interface RuntimeError {
  readonly name?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly specifier?: string;
  readonly referrer?: string;
  readonly position?: { readonly file: string; readonly line: number; readonly column: number } | null;
}

function syntaxError(error: RuntimeError, file: string): LoadFault {
  const at = error.position;
  const place = at === null || at === undefined ? { file } : { file: at.file, line: at.line, column: at.column };
  return { place, message: `syntax error: ${sentence(error.message ?? "")}` };
}

/** The runtime had found a file, and it is gone. */
function missingFile(error: RuntimeError, file: string): LoadFault | undefined {
  const gone = /^ENOENT reading "(.+)"$/.exec(error.message ?? "")?.[1];
  if (gone === undefined) return undefined;
  const place = placeOfFile(file, gone) ?? { file };
  return { place, message: `there is no file "${shownPath(gone)}".` };
}

function thrownWhileLoading(error: RuntimeError, file: string): LoadFault {
  const kind = error.name === undefined || error.name === "Error" ? "" : `${error.name}: `;
  const message = `the ${kindOfFile(file)} threw while it was loading: ${kind}${sentence(error.message ?? "")}`;
  return { place: userFrame(error.stack) ?? { file }, message };
}

function unresolvedImport(error: RuntimeError, file: string, modules: VirtualModules): LoadFault {
  const specifier = error.specifier ?? "";
  const importer = error.referrer === undefined || error.referrer === "" ? file : error.referrer;
  const place = { file: importer, ...placeOfSpecifier(readText(importer), specifier) };
  if (/^\.{0,2}\//.test(specifier)) {
    const near = nearestFile(resolve(dirname(importer), specifier));
    const meant = near === undefined ? undefined : `${dirname(specifier)}/${near}`;
    const hint = meant === undefined ? undefined : `Did you mean "${meant}"?`;
    return { place, message: `there is no file "${specifier}".`, hint, nearest: meant };
  }
  const near = surelyMeant(specifier, Object.keys(modules));
  const meant = near === undefined ? "" : ` Did you mean "${near}"?`;
  return {
    place,
    message: `the import "${specifier}" cannot be found.`,
    hint: `A ${kindOfFile(file)} can import ${importable(modules)}, files, and what a node_modules folder beside it holds.${meant}`,
    nearest: near,
  };
}

/** The modules inside the executable, subpaths gathered: "sluice, hono, hono/*, jose, valibot". */
function importable(modules: VirtualModules): string {
  const names = Object.keys(modules).map((name) => (name.includes("/") ? `${name.split("/")[0]}/*` : name));
  return [...new Set(names)].join(", ");
}

async function missingExport(name: string, from: string, file: string, modules: VirtualModules): Promise<LoadFault> {
  const isFile = from.startsWith("/");
  const shown = isFile ? shownPath(from) : from;
  const place = findImport(file, name, from) ?? { file };
  if (name === "default")
    return {
      place,
      message: `"${shown}" has no default export.`,
      hint: `Import by name: import { … } from "${shown}";`,
    };
  const there = await exportsOf(from, modules);
  const near = nearestOf(name, there);
  return {
    place,
    message: `"${shown}" exports no "${name}".`,
    hint: near === undefined ? exportsText(there) : `Did you mean "${near}"?`,
    nearest: near,
  };
}

function exportsText(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `It exports ${names.slice(0, MOST_NAMED).join(", ")}${names.length > MOST_NAMED ? ", …" : ""}.`;
}

async function exportsOf(from: string, modules: VirtualModules): Promise<string[]> {
  if (Object.hasOwn(modules, from)) return Object.keys(await modules[from]!());
  const graph = new Bun.ModuleGraph({ onError: () => undefined });
  try {
    return Object.keys(await graph.import<object>(from));
  } catch {
    return [];
  } finally {
    graph.dispose();
  }
}

/** Where `name` is imported from `from`: in the config, or in a file that it imports. */
function findImport(file: string, name: string, from: string): Place | undefined {
  for (const [path, source, specifier, target] of importsOf(file)) {
    if (target !== from) continue;
    const position: Position | undefined = placeOfImport(source, name, specifier);
    if (position !== undefined) return { file: path, ...position };
  }
  return undefined;
}

/** Where a file is imported that is not there. */
function placeOfFile(file: string, gone: string): Place | undefined {
  for (const [path, source, specifier] of importsOf(file)) {
    const meant = resolve(dirname(path), specifier);
    if (gone === meant || gone.startsWith(`${meant}.`)) return { file: path, ...placeOfSpecifier(source, specifier) };
  }
  return undefined;
}

/** What is imported, in the config and in the files that it imports: by whom, its text, as what, and which file or module. */
function* importsOf(file: string): Generator<[path: string, source: string, specifier: string, target: string]> {
  const pending = [file];
  for (const path of pending) {
    const source = readText(path);
    for (const specifier of specifiersIn(source)) {
      const target = specifier.startsWith(".") ? localFile(resolve(dirname(path), specifier)) : specifier;
      yield [path, source, specifier, target ?? ""];
      if (target?.startsWith("/") && !pending.includes(target)) pending.push(target);
    }
  }
}

function specifiersIn(source: string): string[] {
  return [...source.matchAll(/\bfrom\s*(["'`])([^"'`\n]+)\1/g)].map((match) => match[2] ?? "");
}

/** The file that a relative import without its extension means. */
function localFile(path: string): string | undefined {
  return ["", ".ts", ".tsx", ".mts", ".js", ".mjs", "/index.ts"]
    .map((end) => path + end)
    .find((each) => readText(each) !== "");
}

function nearestFile(path: string): string | undefined {
  try {
    return surelyMeant(basename(path), readdirSync(dirname(path)));
  } catch {
    return undefined;
  }
}

/** Paths share much of their text, so the nearest one is meant only if it is very near. */
function surelyMeant(path: string, candidates: readonly string[]): string | undefined {
  const near = nearestOf(path, candidates);
  return near !== undefined && distance(path, near) <= Math.max(1, path.length / 5) ? near : undefined;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** The one top-level `await` of a source that could be the one that hangs; undefined when there are several. */
export function topLevelAwait(source: string): Position | undefined {
  const lines = source.split("\n");
  const at = lines.flatMap((line, index) => (/^(?![\s/*]).*\bawait\b/.test(line) ? [index] : []));
  const [index] = at;
  if (at.length !== 1 || index === undefined) return undefined;
  return { line: index + 1, column: (lines[index] ?? "").search(/\bawait\b/) + 1 };
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
