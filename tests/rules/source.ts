// The sources as the rules see them: their files, their imports and what they export.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parse } from "@babel/parser";
import type { Comment, Node, Statement } from "@babel/types";

/** The project's root. */
export const ROOT = resolve(import.meta.dir, "../..");

/** One import or re-export. */
export interface Import {
  /** As written. */
  readonly from: string;
  /** The file it leads to, as a path from the root; undefined for a package or a runtime's module. */
  readonly file: string | undefined;
  /** Whether it vanishes at run time. */
  readonly typeOnly: boolean;
  readonly line: number;
}

/** An exported name. */
export interface Export {
  readonly name: string;
  readonly line: number;
  /** Whether a doc comment stands right before it. */
  readonly documented: boolean;
}

/** A source file. */
export interface Source {
  /** Path from the root. */
  readonly path: string;
  readonly lines: readonly string[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Whether it only passes on what other files export. */
  readonly isBarrel: boolean;
}

/** Paths from the root of the files below `folder` whose names end so. */
export function filesIn(folder: string, ending = ""): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
    .toSorted();
}

/** The parsed sources below `folder`. */
export function sourcesIn(folder: string): Source[] {
  return filesIn(folder, ".ts").map((path) => readSource(path, readFileSync(join(ROOT, path), "utf8")));
}

/** Parses the text of a file. */
export function readSource(path: string, text: string): Source {
  const { program } = parse(text, { sourceType: "module", plugins: ["typescript"], attachComment: true });
  const imports: Import[] = [];
  walk(program, (node) => {
    const found = importOf(node);
    if (found === undefined) return;
    const file = found.from.startsWith(".") ? join(dirname(path), found.from) : undefined;
    imports.push({ ...found, file, line: lineOf(node) });
  });
  const exports = program.body.flatMap(exportsOf);
  const isBarrel =
    program.body.some((node) => node.type.startsWith("Export")) && program.body.every((node) => !declares(node));
  return { path, lines: text.trimEnd().split("\n"), imports, exports, isBarrel };
}

function declares(node: Statement): boolean {
  if (node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration") return false;
  return node.type !== "ExportNamedDeclaration" || node.declaration != null;
}

function importOf(node: Node): { from: string; typeOnly: boolean } | undefined {
  switch (node.type) {
    case "ImportDeclaration":
      return { from: node.source.value, typeOnly: node.importKind === "type" };
    case "ExportAllDeclaration":
      return { from: node.source.value, typeOnly: node.exportKind === "type" };
    case "ExportNamedDeclaration":
      return node.source == null ? undefined : { from: node.source.value, typeOnly: node.exportKind === "type" };
    case "TSImportType":
      return node.argument.type === "StringLiteral" ? { from: node.argument.value, typeOnly: true } : undefined;
    case "CallExpression": {
      const [first] = node.arguments;
      return node.callee.type === "Import" && first?.type === "StringLiteral"
        ? { from: first.value, typeOnly: false }
        : undefined;
    }
    default:
      return undefined;
  }
}

function exportsOf(node: Statement): Export[] {
  if (node.type === "ExportDefaultDeclaration") {
    return [{ name: "default", line: lineOf(node), documented: isDocumented(node) }];
  }
  if (node.type !== "ExportNamedDeclaration") return [];
  const line = lineOf(node);
  const documented = isDocumented(node);
  const declaration = node.declaration;
  if (declaration == null) {
    // What is passed on is documented where it is declared.
    return node.specifiers.map((each) => ({ name: nameOf(each.exported), line, documented: true }));
  }
  if (declaration.type === "VariableDeclaration") {
    return declaration.declarations.map((each) => ({ name: nameOf(each.id), line, documented }));
  }
  return [{ name: "id" in declaration && declaration.id ? nameOf(declaration.id) : "?", line, documented }];
}

function nameOf(node: Node): string {
  if (node.type === "Identifier") return node.name;
  return node.type === "StringLiteral" ? node.value : "?";
}

function isDocumented(node: Node): boolean {
  const comment: Comment | undefined = node.leadingComments?.at(-1);
  return comment?.type === "CommentBlock" && comment.value.startsWith("*");
}

function lineOf(node: Node): number {
  return node.loc?.start.line ?? 0;
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  for (const [name, value] of Object.entries(node)) {
    if (name.endsWith("Comments")) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}
