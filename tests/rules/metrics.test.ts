// docs/metrics.md against the code: each family stands there once, with its type, labels and meaning.
import { expect, test } from "bun:test";
import { FAMILIES } from "../../src/record/families.ts";
import type { Family } from "../../src/record/family.ts";
import { prometheusName } from "../../src/record/prometheus.ts";
import { readPage } from "./markdown.ts";

test("docs/metrics.md tells of every family, in their order", () => {
  const rows = [...readPage("docs/metrics.md").matchAll(/^\| `(\w+)` +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)];
  const told = rows.map(([, name, kind, labels, meaning]) => [name, kind, labels, meaning]);
  const wanted = Object.values(FAMILIES).map((family: Family) => {
    const labels = family.labels.map((label) => `\`${label.replaceAll(".", "_")}\``).join(", ");
    return [prometheusName(family), family.kind, labels, family.help];
  });
  expect(told).toEqual(wanted);
});
