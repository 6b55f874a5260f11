// The executable's entry: finds the verb, checks the command line, runs it, and turns what is thrown into an exit code.
import { checkChoice, splitFlag, unknownFlag } from "./arguments.ts";
import { type Embedded, fullVersion } from "./embedded.ts";
import { EXIT, Refusal, usageError, stackOf } from "./exit.ts";
import { COMMON_FLAGS } from "./flags.ts";
import { generalHelp, verbHelp } from "./help.ts";
import { nearestOf } from "../config/nearest.ts";
import { COLOR_CHOICES, type ColorChoice, formatRefusal, openTerminal } from "./terminal.ts";
import type { Verb, VerbContext } from "./verb.ts";
import { FIRST_WORDS, VERBS } from "./verbs.ts";

/** Runs the command line and ends the process with its exit code. */
export async function main(commandLine: readonly string[], embedded: Embedded): Promise<never> {
  // A word for gateways reaches every process of this name, a `sluice top` beside them too: unheard, it would end that.
  for (const signal of ["SIGUSR1", "SIGUSR2"] as const) process.on(signal, () => undefined);
  process.exit(await exitCodeOf(commandLine, embedded));
}

async function exitCodeOf(commandLine: readonly string[], embedded: Embedded): Promise<number> {
  let terminal = openTerminal("auto");
  try {
    const common = takeCommonFlags(commandLine);
    terminal = openTerminal(common.color);
    return await dispatch(common, {
      terminal,
      embedded,
      verbs: () => Promise.all(Object.values(VERBS).map((load) => load())),
    });
  } catch (thrown) {
    if (thrown instanceof Refusal) {
      terminal.err(formatRefusal(thrown, terminal.errColors));
      return thrown.exitCode;
    }
    terminal.err(bugReport(thrown, embedded));
    return EXIT.bug;
  }
}

/** What the flags that every verb takes say, and the words that remain. */
interface CommonFlags {
  readonly help: boolean;
  readonly version: boolean;
  readonly color: ColorChoice;
  readonly rest: readonly string[];
}

function takeCommonFlags(commandLine: readonly string[]): CommonFlags {
  const rest: string[] = [];
  let help = false;
  let version = false;
  let color: string = "auto";
  for (let i = 0; i < commandLine.length; i++) {
    const word = commandLine[i] ?? "";
    if (word === "--") {
      rest.push(...commandLine.slice(i));
      break;
    }
    const [flag, value] = splitFlag(word);
    if (word === "--help" || word === "-h") help = true;
    else if (word === "--version" || word === "-V") version = true;
    else if (word === "--no-color") color = "never";
    else if (flag === "--color") {
      color = value ?? commandLine[++i] ?? "";
      checkChoice("--color", color, COLOR_CHOICES);
    } else rest.push(word);
  }
  return { help, version, color: color as ColorChoice, rest };
}

async function dispatch(common: CommonFlags, context: VerbContext): Promise<number> {
  const { terminal, embedded } = context;
  if (common.version) {
    terminal.out(versionText(embedded));
    return EXIT.ok;
  }
  const [word, ...raw] = common.rest;
  if (word === undefined) {
    if (!common.help) throw usageError(`Name a verb: ${listed(FIRST_WORDS)}.`, "sluice --help tells what they do.");
    terminal.out(generalHelp(await context.verbs(), fullVersion(embedded), terminal.outColors));
    return EXIT.ok;
  }
  if (common.help && isGroup(word) && raw.length === 0) {
    const verbs = await Promise.all(verbsOf(word).map((name) => VERBS[name]!()));
    terminal.out(verbs.map((verb) => verbHelp(verb, terminal.outColors)).join("\n\n"));
    return EXIT.ok;
  }
  const verb = await findVerb(word, raw[0]);
  if (common.help) {
    terminal.out(verbHelp(verb, terminal.outColors));
    return EXIT.ok;
  }
  return verb.run(isGroup(word) ? raw.slice(1) : raw, context);
}

/** The verbs of two words that begin with this one. */
function verbsOf(word: string): string[] {
  return Object.keys(VERBS).filter((name) => name.startsWith(`${word} `));
}

function isGroup(word: string): boolean {
  return verbsOf(word).length > 0;
}

/** What other gateways call a verb, and what stands here in its place. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  validate: "Here it is sluice check.",
  start: "Here it is sluice run, in the foreground; a service manager puts it behind.",
  dev: "Here it is sluice run --watch.",
  stop: "A signal ends it: systemctl stop sluice, or SIGTERM to its process.",
  quit: "A signal ends it: systemctl stop sluice, or SIGTERM to its process.",
  restart: "sluice reload takes another config, and systemctl restart sluice starts it anew.",
};

async function findVerb(word: string, next: string | undefined): Promise<Verb> {
  const names = FIRST_WORDS;
  if (isGroup(word)) return findSecond(word, next);
  if (word.startsWith("-"))
    throw unknownFlag(
      splitFlag(word)[0],
      Object.keys(COMMON_FLAGS).map((name) => `--${name}`),
      "sluice",
    );
  const load = Object.hasOwn(VERBS, word) ? VERBS[word] : undefined;
  if (load !== undefined) return load();
  if (/\.(?:[mc]?[jt]s|json)$/.test(word)) {
    throw usageError(`"${word}" is no verb.`, `Did you mean sluice run ${word}?`);
  }
  if (Object.hasOwn(ELSEWHERE, word)) throw usageError(`"${word}" is no verb.`, ELSEWHERE[word]);
  const near = nearestOf(word, [...names, "help", "version"]);
  const meant = near === "help" || near === "version" ? `--${near}` : near;
  throw usageError(
    `"${word}" is no verb. A verb is ${listed(names)}.`,
    meant === undefined ? undefined : `Did you mean sluice ${meant}?`,
  );
}

async function findSecond(word: string, next: string | undefined): Promise<Verb> {
  const load = VERBS[`${word} ${next}`];
  if (load !== undefined) return load();
  const words = verbsOf(word).map((name) => name.slice(word.length + 1));
  const near = next === undefined ? undefined : nearestOf(next, words);
  throw usageError(
    next === undefined
      ? `Name what to do: sluice ${word} ${listed(words)}.`
      : `sluice ${word} is followed by ${listed(words)}.`,
    near === undefined ? `sluice ${word} --help tells what they do.` : `Did you mean sluice ${word} ${near}?`,
  );
}

function versionText(embedded: Embedded): string {
  const from = [embedded.commit === "" ? undefined : `commit ${embedded.commit}`, `bun ${Bun.version}`];
  return `sluice ${embedded.version} (${from.filter((part) => part !== undefined).join(", ")})`;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

/** Anything that is no Refusal is a fault of ours, and the operator needs all of it to report it. */
function bugReport(thrown: unknown, embedded: Embedded): string {
  const detail = stackOf(thrown);
  return `sluice: this is a fault of Sluice itself (${versionText(embedded)}). Please report it with these lines.\n${detail}`;
}

if (import.meta.main) {
  const { fromSource } = await import("./from-source.ts");
  await main(process.argv.slice(2), fromSource());
}
