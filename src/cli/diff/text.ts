// A difference for people: of two plans, and of what they make of a log.
import { type Table, tableText } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Aspect } from "./judge.ts";
import type { Counted, Group } from "./groups.ts";
import type { SettingChange } from "./plans.ts";

type Colors = Terminal["outColors"];

/** Characters shown of a setting. */
const MOST = 200;

const WORDS: Readonly<Record<Aspect, string>> = {
  route: "route",
  verdict: "verdict",
  leadsTo: "leads to",
  path: "path",
};

/** Settings that differ, a row each. */
export function settingsText(changes: readonly SettingChange[], width: number | undefined, colors: Colors): string {
  if (changes.length === 0) return "no difference";
  const table: Table = {
    heads: ["SETTING", "BEFORE", "AFTER", "PLACE"],
    rows: changes.map(({ path, before, after, placeBefore, placeAfter }) => [
      path,
      before === undefined ? "(not there)" : cut(before),
      after === undefined ? "(not there)" : cut(after),
      [...new Set([placeBefore, placeAfter])].filter((place) => place !== undefined).join(" "),
    ]),
  };
  const count = changes.length === 1 ? "1 setting differs" : `${changes.length} settings differ`;
  return `${tableText(table, width, colors)}\n\n${count}`;
}

/** What would change for the requests of a log. */
export function trafficText(counted: Counted, groups: readonly Group[], { bold, dim, yellow }: Colors): string {
  const blocks = groups.map(({ method, pattern, requests, changes, doubts, example }) => {
    const lines = [
      `${bold(String(requests).padStart(8))}  ${bold(`${method} ${pattern ?? "(no route)"}`)}`,
      ...changes.map(
        ({ what, before, after }) =>
          `          ${WORDS[what].padEnd(8)}  ${before || "nothing"} → ${after || "nothing"}`,
      ),
      ...doubts.map((doubt) => `          ${yellow(`cannot be told for certain: ${doubt}`)}`),
      dim(`          such as ${example.target} at ${example.time}${example.id === undefined ? "" : `, ${example.id}`}`),
    ];
    return lines.join("\n");
  });
  return [...blocks, summary(counted, groups)].join("\n\n");
}

function summary(counted: Counted, groups: readonly Group[]): string {
  const { requests, unreadable, cut, firstUnreadable, others } = counted;
  const count = (some: readonly Group[]): number => some.reduce((sum, each) => sum + each.requests, 0);
  const sure = count(groups.filter(({ doubts }) => doubts.length === 0));
  const unsure = count(groups.filter(({ doubts }) => doubts.length > 0));
  return [
    `${sure} of ${requests} ${requests === 1 ? "request" : "requests"} would change`,
    ...(unsure > 0 ? [`of ${unsure} it cannot be told for certain`] : []),
    ...(others > 0 ? [`${others} of more kinds than are shown`] : []),
    ...(cut > 0 ? [`${cut} were too long for the log`] : []),
    ...(unreadable > 0 ? [`${lines(unreadable)} none of an access log, the first is line ${firstUnreadable}`] : []),
  ].join("; ");
}

function lines(count: number): string {
  return count === 1 ? "1 line is" : `${count} lines are`;
}

function cut(text: string): string {
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
}
