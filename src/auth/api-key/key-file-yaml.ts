// A key file, or one consumer of it, by the YAML reader: whatever form it is written in, within the few shapes it may have.
import { isMap, isScalar, isSeq, type Node, parseDocument, type YAMLMap } from "yaml";
import type { KeyBook, WrittenKey, WrittenText } from "./key-book.ts";

/** Where something stands: an index in the text that was parsed, and where that text begins in the file. */
interface Source {
  readonly offset: number;
  readonly book: KeyBook;
}

/** A map as the reader gives it: names, and a value of null where a flow map has none. */
type Pairs = YAMLMap<Node, Node | null>;

const FILE = "an object `consumers` and nothing else";
const CONSUMER = "an object of `groups` and `keys`";
const KEY = 'a key: "sha256:…", or { hash, expires, id }';

/** Reads a key file of any YAML form; consumers, keys and faults go to `book`. */
export function readWhole(text: string, book: KeyBook): void {
  const source = { offset: 0, book };
  const root = parse(text, source, FILE, "A file without any is `consumers: {}`.");
  if (root === undefined) return;
  const options = optionsOf(root, ["consumers"], source);
  const consumers = options?.get("consumers");
  if (options === undefined) return;
  if (!isMap(consumers)) book.fault(startOf(consumers ?? root), "an object of consumers by name");
  else if (isBare(consumers, source)) readMap(consumers, source);
}

/** Reads the lines of one consumer; `offset` is where they begin in the file. */
export function readConsumer(text: string, offset: number, book: KeyBook): void {
  const source = { offset, book };
  const root = parse(text, source, CONSUMER);
  if (root !== undefined) readMap(root, source);
}

/** The map that a text is. No scalar is anything but a text, and nothing refers to anything else. */
function parse(text: string, source: Source, wanted: string, hint?: string): Pairs | undefined {
  const { book, offset } = source;
  let document: ReturnType<typeof parseDocument>;
  try {
    // Names that stand twice are looked for elsewhere: the reader compares each with each.
    document = parseDocument(text, { schema: "failsafe", uniqueKeys: false, prettyErrors: false, logLevel: "error" });
  } catch {
    // Whatever is nested too deep for the stack.
    book.fault(offset, wanted, "It is nested too deep.");
    return undefined;
  }
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    book.fault(offset + error.pos[0], REASONS[error.code] ?? "YAML that can be read");
    return undefined;
  }
  const root: unknown = document.contents;
  if (isMap(root) && isBare(root, source)) return root as Pairs;
  if (!isMap(root)) book.fault(offset + text.search(/\S|$/), wanted, hint);
  return undefined;
}

/** In our own words: the reader's would show what stands there. */
const REASONS: Readonly<Record<string, string>> = {
  BAD_INDENT: "a line that is indented as those around it",
  TAB_AS_INDENT: "blanks in place of a tab",
  MULTIPLE_DOCS: "one document",
  MISSING_CHAR: "YAML in which every quote and bracket is closed",
  BAD_ALIAS: "no alias: each key is written out",
  TAG_RESOLVE_FAILED: "no tag",
  UNEXPECTED_TOKEN: "YAML that can be read: something stands here that ends or begins nothing",
};

/** Aliases, anchors and tags are refused: a short text could stand for an endless one. */
function isBare(node: Node, { book, offset }: Source): boolean {
  const anchored = "anchor" in node && node.anchor !== undefined;
  if ((isMap(node) || isSeq(node) || isScalar(node)) && !anchored && node.tag === undefined) return true;
  book.fault(offset + startOf(node), "no anchor, alias or tag: each key is written out");
  return false;
}

function readMap(consumers: YAMLMap, source: Source): void {
  for (const { key, value } of consumers.items) {
    if (source.book.isFull) return;
    const name = textOf(key, source, "the name of a consumer");
    if (name === undefined) continue;
    if (!isMap(value) || !isBare(value, source)) {
      if (!isMap(value)) source.book.fault(value === null ? name.at : source.offset + startOf(value), CONSUMER);
      continue;
    }
    readOptions(name, value as Pairs, source);
  }
}

function readOptions(name: WrittenText, value: Pairs, source: Source): void {
  const options = optionsOf(value, ["groups", "keys"], source);
  if (options === undefined) return;
  const groups = listOf(options.get("groups"), "a list of groups", source);
  const keys = listOf(options.get("keys"), "a list of API keys, each as its hash", source);
  const written = keys?.flatMap((key) => keyOf(key, source) ?? []);
  const named = groups?.flatMap((group) => textOf(group, source, "the name of a group") ?? []);
  source.book.add(name, named, written ?? []);
}

function keyOf(node: Node, source: Source): WrittenKey | undefined {
  const at = source.offset + startOf(node);
  if (!isMap(node)) {
    const short = textOf(node, source, KEY);
    return short && { hash: short.text, expires: undefined, id: undefined, at };
  }
  if (!isBare(node, source)) return undefined;
  const options = optionsOf(node as Pairs, ["hash", "expires", "id"], source);
  if (options === undefined) return undefined;
  const read = (option: string): WrittenText | undefined => {
    const value = options.get(option);
    return value === undefined ? undefined : textOf(value, source, `a text for \`${option}\``);
  };
  const [hash, expires, id] = [read("hash"), read("expires"), read("id")];
  if (hash === undefined) {
    if (!options.has("hash")) source.book.fault(at, KEY);
    return undefined;
  }
  return { hash: hash.text, expires: expires?.text, id: id?.text, at };
}

/** The values by option; undefined, and told, when there is another option or one twice. */
function optionsOf(map: Pairs, known: readonly string[], source: Source): ReadonlyMap<string, Node> | undefined {
  const found = new Map<string, Node>();
  for (const { key, value } of map.items) {
    const option = textOf(key, source, "an option");
    if (option === undefined) return undefined;
    if (!known.includes(option.text)) {
      source.book.fault(option.at, "an option", `Options here: ${known.join(", ")}.`);
      return undefined;
    }
    if (found.has(option.text)) {
      source.book.fault(option.at, "an option that is named once");
      return undefined;
    }
    if (value === null) {
      source.book.fault(option.at, `a value for \`${option.text}\``);
      return undefined;
    }
    found.set(option.text, value);
  }
  return found;
}

function listOf(node: Node | undefined, wanted: string, source: Source): readonly Node[] | undefined {
  if (node === undefined) return undefined;
  if (isSeq<Node>(node) && isBare(node, source)) return node.items;
  if (!isSeq(node)) source.book.fault(source.offset + startOf(node), wanted);
  return undefined;
}

function textOf(node: unknown, source: Source, wanted: string): WrittenText | undefined {
  const at = source.offset + startOf(node);
  if (isScalar(node) && isBare(node, source) && typeof node.value === "string" && node.value !== "") {
    return { text: node.value, at };
  }
  if (!isScalar(node) || node.value === "" || node.value === null) source.book.fault(at, wanted);
  return undefined;
}

function startOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0;
}
