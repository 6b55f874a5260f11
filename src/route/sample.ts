// Sample requests: a method and URL that show what a message about routes means.
import { hostKey, type HostRule } from "./host.ts";
import type { Entry } from "./leaf.ts";
import type { TreeNode } from "./tree.ts";
import { encodeAll } from "./uri-text.ts";

/** A request that fits all entries given; they have one shape of path. `GET http://any.host/users/x?v=1`. */
export function sampleRequest(
  method: string,
  rule: HostRule | undefined,
  root: TreeNode,
  entries: readonly [Entry, ...Entry[]],
): string {
  const query = new Map(entries.flatMap((entry) => (entry.conditions?.query ?? []).toReversed()));
  for (const entry of entries)
    for (const [name, value] of entry.conditions?.query ?? []) if (value !== true) query.set(name, value);
  const parameters = [...query].map(([name, value]) => pairText(name, value));
  const url = `http://${sampleHost(rule)}${samplePath(entries[0], root)}`;
  return `${method || "GET"} ${parameters.length === 0 ? url : `${url}?${parameters.join("&")}`}`;
}

/** The fields such a request needs, as text: `x-version: 1`, or "" when it needs none. */
export function sampleFields(entries: readonly Entry[]): string {
  const fields = new Map<string, string>();
  for (const entry of entries) {
    for (const [name, value] of entry.conditions?.headers ?? []) {
      if (value !== true || !fields.has(name)) fields.set(name, value === true ? "x" : value);
    }
  }
  return [...fields].map(([name, value]) => `\`${name}: ${value}\``).join(", ");
}

function pairText(name: string, value: string | true): string {
  return value === true ? encodeURIComponent(name) : `${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
}

function sampleHost(rule: HostRule | undefined): string {
  return rule === undefined ? "any.host" : hostKey(rule).replace("*.", "x.");
}

function samplePath({ pattern }: Entry, root: TreeNode): string {
  let path = "";
  let node: TreeNode | undefined = root;
  for (const segment of pattern.segments) {
    if ("literal" in segment) {
      path += `/${encodeAll(segment.literal)}`;
      node = node?.literal(segment.literal);
      continue;
    }
    // A text that is a literal of another route would lead there.
    let text = "x";
    while (node?.literal(text) !== undefined) text += "x";
    path += `/${text}`;
    node = node?.param;
  }
  return pattern.rest ? `${path}/x` : path;
}
