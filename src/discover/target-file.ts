// A file of targets: YAML, or JSON, which is YAML too. A list of URLs, or objects of `url` and `weight`.
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import type { TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { planList, type WrittenTarget } from "./target-list.ts";
import { A_TARGET_URL } from "./target-url.ts";

/** One thing that is wrong with a file. */
export interface TargetFileFault {
  /** Counted from 1, as are columns. */
  readonly line: number;
  readonly column: number;
  /** A noun phrase: what ought to stand there. */
  readonly wanted: string;
  readonly hint: string | undefined;
}

/** Most characters of a file of targets. */
const LONGEST = 2 ** 20;
const A_LIST = "a list of targets";
const A_TARGET = `${A_TARGET_URL}, or an object of \`url\` and \`weight\``;

/** Where the parts of a target stand. */
interface Placed {
  readonly written: WrittenTarget;
  readonly urlAt: number;
  readonly weightAt: number;
}

/** What is wrong at an index of the text. */
type Refuse = (at: number, wanted: string, hint?: string) => void;

/** The targets of a file, or all that is wrong with it. */
export function readTargetFile(
  text: string,
  protocol: UpstreamPlan["protocol"],
): { readonly targets: readonly TargetPlan[] } | { readonly faults: readonly TargetFileFault[] } {
  const lines = new LineCounter();
  const faults: TargetFileFault[] = [];
  const refuse: Refuse = (at, wanted, hint) => {
    const { line, col } = lines.linePos(at);
    faults.push({ line: Math.max(line, 1), column: Math.max(col, 1), wanted, hint });
  };
  const placed = read(text, lines, refuse);
  if (faults.length > 0) return { faults };
  const list = planList(
    placed.map(({ written }) => written),
    protocol,
  );
  if ("targets" in list) return list;
  for (const { index, of, wanted, hint } of list.faults) {
    const where = index === undefined ? undefined : placed[index];
    refuse((of === "url" ? where?.urlAt : where?.weightAt) ?? text.search(/\S|$/), wanted, hint);
  }
  return { faults };
}

function read(text: string, lineCounter: LineCounter, refuse: Refuse): readonly Placed[] {
  if (text.length > LONGEST) {
    refuse(0, "a file of at most 1 MiB");
    return [];
  }
  let document: ReturnType<typeof parseDocument>;
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: "error" });
  } catch {
    refuse(0, A_LIST, "It is nested too deep.");
    return [];
  }
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    refuse(error.pos[0], "YAML or JSON that can be read", `${error.message.split("\n")[0]!.replace(/\.$/, "")}.`);
    return [];
  }
  const root: unknown = document.contents;
  if (isSeq<Node>(root)) return root.items.flatMap((member) => placedTarget(member, refuse));
  const at = isNode(root) ? startOf(root) : text.search(/\S|$/);
  refuse(at, A_LIST, isNode(root) ? undefined : "The file is empty.");
  return [];
}

function placedTarget(member: Node, refuse: Refuse): Placed[] {
  const at = startOf(member);
  if (isScalar(member)) return [{ written: { url: member.value, weight: undefined }, urlAt: at, weightAt: at }];
  if (!isMap<Node, Node | null>(member)) {
    refuse(at, A_TARGET);
    return [];
  }
  const values = new Map<unknown, Node | null>();
  for (const { key, value } of member.items) {
    const name = isScalar(key) ? key.value : undefined;
    if (name !== "url" && name !== "weight") {
      refuse(isNode(key) ? startOf(key) : at, "an option", "Options here: url, weight.");
      return [];
    }
    values.set(name, value);
  }
  const valueOf = (name: string): unknown => {
    const node = values.get(name);
    return isScalar(node) ? node.value : node;
  };
  const placeOf = (name: string): number => {
    const node = values.get(name);
    return isNode(node) ? startOf(node) : at;
  };
  return [
    {
      written: { url: valueOf("url"), weight: valueOf("weight") },
      urlAt: placeOf("url"),
      weightAt: placeOf("weight"),
    },
  ];
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "range" in value;
}

function startOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
