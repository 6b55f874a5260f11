// Finds where in a config's source an option stands, so that a fault can be shown in its line.
import { parse } from "@babel/parser";
import type * as ast from "@babel/types";
import type { ConfigPath } from "./fault.ts";

/** A place in a source, both counted from 1. Columns count UTF-16 units, as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Finds the place of a path in one source, which is read once; `depth`: how many keys of the path were found. */
export type Locator = (path: ConfigPath) => (Place & { readonly depth: number }) | undefined;

/**
 * The place of the property, or the member of a list, that a path names in the options that the module exports by
 * default. Follows variables of the module, spreads, `satisfies`, `as` and the first argument of calls such as
 * `defineGateway(…)`. What cannot be followed (imports, conditions, other calls) gives the place of the nearest parent
 * that was found. Undefined when the source cannot be read or exports nothing by default.
 */
export function locator(source: string): Locator {
  const program = read(source);
  const exported = program?.body.map(exportedBy).find((node) => node !== undefined);
  if (program === undefined || exported === undefined) return () => undefined;
  const variables = variablesOf(program);
  return (path) => {
    const search = new Search(variables);
    let place = exported.loc;
    let value = search.valueOf(exported);
    let depth = 0;
    for (const key of path) {
      const found = value && search.childOf(value, key);
      if (found === undefined) break;
      place = found.place.loc;
      value = found.value && search.valueOf(found.value);
      depth++;
    }
    return place ? { line: place.start.line, column: place.start.column + 1, depth } : undefined;
  };
}

/** One path in a source: see {@link locator}. */
export function locate(source: string, path: ConfigPath): Place | undefined {
  const found = locator(source)(path);
  return found && { line: found.line, column: found.column };
}

function read(source: string): ast.Program | undefined {
  try {
    return parse(source, { sourceType: "module", plugins: ["typescript"], errorRecovery: true }).program;
  } catch {
    return undefined;
  }
}

/** Initial values of the module's own variables. */
function variablesOf(program: ast.Program): ReadonlyMap<string, ast.Node> {
  const variables = new Map<string, ast.Node>();
  for (const statement of program.body) {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type !== "VariableDeclaration") continue;
    for (const { id, init } of declared.declarations)
      if (id.type === "Identifier" && init) variables.set(id.name, init);
  }
  return variables;
}

function exportedBy(statement: ast.Statement): ast.Node | undefined {
  if (statement.type === "ExportDefaultDeclaration") return statement.declaration;
  if (statement.type !== "ExportNamedDeclaration" || statement.source) return undefined;
  for (const specifier of statement.specifiers) {
    if (specifier.type === "ExportSpecifier" && nameOf(specifier.exported) === "default") return specifier.local;
  }
  return undefined;
}

/** A property or member: where it stands, and its value if it has one that can be looked into. */
interface Child {
  readonly place: ast.Node;
  readonly value: ast.Node | undefined;
}

/** The way along one path. Its steps are counted: variables may hold themselves. */
class Search {
  readonly #variables: ReadonlyMap<string, ast.Node>;
  #stepsLeft = 1000;

  constructor(variables: ReadonlyMap<string, ast.Node>) {
    this.#variables = variables;
  }

  /** The expression a node stands for: variables and wrappers followed. */
  valueOf(node: ast.Node | null | undefined): ast.Node | undefined {
    if (!node || this.#stepsLeft-- <= 0) return undefined;
    switch (node.type) {
      case "Identifier":
        return this.valueOf(this.#variables.get(node.name));
      case "TSSatisfiesExpression":
      case "TSAsExpression":
      case "TSNonNullExpression":
      case "TSTypeAssertion":
      case "ParenthesizedExpression":
        return this.valueOf(node.expression);
      case "AwaitExpression":
        return this.valueOf(node.argument);
      case "CallExpression":
        return this.valueOf(node.arguments[0]);
      case "MemberExpression": {
        const key = node.computed ? literalOf(node.property) : nameOf(node.property);
        const owner = this.valueOf(node.object);
        return owner && key !== undefined ? this.valueOf(this.childOf(owner, key)?.value) : undefined;
      }
      default:
        return node;
    }
  }

  /** What an object or list holds under a key. */
  childOf(parent: ast.Node, key: string | number): Child | undefined {
    if (parent.type === "ArrayExpression") {
      const member = [...this.#members(parent)][Number(key)];
      return member ? { place: member, value: member } : undefined;
    }
    if (parent.type !== "ObjectExpression") return undefined;
    // What stands later wins, as it does when the module runs.
    for (const property of parent.properties.toReversed()) {
      if (property.type === "SpreadElement") {
        const spread = this.valueOf(property.argument);
        const found = spread && this.childOf(spread, key);
        if (found !== undefined) return found;
      } else if (keyOf(property) === String(key)) {
        return { place: property, value: property.type === "ObjectProperty" ? property.value : undefined };
      }
    }
    return undefined;
  }

  /** The members of a list in order, null for holes, up to a spread that cannot be followed. Returns whether to go on. */
  *#members(list: ast.ArrayExpression): Generator<ast.Node | null, boolean> {
    for (const element of list.elements) {
      if (element?.type !== "SpreadElement") {
        yield element;
        continue;
      }
      const spread = this.valueOf(element.argument);
      if (spread?.type !== "ArrayExpression" || !(yield* this.#members(spread))) return false;
    }
    return true;
  }
}

function keyOf(property: ast.ObjectProperty | ast.ObjectMethod): string | undefined {
  return property.computed ? literalOf(property.key) : (nameOf(property.key) ?? literalOf(property.key));
}

function nameOf(node: ast.Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  return node.type === "StringLiteral" ? node.value : undefined;
}

function literalOf(node: ast.Node): string | undefined {
  if (node.type === "StringLiteral" || node.type === "NumericLiteral") return String(node.value);
  const plain = node.type === "TemplateLiteral" && node.expressions.length === 0;
  return plain ? (node.quasis[0]?.value.cooked ?? undefined) : undefined;
}
