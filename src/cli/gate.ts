// The gate of a reload: the tests beside a config run against it before it is taken, in a process of their own.
import { existsSync } from "node:fs";
import { setPriority } from "node:os";
import type { Plan } from "../config/plan.ts";
import { messageOf } from "../errors.ts";
import type { Embedded } from "./embedded.ts";
import { EXIT, Refusal } from "./exit.ts";
import { type GivenFiles, movedFile, readSources, type Sources } from "./sources.ts";
import { shownPath, type Terminal } from "./terminal.ts";
import { testFilesBeside } from "./testing/files.ts";
import type { Failure } from "./testing/messages.ts";
import { fileText, tallyOf, tallyText, type TestsJson } from "./testing/report.ts";
import type { FileResult } from "./testing/run-file.ts";

/** How long all tests together may take. */
export const GATE_MS = 60_000;

/** Most bytes that the tests' process prints; it is ended when there is more. */
const MOST_TOLD = 16 * 1024 * 1024;
/** Characters of its last words that are told where it told nothing else. */
const LAST_WORDS = 2048;
/** Failures that are told in full, and characters of each. */
const MOST_FAILURES = 10;
const MOST_MESSAGE = 2000;
/** Others on the machine go first, above all the gateway. */
const NICENESS = 10;

/** What the tests say of a config. */
export type Gated =
  | { readonly passed: number }
  | {
      readonly exitCode: number;
      /** The same for people. */
      text(colors: Terminal["outColors"]): string;
      /** For machines: places, names of tests and messages. */
      readonly faults: readonly object[];
    };

/** What should be known of a plan with a gate before it is reloaded. */
export function gateWarnings({ reload }: Plan, file: string): string[] {
  if (reload.gate === undefined || testFilesBeside(file).length > 0) return [];
  return [`reload.gate: there is no *.test.ts beside ${shownPath(file)}: no reload will be taken`];
}

/** The files of a config whose change may change what a reload comes to: with a gate the tests are among them. */
export function filesBehind({ reload }: Plan, sources: Sources): Sources {
  if (reload.gate === undefined) return sources;
  const tests = testFilesBeside(sources.file).map((file) => filesOfTest(file, sources));
  const texts = tests.flatMap((each) => [...each.texts]);
  const others = tests.flatMap((each) => [...each.others]);
  return { ...sources, texts: new Map([...texts, ...sources.texts]), others: new Map([...others, ...sources.others]) };
}

/** A test that cannot be read is watched all the same: it may be there later. */
function filesOfTest(file: string, sources: Sources): GivenFiles {
  try {
    return readSources(file, sources);
  } catch {
    return { texts: new Map(), others: new Map([[file, undefined]]) };
  }
}

/**
 * Runs the tests beside a config against the texts that were loaded, whatever is on the disk by now.
 * @throws Refusal when there are none, or they cannot be run
 */
export async function passGate(sources: Sources, embedded: Embedded, ended: AbortSignal): Promise<Gated> {
  const { file } = sources;
  if (testFilesBeside(file).length === 0) {
    const hint = "Put one there, or take reload.gate out: then nothing is tested.";
    throw new Refusal(EXIT.noInput, `reload.gate: there is no test beside ${shownPath(file)}.`, { hint });
  }
  const told = await runTests(sources, embedded, ended);
  const tests = testsIn(told.out);
  if (tests === undefined) throw new Refusal(EXIT.failure, `reload.gate: ${whyNothing(told)}`);
  const moved = movedFile(sources);
  if (moved !== undefined) {
    throw new Refusal(
      EXIT.failure,
      `reload.gate: ${shownPath(moved)} has changed while the tests ran: reload once more.`,
    );
  }
  const files = tests.files.map(resultOf);
  const failed = files.map(onlyFailed).filter(({ tests, faults }) => tests.length + faults.length > 0);
  if (failed.length > 0) return refusalOf(files, failed, tests.ok ? EXIT.failure : told.exitCode);
  if (tests.passed > 0) return { passed: tests.passed };
  throw new Refusal(EXIT.failure, `reload.gate: no test beside ${shownPath(file)} has run: all are skipped.`);
}

interface Told {
  readonly exitCode: number;
  readonly out: string;
  /** The end of what it said on stderr. */
  readonly err: string;
  readonly cut: "late" | "too much" | undefined;
}

async function runTests({ file, texts, others }: Sources, embedded: Embedded, ended: AbortSignal): Promise<Told> {
  const given = JSON.stringify({ texts: [...texts], others: [...others].filter(([, text]) => text !== undefined) });
  const late = AbortSignal.timeout(GATE_MS);
  const child = spawn([...ownCommand(embedded.compiled), "test", "--given", "--json", "--color=never", "--", file], {
    stdin: new Blob([given]),
    stdout: "pipe",
    stderr: "pipe",
    signal: AbortSignal.any([late, ended]),
    killSignal: "SIGKILL",
  });
  // However this process ends, as long as it can say so.
  const endIt = (): void => child.kill("SIGKILL");
  process.once("exit", endIt);
  try {
    setPriority(child.pid, NICENESS);
  } catch {
    // It runs as the gateway does then.
  }
  let [out, err, isTooMuch] = ["", "", false];
  const reading = Promise.all([
    collect(child.stdout, (text) => {
      out += text;
      isTooMuch ||= out.length > MOST_TOLD;
      if (isTooMuch) endIt();
    }),
    collect(child.stderr, (text) => (err = (err + text).slice(-LAST_WORDS))),
  ]);
  const exitCode = await child.exited;
  process.off("exit", endIt);
  if (ended.aborted) throw new Refusal(EXIT.failure, "the gateway is shutting down: it reloads nothing.");
  // What the tests have started may hold the pipes for longer.
  if (child.signalCode === null) await Promise.race([reading, aborted(late)]);
  return { exitCode, out, err, cut: late.aborted ? "late" : isTooMuch ? "too much" : undefined };
}

type Spawned = Bun.Subprocess<Blob, "pipe", "pipe">;

function spawn(command: string[], options: Bun.SpawnOptions.OptionsObject<Blob, "pipe", "pipe">): Spawned {
  try {
    return Bun.spawn(command, options);
  } catch (thrown) {
    throw new Refusal(EXIT.os, `reload.gate: the tests cannot be run: ${messageOf(thrown)}`);
  }
}

/** This very program, though another one may stand in its file by now. */
function ownCommand(compiled: boolean): string[] {
  if (!compiled) return [process.execPath, ...process.execArgv, process.argv[1]!];
  return [existsSync(SELF) ? SELF : process.execPath];
}

const SELF = "/proc/self/exe";

async function collect(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) take(decoder.decode(bytes, { stream: true }));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** The last thing that was told: tests may have written before it. Inside it no text reads as its beginning. */
function testsIn(out: string): TestsJson | undefined {
  try {
    const tests = Object(JSON.parse(out.slice(out.lastIndexOf('{"ok":')))) as TestsJson;
    return Array.isArray(tests.files) ? tests : undefined;
  } catch {
    return undefined;
  }
}

function whyNothing({ exitCode, err, cut }: Told): string {
  if (cut === "late") return `the tests did not end within ${GATE_MS / 1000} s.`;
  if (cut === "too much") return `the tests wrote more than ${MOST_TOLD / 1024 / 1024} MiB.`;
  const words = err.trim();
  return `the process of the tests has ended with ${exitCode}${words === "" ? "." : `: ${words}`}`;
}

function resultOf({ file, faults, tests }: TestsJson["files"][number]): FileResult {
  return {
    file,
    faults: faults.map(({ message, ...place }) => ({ message: cut(message), place })),
    tests: tests.map(({ failure, ...test }) => ({ ...test, ...(failure && { failure: failureOf(failure) }) })),
  };
}

function failureOf({
  message,
  file,
  line,
  column,
}: NonNullable<TestsJson["files"][number]["tests"][number]["failure"]>): Failure {
  return { message: cut(message), place: file === undefined ? undefined : { file, line, column }, source: undefined };
}

function cut(message: string): string {
  return message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE)}…` : message;
}

function onlyFailed({ tests, ...rest }: FileResult): FileResult {
  return { ...rest, tests: tests.filter(({ state }) => state === "failed") };
}

function refusalOf(files: readonly FileResult[], failed: readonly FileResult[], exitCode: number): Gated {
  const shown = failed.slice(0, MOST_FAILURES).map((file) => ({ ...file, tests: file.tests.slice(0, MOST_FAILURES) }));
  return {
    exitCode,
    text: (colors) => [...shown.map((file) => fileText(file, colors)), tallyText(tallyOf(files))].join("\n"),
    faults: shown.flatMap(({ tests, faults }) => [
      ...faults.map(({ place, message }) => ({ ...place, path: "", message })),
      ...tests.map(({ names, failure }) => ({ ...failure?.place, path: "", test: names, message: failure?.message })),
    ]),
  };
}
