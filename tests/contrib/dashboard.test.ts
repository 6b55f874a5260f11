// The dashboard of Grafana: it asks for nothing that the gateway does not export, and its panels stand side by side.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { missing } from "../support/requirements.ts";
import { askPromtool } from "./promtool.ts";
import { EXPORTED, namedIn, strangersIn } from "./promql.ts";

/** As much of the classic schema as is looked at. */
interface Dashboard {
  readonly __inputs: readonly { readonly name: string; readonly pluginId: string }[];
  readonly id: null;
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr?: string }[] };
  readonly templating: { readonly list: readonly Variable[] };
}

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly {
    readonly refId: string;
    readonly expr: string;
    readonly legendFormat: string;
    readonly range?: boolean;
    readonly exemplar?: boolean;
    readonly datasource: { readonly uid: string };
  }[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly definition?: string;
  readonly multi: boolean;
  readonly includeAll: boolean;
}

const text = readFileSync(join(import.meta.dir, "../../contrib/grafana/dashboard.json"), "utf8");
const dashboard = JSON.parse(text) as Dashboard;
const { panels, templating, annotations } = dashboard;
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
const exprs = [
  ...queries.map(({ title, expr }) => [title, expr] as const),
  ...annotations.list.flatMap(({ name, expr }) => (expr === undefined ? [] : [[name, expr] as const])),
];

test("names are read from an expression", () => {
  const expr = 'sum by (job, le) (rate(a_total{route=~"$r",b!="x{y"}[5m])) / on (job) b_sum or vector(0)';
  expect(namedIn(expr)).toEqual({ metrics: ["a_total", "b_sum"], labels: ["job", "le", "job", "route", "b"] });
  expect(strangersIn("rate(sluice_nope_total[5m])")).toEqual(["sluice_nope_total"]);
  expect(strangersIn('sluice_upstream_up{route="a"}')).toEqual(["route"]);
});

test.each(exprs)("%s asks for what there is", (_, expr) => {
  expect(strangersIn(expr)).toEqual([]);
});

test.each(queries.map(({ title, legendFormat, expr }) => [title, legendFormat, expr] as const))(
  "%s: what the legend %p names is left of the series",
  (_, legend, expr) => {
    const names = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, name]) => name!);
    const by = [...(/\bby \(([^)]*)\)/.exec(expr)?.slice(1) ?? [])].flatMap((list) => list.split(", "));
    expect(names.filter((name) => !by.includes(name))).toEqual([]);
  },
);

test("every family of metrics stands on it, but the one that tells since when the process runs", () => {
  const shown = new Set(exprs.flatMap(([, expr]) => namedIn(expr).metrics.map(familyOf)));
  const families = new Set([...EXPORTED.keys()].map(familyOf));
  expect([...families].filter((family) => !shown.has(family))).toEqual(["process_start_time_seconds"]);
});

function familyOf(metric: string): string {
  return metric.replace(/_(?:bucket|sum|count)$/, "");
}

test("the chart of latencies leads to traces: one of its queries, over time, asks for exemplars", () => {
  const asking = queries.filter(({ exemplar }) => exemplar);
  expect(asking.map(({ legendFormat, range }) => [legendFormat, range])).toEqual([["p99", true]]);
  expect(namedIn(asking[0]!.expr).metrics).toEqual(["http_server_request_duration_seconds_bucket"]);
});

test("panels have ids of their own, lie within the 24 columns, and none lies on another", () => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(`${x},${y} ${taken.get(`${x},${y}`) ?? title}`).toBe(`${x},${y} ${title}`);
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

describe("on import", () => {
  test("it asks which Prometheus, and has an address of its own", () => {
    expect(dashboard.__inputs.map(({ pluginId }) => pluginId)).toEqual(["prometheus"]);
    expect([dashboard.id, dashboard.uid]).toEqual([null, "sluice-gateway"]);
  });

  test("every query is for the Prometheus that is picked", () => {
    const sources = [...queries, ...panels.filter(({ type }) => type !== "row")].map(
      ({ datasource }) => datasource?.uid,
    );
    expect(new Set(sources)).toEqual(new Set(["${datasource}"]));
    for (const { targets = [] } of panels) {
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    }
  });

  test("the variables that queries use are there, and take all or several", () => {
    const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name!);
    const known = templating.list.map(({ name }) => name);
    const given = ["__rate_interval", "__all", ...dashboard.__inputs.map(({ name }) => name)];
    expect([...new Set(used)].filter((name) => !known.includes(name) && !given.includes(name))).toEqual([]);
    expect(known).toEqual(["datasource", "job", "instance", "route", "upstream"]);
    for (const { multi, includeAll } of templating.list.slice(1)) expect([multi, includeAll]).toEqual([true, true]);
  });

  test.each(templating.list.flatMap(({ name, definition }) => (definition === undefined ? [] : [[name, definition]])))(
    "the values of %s are those of a label that there is",
    (_, definition) => {
      const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(definition!)!;
      expect(strangersIn(`sum by (${label}) (${series})`)).toEqual([]);
    },
  );
});

const lack = missing("promtool");
const ifThere = lack === undefined ? test : test.skip;
ifThere(`every expression parses${lack === undefined ? "" : ` (skipped: ${lack})`}`, async () => {
  const rules = exprs.map(([, expr], at) => {
    const filled = expr.replaceAll("$__rate_interval", "5m").replaceAll(/\$\w+/g, ".*");
    return `      - { record: "panel:${at}", expr: ${JSON.stringify(filled)} }`;
  });
  const file = `groups:\n  - name: dashboard\n    rules:\n${rules.join("\n")}\n`;
  const [code, said] = await askPromtool(["check", "rules"], "dashboard.yml", file);
  expect([code, said]).toEqual([0, expect.stringContaining(`${exprs.length} rules found`)]);
});
