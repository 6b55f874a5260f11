// Output of the executable: results on stdout, messages on stderr, and colour where it is welcome.
import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { relative } from "node:path";
import pico from "picocolors";
import { type Place, type Refusal, systemCode } from "./exit.ts";

/** The values of the flag `--color`. */
export const COLOR_CHOICES = ["auto", "always", "never"] as const;

/** A value of the flag `--color`. */
export type ColorChoice = (typeof COLOR_CHOICES)[number];

type Colors = ReturnType<typeof pico.createColors>;

/** Where a verb prints: results, messages and questions. */
export interface Terminal {
  /** Prints a result: one or more lines, each with its newline added. False once nobody reads any more. */
  out(text: string): boolean;
  /** Prints a message: one or more lines, each with its newline added. */
  err(text: string): void;
  /** Prints a question on stderr, with no newline behind it. */
  ask(text: string): void;
  /** Characters in a line of stdout, where it is a terminal; undefined elsewhere: lines may be as long as they are. */
  readonly width: number | undefined;
  /** Colours for stdout; without effect where it is not to be coloured. */
  readonly outColors: Colors;
  /** Colours for stderr; without effect where it is not to be coloured. */
  readonly errColors: Colors;
}

/** The terminal of this process, coloured as `choice` and the environment say. */
export function openTerminal(choice: ColorChoice): Terminal {
  const outColors = pico.createColors(wantsColor(choice, process.env, isatty(1)));
  // The access log prints with the shared colours: they go by the flag too.
  Object.assign(pico, outColors);
  return {
    out: (text) => writeWhole(1, `${text}\n`),
    err: (text) => void writeWhole(2, `${text}\n`),
    ask: (text) => void writeWhole(2, text),
    width: widthOf(process.env["COLUMNS"], process.stdout.columns),
    outColors,
    errColors: pico.createColors(wantsColor(choice, process.env, isatty(2))),
  };
}

/** `COLUMNS` goes before what the terminal says, as for other programs, into a pipe too. */
function widthOf(columns: string | undefined, terminal: number | undefined): number | undefined {
  return Number(columns) > 0 ? Number(columns) : terminal;
}

/** Whether to colour. A flag goes before `NO_COLOR`, that before `FORCE_COLOR`, that before what the stream is. */
function wantsColor(
  choice: ColorChoice,
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (choice !== "auto") return choice === "always";
  const { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== "") return false;
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== "") return FORCE_COLOR !== "0" && FORCE_COLOR !== "false";
  if (CLICOLOR_FORCE !== undefined && CLICOLOR_FORCE !== "" && CLICOLOR_FORCE !== "0") return true;
  return isTerminal && TERM !== "dumb";
}

/** A file as the operator would name it: relative to the working directory when it lies below. */
export function shownPath(file: string): string {
  const short = relative(process.cwd(), file);
  return short === "" || short.startsWith("..") ? file : short;
}

/** "gateway.config.ts:3:5", as far as it is known. */
export function shownPlace(place: Place): string {
  const { file, line, column } = place;
  if (line === undefined) return shownPath(file);
  return column === undefined ? `${shownPath(file)}:${line}` : `${shownPath(file)}:${line}:${column}`;
}

/** The text of a refusal: where, what, and how to mend it. */
export function formatRefusal(refusal: Refusal, colors: Colors): string {
  const where = refusal.place === undefined ? "sluice" : shownPlace(refusal.place);
  const first = `${colors.bold(where)}: ${colors.red("error")}: ${refusal.message}`;
  return refusal.hint === undefined ? first : `${first}\n  ${refusal.hint.replaceAll("\n", "\n  ")}`;
}

/** Writes all of it before it returns, so that nothing is lost when the process ends next. */
function writeWhole(descriptor: number, text: string): boolean {
  let bytes: Uint8Array = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      // A pipe that is full and does not block; anything else means that nobody reads any more.
      if (systemCode(error) !== "EAGAIN") return false;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    }
  }
  return true;
}
