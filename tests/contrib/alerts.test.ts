// The alert rules for Prometheus: they ask for what the gateway exports, and fire when they should and only then.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { MEANINGS } from "../../src/errors.ts";
import { missing } from "../support/requirements.ts";
import { askPromtool } from "./promtool.ts";
import { strangersIn } from "./promql.ts";

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: { readonly severity: string };
  readonly annotations?: { readonly summary: string; readonly description?: string };
}

const FILE = join(import.meta.dir, "../../contrib/grafana/rules.yml");
const text = readFileSync(FILE, "utf8");
const { groups } = parse(text) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const recorded = new Set(rules.flatMap(({ record }) => record ?? []));
const alerts = rules.filter(({ alert }) => alert !== undefined);

test.each(rules.map((rule) => [rule.alert ?? rule.record!, rule.expr] as const))(
  "%s asks for what there is",
  (_, expr) => {
    expect(strangersIn(expr, recorded)).toEqual([]);
  },
);

test.each(alerts.map((rule) => [rule.alert!, rule] as const))(
  "%s says what is wrong, and how much it matters",
  (_, rule) => {
    expect(rule.annotations?.summary).toBeTruthy();
    expect(["page", "ticket"]).toContain(rule.labels!.severity);
  },
);

test.each(alerts.map((rule) => [rule.alert!, rule.for] as const))("the page says how long %s waits", (alert, waits) => {
  const page = readFileSync(join(import.meta.dir, "../../docs/grafana.md"), "utf8");
  const told = new RegExp(`^\\| \`${alert}\` .*$`, "m").exec(page)![0];
  const minutes = Number(/^(\d+)m$/.exec(waits ?? "0m")![1]);
  const wanted = minutes === 0 ? "" : minutes === 1 ? "a minute" : `${minutes} minutes`;
  // Rates over windows of hours are above their threshold for longer than they wait.
  if (!told.includes("and still")) expect(told).toContain(wanted);
});

/** Series for half an hour and more, one sample a minute, and which alerts fire then; none of the others may. */
interface Scene {
  readonly title: string;
  readonly series: Readonly<Record<string, string>>;
  readonly at?: string;
  readonly fires: readonly string[];
}

const COUNT = "http_server_request_duration_seconds_count";
const from = (labels: string): string => `{job="sluice",instance="a:9901"${labels === "" ? "" : `,${labels}`}}`;
/** 100 requests a minute, and so many of them failed. */
const traffic = (failed: number): Scene["series"] => ({
  [COUNT + from('sluice_route="r",http_response_status_code="200"')]: `0+${100 - failed}x400`,
  [COUNT + from('sluice_route="r",http_response_status_code="503",error_type="503"')]: `0+${failed}x400`,
});
const QUIET: Scene["series"] = {
  [`sluice_upstream_up${from('upstream="u",target="http://a"')}`]: "1x400",
  [`sluice_upstream_up${from('upstream="u",target="http://b"')}`]: "1x400",
  [`sluice_upstream_circuit_open${from('upstream="u"')}`]: "0x400",
  [`sluice_config_last_reload_successful${from("")}`]: "1x400",
  [`sluice_config_info${from('hash="one"')}`]: "1x400",
  [`sluice_log_lines_dropped_total${from("")}`]: "7x400",
  [`sluice_limit_store_errors_total${from('outcome="local"')}`]: "3x400",
  [`sluice_limit_evictions_total${from("")}`]: "0x400",
  [`sluice_discovery_failures_total${from('upstream="u"')}`]: "2x400",
  [`sluice_connections_refused_total${from("")}`]: "0x400",
  [`sluice_tls_cert_not_after_timestamp_seconds${from('name="a.test"')}`]: "1000000x400",
  [`sluice_acme_orders_total${from('result="failure"')}`]: "0 1+0x399",
  [`sluice_event_loop_delay_seconds_bucket${from('le="0.001"')}`]: "0+120x400",
  [`sluice_event_loop_delay_seconds_bucket${from('le="+Inf"')}`]: "0+120x400",
  [`http_client_request_duration_seconds_bucket${from('sluice_upstream="u",le="0.1"')}`]: "0+100x400",
  [`http_client_request_duration_seconds_bucket${from('sluice_upstream="u",le="+Inf"')}`]: "0+100x400",
  [`sluice_build_info${from('version="1"')}`]: "1x400",
  [`process_open_fds${from("")}`]: "100x400",
  [`process_max_fds${from("")}`]: "1024x400",
  [`process_open_fds{job="other",instance="b:1"}`]: "1000x400",
  [`process_max_fds{job="other",instance="b:1"}`]: "1024x400",
  ...traffic(0),
};

const SCENES: readonly Scene[] = [
  { title: "all is well", series: {}, fires: [] },
  { title: "one in two thousand fails", series: traffic(0.05), at: "6h", fires: [] },
  { title: "one in a hundred fails", series: traffic(1), at: "6h", fires: ["SluiceFailures"] },
  { title: "one in ten fails", series: traffic(10), at: "6h", fires: ["SluiceFailuresFast", "SluiceFailures"] },
  {
    title: "it failed, and does no more",
    series: {
      [COUNT + from('sluice_route="r",http_response_status_code="503",error_type="503"')]: "0+50x330 16500x70",
    },
    at: "6h",
    fires: [],
  },
  {
    title: "one answer in ten breaks off",
    series: { [COUNT + from('http_response_status_code="200",error_type="http_response_incomplete"')]: "0+11x400" },
    at: "6h",
    fires: ["SluiceFailuresFast", "SluiceFailures"],
  },
  {
    title: "clients leave, and ask for what is not there",
    series: {
      [COUNT + from('http_response_status_code="499",error_type="client_disconnect"')]: "0+50x400",
      [COUNT + from('http_response_status_code="404",error_type="route_not_found"')]: "0+50x400",
    },
    at: "6h",
    fires: [],
  },
  {
    title: "a target is out",
    series: { [`sluice_upstream_up${from('upstream="u",target="http://b"')}`]: "0x400" },
    fires: ["SluiceTargetDown"],
  },
  {
    title: "all targets are out",
    series: {
      [`sluice_upstream_up${from('upstream="u",target="http://a"')}`]: "0x400",
      [`sluice_upstream_up${from('upstream="u",target="http://b"')}`]: "0x400",
    },
    fires: ["SluiceTargetDown", "SluiceTargetDown", "SluiceUpstreamDown"],
  },
  {
    title: "a circuit is open",
    series: { [`sluice_upstream_circuit_open${from('upstream="u"')}`]: "1x400" },
    fires: ["SluiceCircuitOpen"],
  },
  {
    title: "an upstream is slow",
    series: {
      [`http_client_request_duration_seconds_bucket${from('sluice_upstream="u",le="0.1"')}`]: "0+90x400",
      [`http_client_request_duration_seconds_bucket${from('sluice_upstream="u",le="2.5"')}`]: "0+100x400",
    },
    fires: ["SluiceUpstreamSlow"],
  },
  {
    title: "targets cannot be found",
    series: { [`sluice_discovery_failures_total${from('upstream="u"')}`]: "0+1x400" },
    fires: ["SluiceTargetsNotFound"],
  },
  {
    title: "a reload failed",
    series: { [`sluice_config_last_reload_successful${from("")}`]: "0x400" },
    fires: ["SluiceReloadFailed"],
  },
  {
    title: "two gateways run different configs",
    series: { 'sluice_config_info{job="sluice",instance="b:9901",hash="two"}': "1x400" },
    fires: ["SluiceConfigsDiffer"],
  },
  {
    title: "lines are dropped",
    series: { [`sluice_log_lines_dropped_total${from("")}`]: "0+3x400" },
    fires: ["SluiceLogLinesDropped"],
  },
  {
    title: "the store of limits does not answer",
    series: { [`sluice_limit_store_errors_total${from('outcome="local"')}`]: "0+3x400" },
    fires: ["SluiceLimitStoreErrors"],
  },
  {
    title: "the table of limits is full",
    series: { [`sluice_limit_evictions_total${from("")}`]: "0+3x400" },
    fires: ["SluiceLimitTableFull"],
  },
  {
    title: "timers are late",
    series: {
      [`sluice_event_loop_delay_seconds_bucket${from('le="0.001"')}`]: "0+100x400",
      [`sluice_event_loop_delay_seconds_bucket${from('le="0.5"')}`]: "0+120x400",
    },
    fires: ["SluiceEventLoopDelay"],
  },
  {
    title: "too many connections",
    series: { [`sluice_connections_refused_total${from("")}`]: "0+3x400" },
    fires: ["SluiceConnectionsRefused"],
  },
  {
    title: "a certificate ends soon",
    series: { [`sluice_tls_cert_not_after_timestamp_seconds${from('name="a.test"')}`]: "600000x400" },
    fires: ["SluiceCertificateEnds"],
  },
  {
    title: "orders of certificates fail",
    series: { [`sluice_acme_orders_total${from('result="failure"')}`]: "0+1x8 8x400" },
    fires: ["SluiceAcmeFails"],
  },
  {
    title: "files run out",
    series: { [`process_open_fds${from("")}`]: "1000x400" },
    fires: ["SluiceFilesRunOut"],
  },
];

test("every alert fires in some scene", () => {
  const fired = new Set(SCENES.flatMap(({ fires }) => fires));
  expect(alerts.map(({ alert }) => alert!).filter((alert) => !fired.has(alert))).toEqual([]);
});

test("what counts as failed are statuses from 500 on, and each failure that is no fault of a client", () => {
  const dashboard = readFileSync(join(import.meta.dir, "../../contrib/grafana/dashboard.json"), "utf8");
  const asked = [...text.matchAll(/error_type=~"([^"]+)"/g), ...dashboard.matchAll(/error_type=~\\"([^"]+)\\"/g)];
  expect(asked).toHaveLength(6);
  const [expr] = new Set(asked.map(([, expr]) => expr!));
  expect(new Set(asked.map(([, expr]) => expr!)).size).toBe(1);
  const isFailure = (type: string): boolean => new RegExp(`^(?:${expr})$`).test(type);
  const { attempt_withdrawn: _, ...codes } = MEANINGS;
  for (const [code, { fault }] of Object.entries(codes))
    expect([code, isFailure(code)]).toEqual([code, fault !== "client"]);
  expect(["500", "503", "599", "404", ""].map(isFailure)).toEqual([true, true, true, false, false]);
});

const lack = missing("promtool");
const ifThere = lack === undefined ? test : test.skip;
const titled = (title: string): string => (lack === undefined ? title : `${title} (skipped: ${lack})`);

ifThere(titled("promtool finds nothing to say about the rules"), async () => {
  const [code, said] = await askPromtool(["check", "rules", "--lint=all", "--lint-fatal"], "rules.yml", text);
  expect([code, said]).toEqual([0, expect.stringContaining(`${rules.length} rules found`)]);
});

ifThere(titled("alerts fire when they should, and no other does"), async () => {
  const tests = SCENES.map(({ title, series, at = "35m", fires }) => ({
    name: title,
    interval: "1m",
    input_series: Object.entries({ ...QUIET, ...series }).map(([each, values]) => ({ series: each, values })),
    // What fires is counted by name: its labels and texts are not of interest here.
    promql_expr_test: [
      {
        expr: 'count by (alertname) (ALERTS{alertstate="firing"})',
        eval_time: at,
        exp_samples: [...new Set(fires)].map((alert) => ({
          labels: `{alertname="${alert}"}`,
          value: fires.filter((each) => each === alert).length,
        })),
      },
    ],
  }));
  const file = JSON.stringify({ rule_files: [FILE], evaluation_interval: "1m", tests });
  const [code, said] = await askPromtool(["test", "rules"], "scenes.yml", file);
  expect([code, said]).toEqual([0, expect.stringContaining("SUCCESS")]);
});
