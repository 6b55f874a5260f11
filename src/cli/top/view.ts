// A summary as text: tables for a terminal of any width, the same for a screen and for a pipe.
import type { RouteRates } from "../../admin/live/history.ts";
import { type Table, tableText } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Summary, TargetSummary, UpstreamSummary } from "./summary.ts";

/** By what routes are sorted: the key that is pressed. */
export const ORDERS = {
  r: { name: "requests", value: ({ perSecond }: RouteRates) => perSecond },
  p: { name: "p99", value: ({ p99 }: RouteRates) => p99 ?? 0 },
  e: {
    name: "errors",
    value: ({ failedPerSecond, refusedPerSecond }: RouteRates) => failedPerSecond * 1e6 + refusedPerSecond,
  },
  t: { name: "total", value: ({ total }: RouteRates) => total },
} as const;

/** A key that sorts the routes. */
export type Order = keyof typeof ORDERS;

type Colors = Terminal["outColors"];

/** What is shown. @param width in characters; undefined for as wide as it is */
export function viewText(summary: Summary, order: Order, width: number | undefined, colors: Colors): string {
  const tables = [
    routesTable(summary, order),
    failuresTable(summary),
    upstreamsTable(summary, colors),
    limitsTable(summary),
  ];
  return [
    headText(summary, colors),
    ...tables.filter(({ rows }) => rows.length > 0).map((table) => tableText(table, width, colors)),
  ].join("\n\n");
}

function headText({ name, process, requests, cpu, obstacles, at }: Summary, colors: Colors): string {
  const { version, startedAtSeconds, workers, active, connections, memory, linesDropped } = process;
  const failed = requests.failedPerSecond;
  const bad = failed > 0 ? colors.red : (text: string): string => text;
  const lines = [
    `${colors.bold(clean(name))} ${clean(version)}  up ${spanText(at / 1000 - startedAtSeconds)}  ${count(workers, "worker")}`,
    `${rateText(requests.perSecond)} req/s  ${bad(`${rateText(failed)} failed/s`)}  ${active} under way  ` +
      `${count(connections, "connection")}  cpu ${Math.round(cpu * 100)}%  memory ${Math.round(memory / 2 ** 20)} MiB`,
  ];
  if (linesDropped > 0) lines.push(colors.red(`${count(linesDropped, "line")} of the log lost`));
  for (const { name, reason } of obstacles) lines.push(colors.red(clean(`not ready: ${name}: ${reason}`)));
  return lines.join("\n");
}

function routesTable({ routes }: Summary, order: Order): Table {
  const { value } = ORDERS[order];
  const sorted = routes.toSorted((a, b) => value(b) - value(a) || (a.route < b.route ? -1 : 1));
  const rows = sorted.map(({ route, total, perSecond, p50, p90, p99, refusedPerSecond, failedPerSecond }) => [
    route === "" ? "(no route)" : route,
    rateText(perSecond),
    ...[p50, p90, p99].map(millisText),
    rateText(refusedPerSecond),
    rateText(failedPerSecond),
    String(total),
  ]);
  return ranged(["ROUTE", "REQ/S", "P50", "P90", "P99", "4XX/S", "5XX/S", "TOTAL"], rows, 1, 8);
}

function failuresTable({ failures, seconds }: Summary): Table {
  const rows = failures.map(({ code, status, route, lately, count }) => [
    code,
    status === 0 ? "" : String(status),
    route === "" ? "(no route)" : route,
    rateText(lately / seconds),
    String(count),
  ]);
  return ranged(["ERROR", "STATUS", "ROUTE", "PER S", "TOTAL"], rows, 3, 5);
}

function upstreamsTable({ upstreams }: Summary, { red, yellow }: Colors): Table {
  const rows = upstreams.flatMap((upstream) => upstream.targets.map((target) => targetRow(upstream, target)));
  const table = ranged(["UPSTREAM", "CIRCUIT", "TARGET", "STATE", "TRIES/S", "FAILED/S", "CONNS", "WHY"], rows, 4, 7);
  // These words are shorter than the narrowest column: none is broken in its colour.
  const paint = (text: string): string =>
    text === "open" || text === "down" ? red(text) : text === "ejected" || text === "drained" ? yellow(text) : text;
  return {
    ...table,
    rows: table.rows.map((row) => row.map((text, at) => (at === 1 || at === 3 ? paint(text) : text))),
  };
}

function targetRow({ name, circuit }: UpstreamSummary, target: TargetSummary): string[] {
  const { url, state, lately, connections, reason, seconds } = target;
  const why = [reason ?? "", seconds === undefined ? "" : `for ${Math.ceil(seconds)} s`].filter((each) => each !== "");
  return [
    name,
    circuit ?? "",
    url,
    state,
    rateText(lately.perSecond),
    rateText(lately.perSecond * lately.failed),
    `${connections.active}+${connections.idle}`,
    why.join(", "),
  ];
}

function limitsTable({ decisions }: Summary): Table {
  const rows = decisions.map(({ name, kind, ...counts }) => [
    name,
    kind,
    ...[counts.allowed, counts.refused].map(String),
    counts.observed === 0 ? "" : String(counts.observed),
  ]);
  return ranged(["LIMIT", "KIND", "ALLOWED", "REFUSED", "OBSERVED"], rows, 2, 5);
}

/** A table of which some columns are numbers, which end below each other. */
function ranged(heads: readonly string[], rows: readonly (readonly string[])[], from: number, to: number): Table {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]!.length)));
  const line = (texts: readonly string[]): string[] =>
    texts.map((text, at) => (at >= from && at < to && text !== "" ? text.padStart(widths[at]!) : text));
  return { heads: line(heads), rows: rows.map((row) => line(row).map(clean)) };
}

/** Texts of others (reasons, targets that were found) must not steer the terminal. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "?");
}

function rateText(perSecond: number): string {
  return perSecond >= 100 ? String(Math.round(perSecond)) : perSecond.toFixed(1);
}

function millisText(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)}s`;
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)}s` : `${ms >= 10 ? Math.round(ms) : ms.toFixed(1)}ms`;
}

function spanText(seconds: number): string {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days! > 0) return `${days}d ${hours}h`;
  return hours! > 0 ? `${hours}h ${minutes}m` : minutes! > 0 ? `${minutes}m` : `${Math.floor(seconds)}s`;
}

function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? "" : "s"}`;
}
