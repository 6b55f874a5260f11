// What a config may import with nothing installed: the list, read from the packages' own `exports`.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Importable } from "./types-archive.ts";

/** The part of a manifest that is read here. */
interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>;
}

/** hono with every subpath, jose and valibot. `sluice` itself is not among them. */
export function listImportables(root: string): Importable[] {
  return [
    ...exportsOf(root, "hono", () => true),
    ...exportsOf(root, "jose", isRoot),
    ...exportsOf(root, "valibot", isRoot),
  ];
}

function isRoot(subpath: string): boolean {
  return subpath === ".";
}

function exportsOf(root: string, name: string, wanted: (subpath: string) => boolean): Importable[] {
  const folder = join(root, "node_modules", name);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  return Object.entries(manifest.exports)
    .filter(([subpath]) => wanted(subpath))
    .flatMap(([subpath, target]) => expand(folder, subpath, typesOf(target)))
    .map(([subpath, types]) => ({ specifier: name + subpath.slice(1), types: join(folder, types) }));
}

/** The path of the declarations, wherever the conditions nest it; those for `import` first. */
function typesOf(target: unknown): string {
  if (typeof target !== "object" || target === null) return "";
  const conditions = target as Readonly<Record<string, unknown>>;
  const types = conditions["types"];
  return typeof types === "string" ? types : typesOf(conditions["import"]);
}

/** A subpath with "*" as one entry for each file that it matches. */
function expand(folder: string, subpath: string, types: string): [subpath: string, types: string][] {
  if (types === "") return [];
  if (!subpath.includes("*")) return existsSync(join(folder, types)) ? [[subpath, types]] : [];
  const [before = "", after = ""] = types.split("*");
  return (readdirSync(join(folder, before), { recursive: true }) as string[])
    .filter((file) => file.endsWith(after) && !file.endsWith(`/index${after}`))
    .map((file) => file.slice(0, file.length - after.length))
    .map((star) => [subpath.replace("*", star), types.replace("*", star)]);
}
