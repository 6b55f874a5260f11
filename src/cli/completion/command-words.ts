// The command line as those who complete it see it: verbs, their flags and words, all from the descriptions of the verbs.
import {
  aliasesOf,
  choicesOf,
  COMMON_FLAGS,
  descriptionOf,
  flagsOf,
  type NamedArg,
  placesOf,
  takesValue,
} from "../flags.ts";
import type { Meant, Verb } from "../verb.ts";

/** A flag in all its spellings. */
export interface FlagWord {
  /** The long name without dashes: "header". */
  readonly name: string;
  /** Other spellings, with their dashes: "-H". */
  readonly aliases: readonly string[];
  readonly takesValue: boolean;
  /** What the value is; undefined for anything. */
  readonly means: Meant | undefined;
  readonly repeats: boolean;
  readonly description: string;
}

/** A positional argument of a verb. */
export interface PlaceWord {
  readonly means: Meant | undefined;
  readonly required: boolean;
  readonly description: string;
}

/** A verb with its flags and arguments, as completions need them. */
export interface VerbWords {
  /** One word, or two: "keys new". */
  readonly name: string;
  readonly summary: string;
  /** Its own flags; those of {@link COMMON} stand beside them. */
  readonly flags: readonly FlagWord[];
  readonly places: readonly PlaceWord[];
}

/** A first word, and what may follow it. */
export interface FirstWord {
  readonly name: string;
  readonly summary: string;
  /** Second words, for a group of verbs; empty for a verb. */
  readonly seconds: readonly { readonly name: string; readonly summary: string }[];
}

/** Flags that every verb has. */
export const COMMON: readonly FlagWord[] = Object.entries(COMMON_FLAGS).map(flagWord);

/** The endings of a config's name. */
export const CONFIG_ENDINGS = ["ts", "mts", "js", "mjs", "json"] as const;

/** What completions need to know of a verb. */
export function wordsOf(verb: Verb): VerbWords {
  const places = placesOf(verb).map(([, arg]): PlaceWord => ({
    means: arg.means,
    required: arg.required === true,
    description: descriptionOf(arg),
  }));
  return { name: verb.name, summary: verb.summary, flags: flagsOf(verb).map(flagWord), places };
}

/** What may stand first, in the order of the verbs. */
export function firstWords(verbs: readonly VerbWords[]): FirstWord[] {
  const names = [...new Set(verbs.map(({ name }) => name.replace(/ .*/, "")))];
  return names.map((name) => {
    const own = verbs.find((verb) => verb.name === name);
    const seconds = verbs
      .filter((verb) => verb.name.startsWith(`${name} `))
      .map((verb) => ({ name: verb.name.slice(name.length + 1), summary: verb.summary }));
    return { name, summary: own?.summary ?? seconds.map((second) => second.summary).join("; "), seconds };
  });
}

/** Every spelling of a flag, with its dashes. */
export function spellingsOf({ name, aliases }: FlagWord): string[] {
  return [`--${name}`, ...aliases];
}

/** Spellings of flags behind which a value follows. */
export function valuedSpellings(flags: readonly FlagWord[]): string[] {
  return flags.filter((flag) => flag.takesValue).flatMap(spellingsOf);
}

function flagWord([name, arg]: NamedArg): FlagWord {
  return {
    name,
    aliases: aliasesOf(arg),
    takesValue: takesValue(arg),
    means: arg.means ?? choicesOf(arg),
    repeats: arg.repeats === true,
    description: descriptionOf(arg),
  };
}
