// Metrics as text: whatever labels hold, a strict reader gets back what was counted; and which format is sent to whom.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FAMILIES } from "../../src/record/families.ts";
import { counter, type Family, gauge, histogram } from "../../src/record/family.ts";
import type { FamilySamples } from "../../src/record/metrics.ts";
import { prometheusName, prometheusText, textFormat } from "../../src/record/prometheus.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("", "\\", '"', "\n", '\\n"', "a,b}", 'x="y"', "é\t"),
);
const value = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true }));

/** Units that stand in names; what is in braces does not. */
const WORDS: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };

/** Families of every kind with any labels and values. */
const families: fc.Arbitrary<FamilySamples[]> = fc
  .record({
    help: fc.string({ unit: "binary" }),
    labels: fc.uniqueArray(fc.tuple(text, text), { selector: (pair) => JSON.stringify(pair), maxLength: 5 }),
    values: fc.array(value, { minLength: 4, maxLength: 4 }),
  })
  .map(({ help, labels, values }) => {
    const kinds = [
      counter("test.counter", help, ["one", "other.one"]),
      gauge("test.gauge", help, ["one", "other.one"], { unit: "By" }),
      gauge("test.number", help, ["one", "other.one"], { unit: "{thing}" }),
      histogram("test.histogram", "s", help, [0.5, 1], ["one", "other.one"]),
    ];
    return kinds.map((family) => ({
      family: family as Family,
      samples: [undefined, ...labels].map((each) => ({
        labels: each,
        values: Float64Array.from(family.kind === "histogram" ? values : values.slice(0, 1)),
      })),
    }));
  });

test.each(["prometheus", "openmetrics"] as const)("whatever is counted, %s tells it without loss", (format) => {
  fc.assert(
    fc.property(families, (written) => {
      const read = readMetrics(prometheusText(written, format), format);
      expect(read.size).toBe(written.length);
      for (const { family, samples } of written) {
        const open = format === "openmetrics";
        const told = read.get(open ? prometheusName(family).replace(/_total$/, "") : prometheusName(family))!;
        expect(told.help).toBe(`${family.help}.`);
        expect(told.unit).toBe(open ? WORDS[family.unit] : undefined);
        const wanted = samples.map(({ labels, values }) => {
          const named = Object.entries({ one: labels?.[0], other_one: labels?.[1] }).filter(([, text]) => text);
          const all = labels === undefined ? [["otel_metric_overflow", "true"]] : named;
          return { labels: Object.fromEntries(all) as Record<string, string>, values: [...values] };
        });
        const lines = told.samples.filter((sample) => sample.labels["le"] === undefined);
        const got = wanted.map(({ labels, values }) => {
          const mine = lines.filter((sample) => JSON.stringify(sample.labels) === JSON.stringify(labels));
          if (family.kind !== "histogram") return [mine[0]?.value, mine.length];
          const count = mine.find(({ name }) => name.endsWith("_count"))?.value;
          const sum = mine.find(({ name }) => name.endsWith("_sum"))?.value;
          return [count === values[0]! + values[1]! + values[2]!, sum === values[3], mine.length];
        });
        expect(got).toEqual(
          wanted.map(({ values }) => (family.kind === "histogram" ? [true, true, 2] : [values[0], 1])),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("the bounds of a histogram are told once each, as the format writes numbers", () => {
  const family: Family = histogram("a.b", "s", "A", [0.5, 1]);
  const samples = [{ labels: [], values: Float64Array.of(2, 1, 1, 9.5) }];
  expect(prometheusText([{ family, samples }], "prometheus")).toBe(
    '# HELP a_b_seconds A.\n# TYPE a_b_seconds histogram\na_b_seconds_bucket{le="0.5"} 2\na_b_seconds_bucket{le="1"} 3\n' +
      'a_b_seconds_bucket{le="+Inf"} 4\na_b_seconds_sum 9.5\na_b_seconds_count 4\n',
  );
  expect(prometheusText([{ family, samples }], "openmetrics")).toContain('a_b_seconds_bucket{le="1.0"} 3\n');
});

test("names are those of the conventions, and no two families have one", () => {
  const names = Object.values(FAMILIES).map((family: Family) => prometheusName(family));
  expect(names).toContain("http_server_request_duration_seconds");
  expect(names).toContain("process_cpu_seconds_total");
  for (const name of names) expect(name).toMatch(/^(?:http|sluice|process)_[a-z_]+$/);
  expect(new Set(names).size).toBe(names.length);
});

describe("is sent", () => {
  test.each([
    ["plain text to who says nothing", undefined, "prometheus"],
    ["plain text to who takes anything", "*/*", "prometheus"],
    ["plain text to browsers", "text/html,application/xhtml+xml,*/*;q=0.8", "prometheus"],
    ["OpenMetrics to who asks for it", "application/openmetrics-text", "openmetrics"],
    ["OpenMetrics where both are wanted as much", "text/plain, application/openmetrics-text", "openmetrics"],
    ["plain text where it is wanted more", "text/plain, application/openmetrics-text;q=0.9", "prometheus"],
    ["plain text where OpenMetrics is not wanted", "application/openmetrics-text;q=0, */*", "prometheus"],
    ["plain text for a version that there is not", "application/openmetrics-text; version=2.0.0", "prometheus"],
    ["plain text for a weight that is none", "application/openmetrics-text;q=x", "prometheus"],
    [
      "OpenMetrics to Prometheus 3",
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;" +
        "q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
      "openmetrics",
    ],
  ] as const)("%s", (_, accept, format) => {
    expect(textFormat(accept)).toBe(format);
  });
});

test("the sum of what was told is what was counted", () => {
  const family: Family = counter("a", "A", ["l"]);
  const samples = ["x", "y"].map((label, at) => ({ labels: [label], values: Float64Array.of(at + 1) }));
  const read = readMetrics(prometheusText([{ family, samples }], "prometheus"));
  expect([sumOf(read, "a_total"), sumOf(read, "a_total", { l: "y" })]).toEqual([3, 2]);
});
