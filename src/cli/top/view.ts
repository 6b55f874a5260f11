// A summary as text: tables for a terminal of any width, the same for a screen and for a pipe.
import type { RouteRates } from "../../admin/live/history.ts";
import { type Table, tablesText, wrapped } from "../table.ts";
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

/** Exchanges that are shown, and how many of them may be failures. */
const MOST_LAST = 10;
const MOST_FAILED = 5;
/** Characters of a path. */
const MOST_PATH = 40;

type Colors = Terminal["outColors"];

/** The room that there is; undefined for as much as it takes. */
export interface Size {
  /** Characters in a line. */
  readonly width?: number | undefined;
  /** Lines. */
  readonly height?: number;
}

/** What is shown. */
export function viewText(summary: Summary, order: Order, { width, height }: Size, colors: Colors): string {
  const head = headLines(summary, width, colors);
  const tables = tablesText(
    [
      routesTable(summary, order),
      failuresTable(summary),
      upstreamsTable(summary, colors),
      limitsTable(summary),
      usesTable(summary),
      exchangesTable(summary),
    ],
    { width, ...(height !== undefined && { height: height - head.length - 1 }) },
    colors,
  );
  return tables === "" ? head.join("\n") : [...head, "", tables].join("\n");
}

function headLines(summary: Summary, width: number | undefined, colors: Colors): string[] {
  const { name, process, requests, cpu, obstacles, at, lastLoad } = summary;
  const { version, startedAtSeconds, workers, active, connections, memory, linesDropped } = process;
  const failed = requests.failedPerSecond;
  const bad = failed > 0 ? colors.red : (text: string): string => text;
  const loaded = lastLoad && `config ${lastLoad.ok ? "loaded" : "refused"} ${spanText((at - lastLoad.at) / 1000)} ago`;
  const reds = [
    ...(linesDropped > 0 ? [`${count(linesDropped, "line")} of the log lost`] : []),
    ...(lastLoad?.ok === false ? [`${loaded}: ${lastLoad.message.split("\n", 1)[0]}`] : []),
    ...obstacles.map(({ name, reason }) => `not ready: ${name}: ${reason}`),
  ];
  return [
    ...joined(
      [
        `${colors.bold(clean(name))} ${clean(version)}`,
        `up ${spanText(at / 1000 - startedAtSeconds)}`,
        count(workers, "worker"),
        ...(lastLoad?.ok === true ? [loaded!] : []),
      ],
      width,
    ),
    ...joined(
      [
        `${rateText(requests.perSecond)} req/s`,
        bad(`${rateText(failed)} failed/s`),
        `${active} under way`,
        count(connections, "connection"),
        `cpu ${Math.round(cpu * 100)}%`,
        `memory ${Math.round(memory / 2 ** 20)} MiB`,
      ],
      width,
    ),
    ...reds.flatMap((text) => wrapped(clean(text), width ?? Infinity).map((line) => colors.red(line))),
  ];
}

/** Parts beside each other, as many as there is room for in a line. */
function joined(parts: readonly string[], width = Infinity): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = `${last}  ${part}`;
    if (last === undefined || Bun.stringWidth(longer) > width) lines.push(part);
    else lines[lines.length - 1] = longer;
  }
  return lines;
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

function usesTable({ uses }: Summary): Table {
  const rows = uses.map(({ limit, caller, used, of, resetMs }) => [
    limit,
    caller,
    String(used),
    String(of),
    spanText(resetMs / 1000),
  ]);
  return ranged(["NEAR LIMIT", "CALLER", "USED", "OF", "MORE IN"], rows, 2, 5);
}

/** The newest, and of those that failed the newest, so that a few are seen among many that went well. */
function exchangesTable({ exchanges, at }: Summary): Table {
  const failed = new Set(exchanges.filter(hasFailed).slice(0, MOST_FAILED));
  const others = exchanges.filter((each) => !failed.has(each)).slice(0, MOST_LAST - failed.size);
  const shown = new Set([...failed, ...others]);
  const rows = exchanges
    .filter((each) => shown.has(each))
    .map(({ at: began, ms, status, code = "", method, path, route = "", consumer = "", spans }) => [
      spanText(Math.max(0, (at - began - ms) / 1000)),
      millisText(ms),
      status === 0 ? "" : String(status),
      code,
      `${method} ${shortened(path)}`,
      route === "" ? "(no route)" : route,
      consumer,
      spans.findLast(({ target }) => target !== undefined)?.target ?? "",
    ]);
  return ranged(["AGO", "TOOK", "STATUS", "ERROR", "REQUEST", "ROUTE", "CONSUMER", "TARGET"], rows, 0, 2);
}

function hasFailed({ status, code }: Summary["exchanges"][number]): boolean {
  return status >= 400 || status === 0 || code !== undefined;
}

function shortened(path: string): string {
  return path.length > MOST_PATH ? `${path.slice(0, MOST_PATH - 1)}…` : path;
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
  return ms >= 1000 ? `${(ms / 1000).toFixed(1)}s` : `${ms >= 10 ? Math.round(ms) : ms.toFixed(ms < 1 ? 2 : 1)}ms`;
}

function spanText(seconds: number): string {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days! > 0) return `${days}d ${hours}h`;
  return hours! > 0 ? `${hours}h ${minutes}m` : minutes! > 0 ? `${minutes}m` : `${Math.floor(seconds)}s`;
}

function count(value: number, what: string): string {
  return `${value} ${what}${value === 1 ? "" : "s"}`;
}
