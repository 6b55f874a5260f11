// Flags as they are spelled: one reading of a verb's arguments for the checks, the help, the completions and the manual page.
import { COLOR_CHOICES } from "./terminal.ts";
import type { Verb, VerbArg, VerbArgs } from "./verb.ts";

/** Flags that every verb takes, and the executable without a verb. */
export const COMMON_FLAGS = {
  color: {
    type: "enum",
    options: [...COLOR_CHOICES],
    description: "colour; NO_COLOR and FORCE_COLOR are heeded too",
  },
  help: { type: "boolean", alias: "h", description: "this text" },
  version: { type: "boolean", alias: "V", description: "the version" },
} as const satisfies VerbArgs;

/** One word or flag with its name. */
export type NamedArg = readonly [name: string, arg: VerbArg];

/** The flags of a verb, those of all verbs left out. */
export function flagsOf(verb: Verb): NamedArg[] {
  return Object.entries(verb.args).filter(([, arg]) => arg.type !== "positional");
}

/** The words behind a verb, in their order. */
export function placesOf(verb: Verb): NamedArg[] {
  return Object.entries(verb.args).filter(([, arg]) => arg.type === "positional");
}

/** Whether a value follows the flag. */
export function takesValue(arg: VerbArg): boolean {
  return arg.type === "string" || arg.type === "enum";
}

/** The other spellings of a flag: "-H". */
export function aliasesOf(arg: VerbArg): string[] {
  const aliases = "alias" in arg ? [arg.alias ?? []].flat() : [];
  return aliases.map((alias) => (alias.length === 1 ? `-${alias}` : `--${alias}`));
}

/** The values that alone are right; undefined when there are others. */
export function choicesOf(arg: VerbArg): readonly string[] | undefined {
  return arg.type === "enum" ? arg.options : undefined;
}

/** What stands for the value of a flag, without brackets: "port", "auto|always|never". */
export function valueOf(name: string, arg: VerbArg): string {
  return arg.valueHint ?? choicesOf(arg)?.join("|") ?? name;
}

/** A flag in full: "--port=<port>", "--watch". */
export function longFlag(name: string, arg: VerbArg): string {
  return takesValue(arg) ? `--${name}=<${valueOf(name, arg)}>` : `--${name}`;
}

/** The words of a verb with what follows them: "run [file]", "explain [method] <url>". */
export function usageOf(verb: Verb): string {
  return [verb.name, ...placesOf(verb).map(([name, arg]) => (arg.required === true ? `<${name}>` : `[${name}]`))].join(
    " ",
  );
}

/** What a flag or word is, and the variable that says the same. */
export function descriptionOf(arg: VerbArg): string {
  const text = arg.description ?? "";
  return arg.variable === undefined ? text : `${text} (${arg.variable})`;
}
