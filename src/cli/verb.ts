// Verb: one act of the executable, as the command line names it.
import { type ArgDef, type ParsedArgs, parseArgs } from "citty";
import { checkArguments } from "./arguments.ts";
import type { Embedded } from "./embedded.ts";
import type { EXIT_TEXTS } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** What every verb is given beside its own arguments. */
export interface VerbContext {
  readonly terminal: Terminal;
  readonly embedded: Embedded;
  /** All verbs there are, in the order of the help. */
  readonly verbs: () => Promise<readonly Verb[]>;
}

/** What a word or a value stands for, for whoever completes it: a path of that kind, or one of these words. */
export type Meant = "config" | "file" | "folder" | readonly string[];

/** A word or a flag of a verb. */
export type VerbArg = ArgDef & {
  /** Nothing that can be known beforehand when it is not set; the `options` of an enum need not be said again. */
  readonly means?: Meant;
  /** The variable of the environment that says the same; the flag goes before it. */
  readonly variable?: string;
  /** Whether the flag may stand several times. */
  readonly repeats?: boolean;
};

/** The words and flags of a verb by name; the words in their order. */
export type VerbArgs = Readonly<Record<string, VerbArg>>;

/** What stands of a verb in the help. */
export interface VerbText {
  readonly name: string;
  /** Begins in lower case, ends without a full stop. */
  readonly summary: string;
  /** Facts that the flags alone do not tell. */
  readonly notes: readonly string[];
  /** Command lines and what they do; the first stands in the general help. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /**
   * Exit codes beside 64 and 70, which every verb has: a code of EXIT_TEXTS, or any with what it means here. 0 need not be
   * named when it means that all is done.
   */
  readonly exits: readonly (keyof typeof EXIT_TEXTS | readonly [code: number, means: string])[];
}

/** One verb. `run` takes the words behind the verb and gives the exit code, or throws a Refusal. */
export interface Verb extends VerbText {
  readonly args: VerbArgs;
  run(raw: readonly string[], context: VerbContext): Promise<number>;
}

/** A verb whose `act` is given checked arguments, typed by `args`. */
export function defineVerb<const A extends VerbArgs>(
  text: VerbText,
  args: A,
  act: (args: ParsedArgs<A>, context: VerbContext) => Promise<number>,
): Verb {
  return {
    ...text,
    args,
    async run(raw, context) {
      checkArguments(raw, args, `sluice ${text.name}`);
      return act(parseArgs<A>([...raw], args), context);
    },
  };
}
