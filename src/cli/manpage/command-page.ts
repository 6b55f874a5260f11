// sluice(1): the manual page of the command line, from what the verbs say of themselves.
import { EXIT_TEXTS } from "../exit.ts";
import {
  aliasesOf,
  COMMON_FLAGS,
  descriptionOf,
  flagsOf,
  type NamedArg,
  placesOf,
  takesValue,
  valueOf,
} from "../flags.ts";
import { exitsOf } from "../help.ts";
import type { Verb } from "../verb.ts";
import { literal, Page, placeholder } from "./roff.ts";
import { FILES, SIGNALS, VARIABLES } from "./surroundings.ts";

/** What stands at the head of every page. */
export interface Edition {
  /** Version and commit: "0.1.0+1a2b3c4". */
  readonly version: string;
  /** "2026-11-30"; "" when unknown. */
  readonly date: string;
}

/** The manual page sluice(1), as roff. */
export function commandPage(verbs: readonly Verb[], edition: Edition): string {
  const page = new Page("sluice", 1, edition.date, `Sluice ${edition.version}`, "User Commands");
  page
    .name("sluice", "an API gateway in one file")
    .section("SYNOPSIS")
    .synopsis(`${literal("sluice")} ${placeholder("verb")} [${placeholder("flags")}]`)
    .synopsis(`${literal("sluice")} ${placeholder("verb")} ${literal("--help")}`)
    .section("DESCRIPTION")
    .paragraph(
      "Sluice stands in front of services: it receives a request, says who calls, holds limits, picks a healthy target, " +
        "forwards, answers and records. What it does stands in a config in TypeScript, `gateway.config(5)`.",
    )
    .paragraph(
      "`sluice init` writes a config to begin with, `sluice check` says what is wrong with it, `sluice run` runs it.",
    )
    .paragraph("Results go to standard output, messages to standard error.")
    .section("VERBS");
  for (const verb of verbs) addVerb(page, verb);
  page.section("OPTIONS").paragraph("Every verb has these.");
  for (const flag of Object.entries(COMMON_FLAGS)) addFlag(page, flag);
  page.section("EXIT STATUS");
  for (const [code, means] of Object.entries(EXIT_TEXTS)) page.item(literal(code), sentence(means));
  page.paragraph("Other codes, and what these mean for one verb, are told with the verb.");
  page.section("ENVIRONMENT");
  for (const [name, means] of [...flagVariables(verbs), ...VARIABLES]) page.item(literal(name), means);
  page.section("FILES");
  for (const [name, means] of FILES) page.item(literal(name), means);
  page.section("SIGNALS");
  for (const [name, means] of SIGNALS) page.item(literal(name), means);
  page.section("EXAMPLES");
  for (const verb of verbs)
    for (const [line, does] of verb.examples.slice(0, 1)) page.item(literal(line), sentence(does));
  page.section("SEE ALSO").paragraph("`gateway.config(5)`, `systemctl(1)`, `systemd.exec(5)`");
  return page.text();
}

function addVerb(page: Page, verb: Verb): void {
  page.part(`sluice ${verb.name}`);
  const places = placesOf(verb);
  const words = places.map(([name, arg]) => (arg.required === true ? placeholder(name) : `[${placeholder(name)}]`));
  const flags = flagsOf(verb);
  const usage = [
    literal(`sluice ${verb.name}`),
    ...words,
    ...(flags.length === 0 ? [] : [`[${placeholder("flags")}]`]),
  ];
  page.item(usage.join(" "), sentence(verb.summary));
  if (verb.notes.length > 0) page.paragraph(verb.notes.join(" "));
  for (const [name, arg] of places) page.item(placeholder(name), sentence(descriptionOf(arg)));
  for (const flag of flags) addFlag(page, flag);
  page.paragraph(
    `Exit status: ${exitsOf(verb)
      .map(([code, means]) => `\`${code}\`, ${means}`)
      .join("; ")}.`,
  );
  for (const [line, does] of verb.examples) page.item(literal(line), sentence(does));
}

function addFlag(page: Page, [name, arg]: NamedArg): void {
  const value = takesValue(arg) ? `=${placeholder(valueOf(name, arg))}` : "";
  const terms = [...aliasesOf(arg).map(literal), `${literal(`--${name}`)}${value}`];
  page.item(terms.join(", "), sentence(descriptionOf(arg)));
}

/** Variables that stand for a flag. */
function flagVariables(verbs: readonly Verb[]): (readonly [string, string])[] {
  return verbs.flatMap((verb) =>
    flagsOf(verb).flatMap(([name, arg]) =>
      arg.variable === undefined
        ? []
        : [[arg.variable, `As \`--${name}\` of \`sluice ${verb.name}\`, which goes before it.`] as const],
    ),
  );
}

/** Summaries and descriptions begin in lower case and have no full stop. */
function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;
}
