// Finds where in a config's source an option stands, so that a fault can be shown in its line.
import { parse } from "@babel/parser";
import type * as ast from "@babel/types";
import type { ConfigPath } from "./fault.ts";

/** A place in a source, both counted from 1. Columns count UTF-16 units, as editors do. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Finds the place of a path in one source, which is read once. */
export type Locator = (path: ConfigPath) => Place | undefined;

/**
 * The place of the property, or the member of a list, that a path names in the options that the module exports by
 * default. Follows variables of the module, spreads, `satisfies`, `as` and the first argument of calls such as
 * `defineGateway(…)`. What cannot be followed (imports, conditions, other calls) gives the place of the nearest parent
 * that was found. Undefined when the source cannot be read or exports nothing by default.
 */
export function locator(source: string): Locator {
  const module = read(source);
  const root = module?.exported;
  return (path) => {
    let place = root?.loc;
    let value: ast.Node | undefined = root && module?.valueOf(root);
    for (const key of path) {
      const found = module && value && childOf(module, value, key);
      if (found === undefined) break;
      place = found.place.loc;
      value = found.value && module?.valueOf(found.value);
    }
    return place ? { line: place.start.line, column: place.start.column + 1 } : undefined;
  };
}

/** One path in a source: see {@link locator}. */
export function locate(source: string, path: ConfigPath): Place | undefined {
  return locator(source)(path);
}

interface Module {
  readonly exported: ast.Node | undefined;
  /** The expression a node stands for: variables and wrappers followed. */
  valueOf(node: ast.Node): ast.Node | undefined;
}

/** Most variables and wrappers to follow for one value: a variable may name itself. */
const DEEPEST = 32;

function read(source: string): Module | undefined {
  let program: ast.Program;
  try {
    // A byte order mark is no part of the first line.
    const text = source.replace(/^\uFEFF/, " ");
    program = parse(text, { sourceType: "module", plugins: ["typescript"], errorRecovery: true }).program;
  } catch {
    return undefined;
  }
  const variables = new Map<string, ast.Node>();
  let exported: ast.Node | undefined;
  for (const statement of program.body) {
    const declared = statement.type === "ExportNamedDeclaration" ? statement.declaration : statement;
    if (declared?.type === "VariableDeclaration") {
      for (const { id, init } of declared.declarations)
        if (id.type === "Identifier" && init) variables.set(id.name, init);
    }
    exported ??= exportedBy(statement);
  }
  return { exported, valueOf: (node) => follow(node, variables, DEEPEST) };
}

function exportedBy(statement: ast.Statement): ast.Node | undefined {
  if (statement.type === "ExportDefaultDeclaration") return statement.declaration;
  if (statement.type !== "ExportNamedDeclaration" || statement.source) return undefined;
  for (const specifier of statement.specifiers) {
    if (specifier.type === "ExportSpecifier" && nameOf(specifier.exported) === "default") return specifier.local;
  }
  return undefined;
}

function follow(node: ast.Node, variables: ReadonlyMap<string, ast.Node>, depth: number): ast.Node | undefined {
  if (depth === 0) return undefined;
  const next = (inner: ast.Node | null | undefined): ast.Node | undefined =>
    inner ? follow(inner, variables, depth - 1) : undefined;
  switch (node.type) {
    case "Identifier":
      return next(variables.get(node.name));
    case "TSSatisfiesExpression":
    case "TSAsExpression":
    case "TSNonNullExpression":
    case "TSTypeAssertion":
    case "ParenthesizedExpression":
      return next(node.expression);
    case "AwaitExpression":
      return next(node.argument);
    case "CallExpression":
      return next(node.arguments[0]);
    case "MemberExpression": {
      const key = node.computed ? literalOf(node.property) : nameOf(node.property);
      const owner = next(node.object);
      return owner && key !== undefined ? next(childOf({ valueOf: next }, owner, key)?.value) : undefined;
    }
    default:
      return node;
  }
}

/** A property or member: where it stands, and its value if it has one that can be looked into. */
interface Child {
  readonly place: ast.Node;
  readonly value: ast.Node | undefined;
}

function childOf(module: Pick<Module, "valueOf">, parent: ast.Node, key: string | number): Child | undefined {
  if (parent.type === "ArrayExpression") return memberOf(module, parent, Number(key));
  if (parent.type !== "ObjectExpression") return undefined;
  // What stands later wins, as it does when the module runs.
  for (const property of parent.properties.toReversed()) {
    if (property.type === "SpreadElement") {
      const spread = module.valueOf(property.argument);
      const found = spread && childOf(module, spread, key);
      if (found !== undefined) return found;
    } else if (keyOf(property) === String(key)) {
      return { place: property, value: property.type === "ObjectProperty" ? property.value : undefined };
    }
  }
  return undefined;
}

function memberOf(module: Pick<Module, "valueOf">, list: ast.ArrayExpression, index: number): Child | undefined {
  let left = index;
  for (const element of list.elements) {
    if (element?.type === "SpreadElement") {
      const spread = module.valueOf(element.argument);
      if (spread?.type !== "ArrayExpression") return undefined;
      const found = memberOf(module, spread, left);
      if (found !== undefined) return found;
      left -= spread.elements.length;
    } else if (left-- === 0) {
      return element ? { place: element, value: element } : undefined;
    }
  }
  return undefined;
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
