// A tree of path segments, from the most specific to the least: literal, then parameter, then `*`.
import type { Fields } from "../http/fields.ts";
import { decodeBytes, isPlain } from "../http/target.ts";
import { Leaf, type Entry, type Found } from "./leaf.ts";
import type { Pattern } from "./pattern.ts";

/** Most literals of a node that are compared one by one. */
const FEW = 3;

/** A place in the tree: the paths that begin with the same segments of patterns. */
export class TreeNode {
  /** By literal, for literals that are their own raw form. */
  plain: Map<string, TreeNode> | undefined = undefined;
  /** By literal, for all others. */
  encoded: Map<string, TreeNode> | undefined = undefined;
  /** The same as `plain` as long as these are few: to compare them costs less than to cut and hash a segment. */
  #few: readonly { readonly text: string; readonly node: TreeNode }[] = [];
  /** For any segment that is not empty. */
  param: TreeNode | undefined = undefined;
  /** Patterns that end here. */
  here: Leaf | undefined = undefined;
  /** Patterns whose `*` begins here. */
  below: Leaf | undefined = undefined;

  /** The child for a literal of a pattern. */
  literal(text: string): TreeNode | undefined {
    return this.plain?.get(text) ?? this.encoded?.get(text);
  }

  /** The child that the raw segment from `from` to `end` leads to by its text. */
  #literalAt(path: string, from: number, end: number): TreeNode | undefined {
    if (this.plain === undefined && this.encoded === undefined) return undefined;
    for (let i = 0; i < this.#few.length; i++) {
      const { text, node } = this.#few[i]!;
      if (text.length === end - from && path.startsWith(text, from)) return node;
    }
    const raw = path.slice(from, end);
    const child = this.#few.length === 0 ? this.plain?.get(raw) : undefined;
    return child ?? (isPlain(raw) ? undefined : this.literal(decodeBytes(raw)));
  }

  /**
   * The most specific entry at or below this node that takes the request; `from` is where the next segment of the path
   * begins, behind its slash. A node is entered once at most, so a request costs no more than its own segments where
   * literals and parameters do not compete, and never more than {@link mostVisits} where they do.
   */
  find(method: string, path: string, from: number, query: string, fields: Fields): Found | undefined {
    if (from > path.length) {
      return this.here?.find(method, path, query, fields) ?? this.below?.find(method, path, query, fields);
    }
    if (this.plain !== undefined || this.encoded !== undefined || this.param !== undefined) {
      const slash = path.indexOf("/", from);
      const end = slash < 0 ? path.length : slash;
      const found =
        this.#literalAt(path, from, end)?.find(method, path, end + 1, query, fields) ??
        (end > from ? this.param?.find(method, path, end + 1, query, fields) : undefined);
      if (found !== undefined) return found;
    }
    return this.below?.find(method, path, query, fields);
  }

  /** The places at or below this node whose patterns match the path, in the order in which {@link find} tries them. */
  leavesOn(path: string, from: number, into: Leaf[]): void {
    if (from > path.length) {
      if (this.here !== undefined) into.push(this.here);
    } else {
      const slash = path.indexOf("/", from);
      const end = slash < 0 ? path.length : slash;
      this.#literalAt(path, from, end)?.leavesOn(path, end + 1, into);
      if (end > from) this.param?.leavesOn(path, end + 1, into);
    }
    if (this.below !== undefined) into.push(this.below);
  }

  /** All places at or below this node, the more specific before the less. */
  *inOrder(): Generator<Leaf> {
    if (this.here !== undefined) yield this.here;
    const literals = [...(this.plain ?? []), ...(this.encoded ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    for (const [, child] of literals) yield* child.inOrder();
    if (this.param !== undefined) yield* this.param.inOrder();
    if (this.below !== undefined) yield this.below;
  }

  /** The place of a pattern, made when there is none yet. */
  place(pattern: Pattern): Leaf {
    let node: TreeNode = this;
    for (const segment of pattern.segments) {
      if ("param" in segment) node = node.param ??= new TreeNode();
      else node = node.#childFor(segment.literal);
    }
    if (pattern.rest) return (node.below ??= new Leaf());
    return (node.here ??= new Leaf());
  }

  #childFor(literal: string): TreeNode {
    const known = this.literal(literal);
    if (known !== undefined) return known;
    const made = new TreeNode();
    if (!isPlain(literal)) {
      (this.encoded ??= new Map()).set(literal, made);
      return made;
    }
    this.plain ??= new Map();
    this.plain.set(literal, made);
    this.#few = this.plain.size <= FEW ? [...this.plain].map(([text, node]) => ({ text, node })) : [];
    return made;
  }

  /** The children for literals. */
  *literals(): Generator<TreeNode> {
    if (this.plain !== undefined) yield* this.plain.values();
    if (this.encoded !== undefined) yield* this.encoded.values();
  }
}

/** The tree of one host, with a short way for paths that are literal from end to end. */
export class PathTree {
  readonly root = new TreeNode();
  readonly #whole = new Map<string, Leaf>();
  /** All places that have entries. */
  readonly leaves = new Set<Leaf>();

  /** Adds an entry at the place of its pattern. */
  add(entry: Entry): void {
    const { pattern } = entry;
    const leaf = this.root.place(pattern);
    leaf.entries.push(entry);
    this.leaves.add(leaf);
    const path = wholePath(pattern);
    if (path !== undefined) this.#whole.set(path, leaf);
  }

  /** To be called once, when the last entry is there. */
  seal(): void {
    for (const leaf of this.leaves) leaf.seal();
  }

  /** The most specific entry that takes the request. */
  find(method: string, path: string, query: string, fields: Fields): Found | undefined {
    return this.#whole.get(path)?.find(method, path, query, fields) ?? this.root.find(method, path, 1, query, fields);
  }

  /** The places whose patterns match the path, in the order in which {@link find} tries them. */
  leavesOn(path: string): readonly Leaf[] {
    const leaves: Leaf[] = [];
    this.root.leavesOn(path, 1, leaves);
    return leaves;
  }
}

/** The raw path that a pattern of plain literals matches and no other pattern matches better. */
function wholePath(pattern: Pattern): string | undefined {
  if (pattern.rest) return undefined;
  let path = "";
  for (const segment of pattern.segments) {
    // A literal with a slash of its own (%2F) would look like two segments.
    if ("param" in segment || !isPlain(segment.literal) || segment.literal.includes("/")) return undefined;
    path += `/${segment.literal}`;
  }
  return path;
}

/** The most nodes that one request can enter at or below a node. */
export function mostVisits(node: TreeNode): number {
  let literal = 0;
  for (const child of node.literals()) literal = Math.max(literal, mostVisits(child));
  return 1 + literal + (node.param === undefined ? 0 : mostVisits(node.param));
}
