// What became of tests, for people and for machines.
import type { Place } from "../exit.ts";
import { shownPath, shownPlace, type Terminal } from "../terminal.ts";
import type { Failure, TestResult } from "./messages.ts";
import type { FileResult } from "./run-file.ts";

type Colors = Terminal["outColors"];

/** A test that takes longer is told with its time. */
const SLOW_MS = 100;

/** How many tests came out how. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** How many files did not load. */
  readonly wrong: number;
}

/** Counts tests by their outcome, and files that did not load. */
export function tallyOf(files: readonly FileResult[]): Tally {
  const count = (state: TestResult["state"]): number =>
    files.flatMap(({ tests }) => tests).filter((test) => test.state === state).length;
  const wrong = files.filter(({ faults }) => faults.length > 0).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped"), wrong };
}

/** A file and its tests, a line each, and why they failed. */
export function fileText({ file, tests, faults }: FileResult, colors: Colors): string {
  const lines = tests.map((test) => testText(test, colors));
  const wrong = faults.map(
    ({ place, message }) => `  ${colors.red("✗")} ${colors.bold(shownPlace(place))}  ${message}`,
  );
  return [colors.bold(shownPath(file)), ...wrong, ...lines].join("\n");
}

function testText({ names, state, ms, failure }: TestResult, colors: Colors): string {
  const name = names.join(" > ");
  const time = ms < SLOW_MS ? "" : colors.dim(` (${Math.round(ms)} ms)`);
  if (state === "skipped") return `  ${colors.dim(`- ${name} (skipped)`)}`;
  if (failure === undefined) return `  ${colors.green("✓")} ${name}${time}`;
  return `  ${colors.red("✗")} ${name}${time}\n${failureText(failure, colors)}`;
}

function failureText({ message, place, source }: Failure, colors: Colors): string {
  const where =
    place === undefined ? [] : [colors.bold(shownPlace(place)), ...(source === undefined ? [] : [`  ${source}`])];
  const lines = [...where, ...message.split("\n").map((line) => diffLine(line, colors))];
  return lines.map((line) => (line === "" ? "" : `      ${line}`)).join("\n");
}

/** Expected is green and received is red, as the matchers have them. */
function diffLine(line: string, { green, red }: Colors): string {
  if (/^(?:- |Expected)/.test(line)) return green(line);
  return /^(?:\+ |Received)/.test(line) ? red(line) : line;
}

/** "3 tests: 2 passed, 1 failed". */
export function tallyText({ passed, failed, skipped, wrong }: Tally): string {
  const count = passed + failed + skipped;
  const parts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    ...(wrong > 0 ? [`${wrong === 1 ? "a file" : `${wrong} files`} did not load`] : []),
  ];
  return `${count} ${count === 1 ? "test" : "tests"}: ${parts.join(", ")}`;
}

/** What `test --json` prints. Places are absolute paths. */
export interface TestsJson {
  readonly ok: boolean;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: readonly {
    readonly file: string;
    readonly faults: readonly (Place & { readonly message: string })[];
    readonly tests: readonly (Pick<TestResult, "names" | "state" | "ms"> & {
      readonly failure?: Partial<Place> & { readonly message: string };
    })[];
  }[];
}

/** All results as `sluice test --json` prints them. */
export function resultsJson(files: readonly FileResult[], exitCode: number): TestsJson {
  const { passed, failed, skipped } = tallyOf(files);
  return {
    ok: exitCode === 0,
    passed,
    failed,
    skipped,
    files: files.map(({ file, tests, faults }) => ({
      file,
      faults: faults.map(({ place, message }) => ({ ...place, message })),
      tests: tests.map(({ names, state, ms, failure }) => ({
        names,
        state,
        ms: Math.round(ms * 1000) / 1000,
        ...(failure && { failure: { ...failure.place, message: failure.message } }),
      })),
    })),
  };
}
