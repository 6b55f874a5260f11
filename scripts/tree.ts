// npm run tree: writes docs/tree.md anew, a line for each file of src, from the first line of each.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dir, "..");
const HEAD = `# The tree

A line for each file of \`src/\`: the first line of the file. \`npm run tree\` writes this page.
[ARCHITECTURE.md](../ARCHITECTURE.md#the-folders) has a line for each folder.
`;

/** The folders of src and the files in them, sorted; folders end with a slash: `src/http/`. */
export function folders(): Map<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const entry of readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const folder = `${entry.parentPath.slice(ROOT.length + 1)}/`;
    found.set(folder, [...(found.get(folder) ?? []), entry.name]);
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, files]) => [name, files.toSorted()]));
}

/** docs/tree.md as it is to be. */
export function treePage(): string {
  const parts = [...folders()].map(([folder, names]) => {
    const lines = names.map((name) => `- \`${name}\`: ${purpose(join(ROOT, folder, name))}`);
    return `## ${folder}\n\n${lines.join("\n")}\n`;
  });
  return [HEAD, ...parts].join("\n");
}

/** The sentence behind the slashes of the first line. */
function purpose(file: string): string {
  const [first = ""] = readFileSync(file, "utf8").split("\n", 1);
  // Angle brackets and the like are text here, not markup.
  return first.replace(/^\/\/ /, "").replace(/[*_<]/g, "\\$&");
}

if (import.meta.main) writeFileSync(join(ROOT, "docs/tree.md"), treePage());
