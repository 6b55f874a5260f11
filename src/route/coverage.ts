// Coverage: a pattern with `*` all of whose paths go to more specific routes. Only such patterns can be covered: a
// parameter stands for texts without end, and no list of literals takes them all.
import type { Entry, Leaf } from "./leaf.ts";
import type { TreeNode } from "./tree.ts";

/**
 * An entry that takes some of the paths of `entry`, when more specific ones of the same host take all of them, whatever
 * the request's method, fields and query; otherwise undefined.
 */
export function coveredBy(entry: Entry, root: TreeNode): Entry | undefined {
  if (!entry.pattern.rest) return undefined;
  let node: TreeNode | undefined = root;
  for (const segment of entry.pattern.segments) {
    node = "param" in segment ? node?.param : node?.literal(segment.literal);
  }
  if (node === undefined) return undefined;
  let covering: Entry | undefined;
  for (const method of entry.methods.length === 0 ? [""] : entry.methods) {
    const cover = coversBeyond(node, entry, method, node === root);
    if (cover === undefined) return undefined;
    covering ??= cover;
  }
  return covering;
}

/**
 * Whether the path that ends at the node, and all that go on, are taken before the node's own `*`. No path ends at the
 * root: "/" has one segment, which is empty.
 */
function coversBeyond(node: TreeNode, entry: Entry, method: string, isRoot = false): Entry | undefined {
  if (!isRoot && inLeaf(node.here, entry, method) === undefined) return undefined;
  const empty = node.literal("");
  if (empty === undefined || node.param === undefined) return undefined;
  return covers(empty, entry, method) && covers(node.param, entry, method);
}

function covers(node: TreeNode, entry: Entry, method: string): Entry | undefined {
  return inLeaf(node.below, entry, method) ?? coversBeyond(node, entry, method);
}

/** An entry of the leaf that takes all requests of this method that `entry` would take. */
function inLeaf(leaf: Leaf | undefined, entry: Entry, method: string): Entry | undefined {
  return leaf?.entries.find((other) => takes(other, method) && isImplied(other, entry));
}

function takes(entry: Entry, method: string): boolean {
  if (entry.methods.length === 0) return true;
  return entry.methods.includes(method) || (method === "HEAD" && entry.methods.includes("GET"));
}

/** Whether every condition of `other` holds wherever those of `entry` hold. */
function isImplied(other: Entry, entry: Entry): boolean {
  for (const kind of ["headers", "query"] as const) {
    for (const [name, value] of other.conditions?.[kind] ?? []) {
      const same = entry.conditions?.[kind].some(([known, has]) => known === name && (value === true || value === has));
      if (!same) return false;
    }
  }
  return true;
}
