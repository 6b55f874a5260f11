// The program of this process as it stands on the disk now, for another process that runs it.
import { realpathSync } from "node:fs";
import { resolve } from "node:path";

/** A command line and its surroundings. */
export interface Program {
  /** The executable's path, and its arguments. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
}

/**
 * How this process was started, to be looked at when it begins: what the path leads to may be another file later, which is
 * the point of it. A link stays a link, so that it may lead to another version.
 */
export function programOf(compiled: boolean): Program {
  const words = compiled ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
  return { command: [pathOf(), ...words], environment: { ...process.env }, folder: process.cwd() };
}

/** As it was named, if that leads to what runs; else where it is. */
function pathOf(): string {
  const { argv0, execPath } = process;
  const named = argv0.includes("/") ? resolve(argv0) : Bun.which(argv0);
  try {
    if (named !== null && realpathSync(named) === realpathSync(execPath)) return named;
  } catch {
    // It is not there any more.
  }
  return execPath;
}
