// Verb: one act of the executable, as the command line names it.
import { type ArgsDef, type ParsedArgs, parseArgs } from "citty";
import { checkArguments } from "./arguments.ts";
import type { Embedded } from "./embedded.ts";
import type { Terminal } from "./terminal.ts";

/** What every verb is given beside its own arguments. */
export interface VerbContext {
  readonly terminal: Terminal;
  readonly embedded: Embedded;
}

/** What stands of a verb in the help. */
export interface VerbText {
  readonly name: string;
  /** Begins in lower case, ends without a full stop. */
  readonly summary: string;
  /** Facts that the flags alone do not tell. */
  readonly notes: readonly string[];
  /** Command lines and what they do; the first stands in the general help. */
  readonly examples: readonly (readonly [line: string, does: string])[];
}

/** One verb. `run` takes the words behind the verb and gives the exit code, or throws a Refusal. */
export interface Verb extends VerbText {
  readonly args: ArgsDef;
  run(raw: readonly string[], context: VerbContext): Promise<number>;
}

/** A verb whose `act` is given checked arguments, typed by `args`. */
export function defineVerb<const A extends ArgsDef>(
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
