// Declarations of types in TypeScript files, found by name across imports, with the text of their doc comments.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "@babel/parser";
import type * as t from "@babel/types";

/** A declared type or function. */
export interface Declaration {
  readonly name: string;
  readonly file: SourceFile;
  readonly node:
    | t.TSInterfaceDeclaration
    | t.TSTypeAliasDeclaration
    | t.ClassDeclaration
    | t.FunctionDeclaration
    | t.TSDeclareFunction;
  /** Its doc comment, "" without one. */
  readonly text: string;
}

/** A TypeScript source, parsed. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
  readonly own: ReadonlyMap<string, Declaration>;
  /** Lists of texts that are constants, by name: `const WORDS = ["a", "b"] as const`. */
  readonly lists: ReadonlyMap<string, readonly string[]>;
  /** Names that come from elsewhere: the file, and the name there. */
  readonly imported: ReadonlyMap<string, { readonly from: string; readonly name: string; readonly type: boolean }>;
}

/** Parses TypeScript sources, each once, and finds the declarations that names in them mean. */
export class Declarations {
  readonly #files = new Map<string, SourceFile>();

  /** The file at this path. @throws when it cannot be read or parsed */
  file(path: string): SourceFile {
    let file = this.#files.get(path);
    if (file === undefined) this.#files.set(path, (file = readFile(path)));
    return file;
  }

  /** What a name means in a file; undefined for what packages and the language declare. */
  find(name: string, file: SourceFile): Declaration | undefined {
    const own = file.own.get(name);
    if (own !== undefined) return own;
    const imported = file.imported.get(name);
    if (imported === undefined || !imported.from.startsWith(".")) return undefined;
    return this.find(imported.name, this.file(join(dirname(file.path), imported.from)));
  }
}

function readFile(path: string): SourceFile {
  const source = readFileSync(path, "utf8");
  const { program } = parse(source, { sourceType: "module", plugins: ["typescript"], attachComment: true });
  const own = new Map<string, Declaration>();
  const imported = new Map<string, { from: string; name: string; type: boolean }>();
  const lists = new Map<string, readonly string[]>();
  const file: SourceFile = { path, source, own, lists, imported };
  for (const statement of program.body) {
    if (statement.type === "ImportDeclaration" || (statement.type === "ExportNamedDeclaration" && statement.source)) {
      const from = statement.source!.value;
      const type = (statement.type === "ImportDeclaration" ? statement.importKind : statement.exportKind) === "type";
      for (const each of statement.specifiers) {
        if (each.type === "ImportSpecifier") imported.set(each.local.name, { from, name: nameOf(each.imported), type });
        if (each.type === "ExportSpecifier") imported.set(nameOf(each.exported), { from, name: each.local.name, type });
      }
      continue;
    }
    const node = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (node?.type === "VariableDeclaration") {
      for (const { id, init } of node.declarations) {
        if (id.type === "Identifier" && init?.type === "TSAsExpression") lists.set(id.name, textsOf(init.expression));
      }
    }
    if (!isDeclaration(node) || node.id == null) continue;
    own.set(node.id.name, { name: node.id.name, file, node, text: docOf(statement) });
  }
  return file;
}

function textsOf(node: t.Expression): string[] {
  if (node.type !== "ArrayExpression") return [];
  return node.elements.flatMap((each) => (each?.type === "StringLiteral" ? [each.value] : []));
}

function isDeclaration(node: t.Node | null | undefined): node is Declaration["node"] {
  return (
    node?.type === "TSInterfaceDeclaration" ||
    node?.type === "TSTypeAliasDeclaration" ||
    node?.type === "ClassDeclaration" ||
    node?.type === "FunctionDeclaration" ||
    node?.type === "TSDeclareFunction"
  );
}

/** The name behind `as`, whether it is written as a name or as a text. */
function nameOf(node: t.Identifier | t.StringLiteral): string {
  return node.type === "Identifier" ? node.name : node.value;
}

/**
 * The text of the doc comment right before a node: lines joined, list items and paragraphs on lines of their own, links as
 * their text; tags such as `@param` and the numbers of our cases are left out.
 */
export function docOf(node: t.Node): string {
  const comment = node.leadingComments?.at(-1);
  if (comment?.type !== "CommentBlock" || !comment.value.startsWith("*")) return "";
  const lines = comment.value
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim());
  const end = lines.findIndex((line) => line.startsWith("@"));
  const text = (end === -1 ? lines : lines.slice(0, end))
    .join("\n")
    .replaceAll(/\{@link ([^}]*)\}/g, "`$1`")
    .replaceAll(/ \(case GW-\d+\)/g, "");
  return text.replaceAll(/\n(?!\n|- )(?<!\n\n)/g, " ").trim();
}
