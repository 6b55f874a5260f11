// Types as a reader of the manual sees them: short, without `readonly`, without names of type parameters.
import type * as t from "@babel/types";
import type { Declaration, Declarations, SourceFile } from "./declarations.ts";

/** Names in scope that stand for something else. */
export type Parameters = ReadonlySet<string>;

/** Types that have an entry of their own among the values. */
export const VALUE_TYPES: readonly string[] = ["Duration", "Size", "Hidden"];

/** How a text that does not stand in the config is shown. */
export const HIDDEN = 'env("…")';

/** Wrappers that say nothing of the value. */
const TRANSPARENT: ReadonlySet<string> = new Set(["Readonly", "NoInfer", "Partial"]);

/** Names of the type parameters of a declaration. */
export function parametersOf({ node }: Declaration): Parameters {
  const parameters = "typeParameters" in node ? node.typeParameters : undefined;
  if (parameters?.type !== "TSTypeParameterDeclaration") return new Set();
  return new Set(parameters.params.map(({ name }) => (typeof name === "string" ? name : (name as t.Identifier).name)));
}

/** A TypeScript type as the reference shows it. */
export function typeText(node: t.TSType, file: SourceFile, declarations: Declarations, parameters: Parameters): string {
  const text = (inner: t.TSType): string => typeText(inner, file, declarations, parameters);
  switch (node.type) {
    case "TSUnionType":
      return [...new Set(node.types.map(text))].join(" | ");
    case "TSParenthesizedType":
      return text(node.typeAnnotation);
    case "TSTypeOperator":
      return text(node.typeAnnotation);
    case "TSArrayType": {
      const inner = text(node.elementType);
      return /[|&]|=>/.test(inner) ? `(${inner})[]` : `${inner}[]`;
    }
    case "TSIntersectionType":
      // `string & {}` keeps an editor's suggestions; to a reader it is a string.
      return text(node.types[0]!);
    case "TSTypeLiteral":
      return "{ … }";
    case "TSMappedType":
      return node.typeAnnotation == null ? "{ … }" : `{ NAME: ${text(node.typeAnnotation)} }`;
    case "TSFunctionType":
      return "function";
    case "TSIndexedAccessType":
      return indexedText(node, file, declarations, parameters);
    case "TSTypeReference":
      return referenceText(node, file, declarations, parameters);
    default:
      return sourceOf(node, file);
  }
}

function referenceText(
  node: t.TSTypeReference,
  file: SourceFile,
  declarations: Declarations,
  parameters: Parameters,
): string {
  const name = sourceOf(node.typeName, file);
  const [first, second] = argumentsOf(node);
  if (TRANSPARENT.has(name) && first !== undefined) return typeText(first, file, declarations, parameters);
  if (name === "Record" && second !== undefined) return `{ NAME: ${typeText(second, file, declarations, parameters)} }`;
  if (name === "Hidden") return HIDDEN;
  if (parameters.has(name)) return "string";
  const found = declarations.find(name, file);
  if (found?.node.type === "TSInterfaceDeclaration") return "{ … }";
  if (found?.node.type !== "TSTypeAliasDeclaration" || VALUE_TYPES.includes(name)) return name;
  const whole = typeText(found.node.typeAnnotation, found.file, declarations, parametersOf(found));
  return whole.length > 160 ? name : whole;
}

/** `N["upstream"]` is a name; of `LogFilter["status"]` the type of that member is meant. */
function indexedText(
  node: t.TSIndexedAccessType,
  file: SourceFile,
  declarations: Declarations,
  parameters: Parameters,
): string {
  const { indexType } = node;
  const objectType = node.objectType.type === "TSParenthesizedType" ? node.objectType.typeAnnotation : node.objectType;
  // `(typeof WORDS)[number]` is one of the words.
  const list = objectType.type === "TSTypeQuery" ? file.lists.get(sourceOf(objectType.exprName, file)) : undefined;
  if (list !== undefined) return list.map((word) => JSON.stringify(word)).join(" | ");
  if (objectType.type !== "TSTypeReference") return sourceOf(node, file);
  const name = sourceOf(objectType.typeName, file);
  if (parameters.has(name)) return "string";
  const found = declarations.find(name, file);
  const key =
    indexType.type === "TSLiteralType" && indexType.literal.type === "StringLiteral" ? indexType.literal.value : "";
  if (found?.node.type !== "TSInterfaceDeclaration") return sourceOf(node, file);
  const member = found.node.body.body.find(
    (each) => each.type === "TSPropertySignature" && each.key.type === "Identifier" && each.key.name === key,
  );
  const type = member?.type === "TSPropertySignature" ? member.typeAnnotation?.typeAnnotation : undefined;
  return type === undefined ? sourceOf(node, file) : typeText(type, found.file, declarations, parametersOf(found));
}

/** The arguments of a generic type. */
export function argumentsOf(node: t.TSTypeReference): t.TSType[] {
  const written = node as t.TSTypeReference & { typeArguments?: { params: t.TSType[] } };
  return (written.typeArguments ?? written.typeParameters)?.params ?? [];
}

/** The source text of a node, on one line. */
export function sourceOf(node: t.Node, file: SourceFile): string {
  return file.source.slice(node.start!, node.end!).replaceAll(/\s+/g, " ");
}
