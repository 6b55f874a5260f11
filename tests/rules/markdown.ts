// The pages as the rules see them: code blocks, tables, paths and commands that they name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./source.ts";

/** The pages at the root, those of docs, and those beside the examples. */
export const PAGES: readonly string[] = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"],
  ...["docs", "examples"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`)
      .toSorted(),
  ),
];

/** A fenced block of code. */
export interface CodeBlock {
  /** What stands behind the opening fence: "ts", "console", … */
  readonly language: string;
  readonly text: string;
  /** Line of the page on which the text begins. */
  readonly line: number;
}

/** The text of a page. */
export function readPage(page: string): string {
  return readFileSync(join(ROOT, page), "utf8");
}

/** The fenced blocks of a page. */
export function codeBlocks(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of readPage(page).split("\n").entries()) {
    const fence = /^```(\w*)/.exec(line);
    if (open === undefined) {
      if (fence !== null) open = { language: fence[1]!, line: index + 2, lines: [] };
    } else if (fence === null) {
      open.lines.push(line);
    } else {
      blocks.push({ language: open.language, text: open.lines.join("\n"), line: open.line });
      open = undefined;
    }
  }
  return blocks;
}

/** A command of a console block and what the page says it prints. */
export interface Command {
  readonly command: string;
  readonly output: string;
  readonly line: number;
}

/** The commands of a console block: each begins with "$ " and is followed by its output. A "\" at the end goes on. */
export function commandsOf(block: CodeBlock): Command[] {
  const commands: { command: string; output: string[]; line: number }[] = [];
  let goesOn = false;
  for (const [index, line] of block.text.split("\n").entries()) {
    const last = commands.at(-1);
    if (line.startsWith("$ ")) commands.push({ command: line.slice(2), output: [], line: block.line + index });
    else if (goesOn && last !== undefined) last.command += `\n${line}`;
    else last?.output.push(line);
    goesOn = line.endsWith("\\");
  }
  return commands.map(({ command, output, line }) => ({ command, output: output.join("\n").trim(), line }));
}

/** A pattern of what a page shows: "…" stands for anything in its line, a line of "…" for any lines. */
export function pattern(shown: string): RegExp {
  const lines = shown.split("\n").map((line) => {
    if (line.trim() === "…") return "(?:.*(?:\n|$))*?";
    return `${line.split("…").map(escapeText).join(".*")}(?:\n|$)`;
  });
  return new RegExp(`^${lines.join("")}$`);
}

function escapeText(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

/** Whether lines stand in a source somewhere, all with the same indent before them. */
export function standsIn(source: readonly string[], lines: readonly string[]): boolean {
  return source.some((_, from) => standsAt(source, from, lines));
}

function standsAt(source: readonly string[], from: number, lines: readonly string[]): boolean {
  const indent = (source[from] ?? "").length - lines[0]!.length;
  return lines.every((line, i) => {
    const there = source[from + i] ?? "";
    return there.slice(indent) === line || (line === "" && there === "");
  });
}
