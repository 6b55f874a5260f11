// The text of --help: what a verb does, its flags, and examples to copy.
import type { ArgDef } from "citty";
import type { Terminal } from "./terminal.ts";
import type { Verb } from "./verb.ts";

type Colors = Terminal["outColors"];
type Row = readonly [left: string, right: string];

/** Flags that every verb takes. */
const COMMON: readonly Row[] = [
  ["--color=<auto|always|never>", "colour; NO_COLOR and FORCE_COLOR are heeded too"],
  ["-h, --help", "this text"],
  ["-V, --version", "the version"],
];

/** Help for the executable as a whole. */
export function generalHelp(verbs: readonly Verb[], version: string, colors: Colors): string {
  return [
    `Sluice ${version}: an API gateway in one file.`,
    section("Usage", ["sluice <verb> [flags]"], colors),
    section(
      "Verbs",
      rows(
        verbs.map((verb) => [usage(verb), verb.summary]),
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
        [
          ["0", "done"],
          ["64", "the command line is wrong"],
          ["66", "the config file is missing"],
          ["69", "the gateway does not answer"],
          ["70", "a fault of Sluice itself"],
          ["71", "the system refused, such as a port in use"],
          ["77", "not permitted, such as a port below 1024"],
          ["78", "the config is wrong"],
        ],
        colors,
      ),
      colors,
    ),
    `"sluice <verb> --help" tells more of a verb.`,
  ].join("\n\n");
}

/** Help for one verb. */
export function verbHelp(verb: Verb, colors: Colors): string {
  const flags = Object.entries(verb.args).filter(([, arg]) => arg.type !== "positional");
  return [
    `${verb.summary[0]?.toUpperCase()}${verb.summary.slice(1)}.`,
    section("Usage", [`sluice ${usage(verb)}${flags.length === 0 ? "" : " [flags]"}`], colors),
    ...(verb.notes.length === 0 ? [] : [verb.notes.join("\n")]),
    section(
      "Flags",
      rows([...flags.map(([name, arg]): Row => [flagText(name, arg), arg.description ?? ""]), ...COMMON], colors),
      colors,
    ),
    section("Examples", rows(verb.examples, colors), colors),
  ].join("\n\n");
}

function usage(verb: Verb): string {
  const args = Object.entries(verb.args);
  const places = args.filter(([, arg]) => arg.type === "positional").map(([name]) => ` [${name}]`);
  return `${verb.name}${places.join("")}`;
}

function flagText(name: string, arg: ArgDef): string {
  const takesValue = arg.type === "string" || arg.type === "enum";
  const alias = "alias" in arg && typeof arg.alias === "string" ? `-${arg.alias}, ` : "";
  return takesValue ? `${alias}--${name}=<${arg.valueHint ?? name}>` : `${alias}--${name}`;
}

function section(title: string, lines: readonly string[], colors: Colors): string {
  return [colors.bold(title), ...lines.map((line) => `  ${line}`)].join("\n");
}

function rows(pairs: readonly Row[], colors: Colors): string[] {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `${colors.cyan(left)}${" ".repeat(width - left.length)}  ${right}`);
}
