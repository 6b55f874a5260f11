// npm run tree: writes the tree of ARCHITECTURE.md anew, a line a file, from the first line of each.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const PAGE = join(ROOT, "ARCHITECTURE.md");
const BEGIN = "<!-- tree: written by `npm run tree` -->";
const END = "<!-- end of tree -->";

/** The page with its tree as the sources are now. */
export function withTree(page: string): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`ARCHITECTURE.md has no place for the tree: ${BEGIN} … ${END}`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${tree()}\n${page.slice(end)}`;
}

function tree(): string {
  const folders = new Map<string, string[]>();
  for (const entry of readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const folder = `${entry.parentPath.slice(ROOT.length + 1)}/`;
    folders.set(folder, [...(folders.get(folder) ?? []), entry.name]);
  }
  const parts = [...folders].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([folder, names]) => part(folder, names));
  return parts.join("\n");
}

function part(folder: string, names: readonly string[]): string {
  const lines = names.toSorted().map((name) => `- \`${name}\`: ${purpose(join(ROOT, folder, name))}`);
  return `**${folder}**\n\n${lines.join("\n")}\n`;
}

/** The sentence behind the slashes of the first line. */
function purpose(file: string): string {
  const [first = ""] = readFileSync(file, "utf8").split("\n", 1);
  // Angle brackets and the like are text here, not markup.
  return first.replace(/^\/\/ /, "").replace(/[*_<]/g, "\\$&");
}

if (import.meta.main) writeFileSync(PAGE, withTree(readFileSync(PAGE, "utf8")));
