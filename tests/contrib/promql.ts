// PromQL as far as it names things: which metrics an expression asks for, and which labels.
import { FAMILIES } from "../../src/record/families.ts";
import type { Family } from "../../src/record/family.ts";
import { prometheusName } from "../../src/record/prometheus.ts";

/** What an expression names. */
export interface Named {
  readonly metrics: readonly string[];
  readonly labels: readonly string[];
}

const GROUPS = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const WORDS: ReadonlySet<string> = new Set(["and", "or", "unless", "bool", "offset", "by"]);

/** Reads an expression without `=~` of names, in which no label is called as a metric is. */
export function namedIn(expr: string): Named {
  const labels: string[] = [];
  const plain = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, "")
    .replace(GROUPS, (_, names: string) => {
      labels.push(...names.split(",").map((name) => name.trim()));
      return " ";
    })
    .replace(/\{([^}]*)\}/g, (_, matchers: string) => {
      labels.push(...matchers.split(",").map((matcher) => /^\s*(\w*)/.exec(matcher)![1]!));
      return " ";
    });
  const words = [...plain.matchAll(/[a-zA-Z_:][\w:]*(?!\w*\s*\()/g)].map(([word]) => word);
  return {
    metrics: words.filter((word) => !WORDS.has(word)),
    labels: labels.filter((label) => label !== ""),
  };
}

/** The labels of each series that the gateway exports, by its name. */
export const EXPORTED: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.values(FAMILIES).flatMap((family: Family) => {
    const name = prometheusName(family);
    const labels = family.labels.map((label) => label.replaceAll(".", "_"));
    if (family.kind !== "histogram") return [[name, new Set(labels)] as const];
    return [
      [`${name}_bucket`, new Set([...labels, "le"])],
      [`${name}_sum`, new Set(labels)],
      [`${name}_count`, new Set(labels)],
    ] as const;
  }),
);

/** Labels that Prometheus gives to whatever it scrapes. */
const SCRAPED: ReadonlySet<string> = new Set(["job", "instance"]);

/** What an expression names that is not exported. `known` are metrics that rules record. */
export function strangersIn(expr: string, known: ReadonlySet<string> = new Set()): string[] {
  const { metrics, labels } = namedIn(expr);
  const there = metrics.flatMap((metric) => [...(EXPORTED.get(metric) ?? [])]);
  return [
    ...metrics.filter((metric) => !EXPORTED.has(metric) && !known.has(metric)),
    ...labels.filter((label) => !SCRAPED.has(label) && !there.includes(label)),
  ];
}
