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
    [`${it.request} from ${it.client}`, paint(it.verdict), ...askedLines(it, yellow)].join("\n"),
    section("Route", {
      heads: ["ROUTE", "MATCH", "SAYS", "PLACE"],
      rows: it.matches.map(({ route, match, why, place }) => [route, match, why, place]),
    }),
    section("Policies, in the order in which they are asked", {
      heads: ["POLICY", "SAYS", "WHY", "PLACE"],
      rows: it.policies.map(({ policy, says, why, place }) => [policy, WORDS[says], why, place]),
    }),
    it.way === undefined
      ? ""
      : section("Way", { heads: ["SETTING", "VALUE", "PLACE"], rows: wayRows(it.way, it.asked) }),
    section("Targets now", {
      heads: ["TARGET", "STATE", "WHY", "IN USE"],
      rows: (it.asked === undefined ? [] : (it.way?.targets ?? [])).map(
        ({ url, state = "not known", why = "", inUse }) => [...[url, state, why, String(inUse ?? "")]],
      ),
    }),
    section("The head that the upstream sees", {
      heads: ["LINE", "FROM"],
      rows: it.head.map(({ line, from }) => [line, from]),
    }),
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

function askedLines({ asked }: Explanation, yellow: (text: string) => string): string[] {
  if (asked === undefined) return [];
  const { name, same } = asked;
  const told = `now, as the gateway at ${name} tells`;
  return [same === false ? yellow(`${told}: it runs another config, for it was not reloaded since`) : told];
}

function wayRows(way: NonNullable<Explanation["way"]>, asked: Explanation["asked"]): string[][] {
  return [
    ["upstream", way.upstream, way.place],
    ["target", targetText(way, asked !== undefined), ""],
    ...way.settings.map((setting) => [...setting]),
  ];
}

function targetText({ target, targets, candidates, certain }: NonNullable<Explanation["way"]>, asked: boolean): string {
  const now = asked ? " now" : "";
  if (target === undefined) {
    if (asked) return candidates === 0 ? "none may be picked now" : `one of ${candidates} that may be picked now`;
    return targets.map(({ url }) => url).join(" or ") || "none is known here";
  }
  if (candidates < 2) return targets.length < 2 ? target : `${target}, the only one that may be picked${now}`;
  if (certain) return target;
  return asked
    ? `${target}, or another of the ${candidates} that may be picked now`
    : `${target}, one of ${candidates}: a gateway that has just started would pick it`;
}

function indented(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
