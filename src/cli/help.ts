// The text of --help: what a verb does, its flags, and examples to copy.
import { EXIT_TEXTS } from "./exit.ts";
import { aliasesOf, COMMON_FLAGS, descriptionOf, flagsOf, longFlag, type NamedArg, usageOf } from "./flags.ts";
import type { Terminal } from "./terminal.ts";
import type { Verb } from "./verb.ts";

type Colors = Terminal["outColors"];
type Row = readonly [left: string, right: string];

const COMMON: readonly Row[] = Object.entries(COMMON_FLAGS).map(flagRow);

/** Help for the executable as a whole. */
export function generalHelp(verbs: readonly Verb[], version: string, colors: Colors): string {
  return [
    `Sluice ${version}: an API gateway in one file.`,
    section("Usage", ["sluice <verb> [flags]"], colors),
    section(
      "Verbs",
      rows(
        verbs.map((verb) => [usageOf(verb), verb.summary]),
        colors,
      ),
      colors,
    ),
    section("Flags", rows(COMMON, colors), colors),
    section(
      "Examples",
      rows(
        verbs.flatMap((verb) => verb.examples.slice(0, 1)),
        colors,
      ),
      colors,
    ),
    section(
      "Exit codes",
      rows(
        Object.entries(EXIT_TEXTS).map(([code, means]) => [code, means]),
        colors,
      ),
      colors,
    ),
    `"sluice <verb> --help" tells more of a verb.`,
  ].join("\n\n");
}

/** The help text of one verb. */
export function verbHelp(verb: Verb, colors: Colors): string {
  const flags = flagsOf(verb);
  const exits = exitsOf(verb);
  return [
    `${verb.summary[0]?.toUpperCase()}${verb.summary.slice(1)}.`,
    section("Usage", [`sluice ${usageOf(verb)}${flags.length === 0 ? "" : " [flags]"}`], colors),
    ...(verb.notes.length === 0 ? [] : [verb.notes.join("\n")]),
    section("Flags", rows([...flags.map(flagRow), ...COMMON], colors), colors),
    section("Examples", rows(verb.examples, colors), colors),
    section("Exit codes", rows(exits, colors), colors),
  ].join("\n\n");
}

/** All exit codes of a verb with their meaning, in their order. */
export function exitsOf({ exits }: Verb): Row[] {
  const texts: Record<number, string> = { 0: EXIT_TEXTS[0], 64: EXIT_TEXTS[64], 70: EXIT_TEXTS[70] };
  for (const exit of exits) {
    const [code, means] = typeof exit === "number" ? [exit, EXIT_TEXTS[exit]] : exit;
    texts[code] = means;
  }
  // Keys that are whole numbers come in their order.
  return Object.entries(texts);
}

function flagRow([name, arg]: NamedArg): Row {
  return [[...aliasesOf(arg), longFlag(name, arg)].join(", "), descriptionOf(arg)];
}

function section(title: string, lines: readonly string[], colors: Colors): string {
  return [colors.bold(title), ...lines.map((line) => `  ${line}`)].join("\n");
}

function rows(pairs: readonly Row[], colors: Colors): string[] {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `${colors.cyan(left)}${" ".repeat(width - left.length)}  ${right}`);
}
