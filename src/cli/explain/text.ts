// An explanation for people.
import { type Table, tableText } from "../table.ts";
import type { Terminal } from "../terminal.ts";
import type { Explanation } from "./explanation.ts";
import type { PolicyView } from "./policies.ts";

/** The explanation as lines: what becomes of the request, which route takes it, what policies say, where it goes. */
export function explanationText(it: Explanation, width: number | undefined, colors: Terminal["outColors"]): string {
  const { bold, green, red, yellow } = colors;
  const paint = it.code !== undefined ? red : it.head.length > 0 || it.status !== undefined ? green : yellow;
  const section = (title: string, table: Table): string =>
    table.rows.length === 0 ? "" : `${bold(title)}\n${indented(tableText(table, width && width - 2, colors))}`;
  const parts = [
    `${it.request} from ${it.client}\n${paint(it.verdict)}`,
    section("Route", {
      heads: ["ROUTE", "MATCH", "SAYS", "PLACE"],
      rows: it.matches.map(({ route, match, why, place }) => [route, match, why, place]),
    }),
    section("Policies, in the order in which they are asked", {
      heads: ["POLICY", "SAYS", "WHY", "PLACE"],
      rows: it.policies.map(({ policy, says, why, place }) => [policy, WORDS[says], why, place]),
    }),
    it.way === undefined ? "" : wayText(it.way, bold),
    it.head.length === 0 ? "" : `${bold("The head that the upstream sees")}\n${indented(it.head.join("\n"))}`,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

const WORDS: Readonly<Record<PolicyView["says"], string>> = {
  passes: "passes",
  accepts: "accepts",
  nothing: "does not know",
  refuses: "refuses",
  "would refuse": "observes: would refuse",
  undecided: "cannot tell here",
  idle: "is not asked",
};

function wayText(
  { upstream, target, targets, settings, place }: NonNullable<Explanation["way"]>,
  bold: (text: string) => string,
): string {
  const rows: [string, string][] = [
    ["upstream", `${upstream}  ${place}`],
    [
      "target",
      target === undefined ? targets.join(" or ") || "none is known here" : targetText(target, targets.length),
    ],
    ...settings.map(([name, value]): [string, string] => [name, value]),
  ];
  const longest = Math.max(...rows.map(([name]) => name.length));
  return `${bold("Way")}\n${rows.map(([name, value]) => `  ${name.padEnd(longest)}  ${value}`).join("\n")}`;
}

function targetText(target: string, count: number): string {
  return count === 1 ? target : `${target}, one of ${count}: a gateway that has just started would pick it`;
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
