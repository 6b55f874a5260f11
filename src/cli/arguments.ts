// Command lines, read strictly: a flag that is unknown, given twice or without its value is a mistake, not a guess.
import { nearestOf } from "../config/nearest.ts";
import { usageError } from "./exit.ts";
import { aliasesOf, choicesOf, longFlag, takesValue } from "./flags.ts";
import type { VerbArgs } from "./verb.ts";

/** What the checks know of one flag. */
interface Flag {
  readonly name: string;
  readonly takesValue: boolean;
  readonly repeats: boolean;
  readonly choices: readonly string[] | undefined;
  readonly example: string;
}

/** Checks `raw` against what `verb` takes; throws a refusal (64) at the first mistake, naming the nearest right flag. */
export function checkArguments(raw: readonly string[], args: VerbArgs, verb: string): void {
  const flags = flagsOf(args);
  const places = Object.values(args).filter((arg) => arg.type === "positional").length;
  const seen = new Set<string>();
  let words = 0;
  for (let i = 0; i < raw.length; i++) {
    const word = raw[i] ?? "";
    if (word === "--") {
      words += raw.length - i - 1;
      checkWords(words, places, raw.at(-1) ?? "", verb);
      return;
    }
    if (!word.startsWith("-") || word === "-") {
      checkWords(++words, places, word, verb);
      continue;
    }
    const [spelled, value] = splitFlag(word);
    const flag = flags.get(spelled);
    if (flag === undefined) throw unknownFlag(spelled, [...flags.keys()], verb);
    if (seen.has(flag.name) && !flag.repeats) throw usageError(`--${flag.name} is given twice.`);
    seen.add(flag.name);
    if (!flag.takesValue) {
      if (value !== undefined) throw usageError(`${spelled} takes no value.`);
      continue;
    }
    const given = value ?? raw[++i];
    if (given === undefined || given === "" || (value === undefined && given.startsWith("-"))) {
      throw usageError(`${spelled} needs a value: ${flag.example}.`);
    }
    checkChoice(spelled, given, flag.choices);
  }
}

/** `word` names no flag of `verb`. */
export function unknownFlag(word: string, known: readonly string[], verb: string): Error {
  const near = nearestOf(word, known);
  const hint = near === undefined ? `${verb} --help lists the flags.` : `Did you mean ${near}?`;
  return usageError(`${verb} has no flag ${word}.`, hint);
}

/** "--port=80" as "--port" and "80". */
export function splitFlag(word: string): readonly [flag: string, value: string | undefined] {
  const at = word.indexOf("=");
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** Refuses a value that is none of the choices. */
export function checkChoice(flag: string, value: string, choices: readonly string[] | undefined): void {
  if (choices === undefined || choices.includes(value)) return;
  const near = nearestOf(value, choices);
  throw usageError(
    `${flag} is one of ${choices.join(", ")}, not "${value}".`,
    near === undefined ? undefined : `Did you mean ${near}?`,
  );
}

function checkWords(count: number, places: number, word: string, verb: string): void {
  if (count <= places) return;
  const takes = ["nothing but flags", "one name"][places] ?? `${places} words`;
  throw usageError(`${verb} takes ${takes}; "${word}" is one too many.`);
}

function flagsOf(args: VerbArgs): Map<string, Flag> {
  const flags = new Map<string, Flag>();
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const flag: Flag = {
      name,
      takesValue: takesValue(arg),
      repeats: arg.repeats === true,
      choices: choicesOf(arg),
      example: longFlag(name, arg),
    };
    for (const spelled of [`--${name}`, ...aliasesOf(arg)]) flags.set(spelled, flag);
  }
  return flags;
}
