// The test file that runs in this thread: what its gateways need of it, set once before it is loaded.
import type { ConfigFault, ConfigReader } from "../../config/fault.ts";

/** A gateway that a test has opened. */
export interface Opened {
  close(): void;
  /** Requests that have no answer yet. */
  readonly pending: ReadonlySet<string>;
}

/** What a test file lends to its gateways. */
export interface Running {
  /** The files beside the test, and what `env()` reads. */
  readonly reader: ConfigReader;
  /** The error that lists the faults of a config, with their places. */
  explain(config: object, faults: readonly ConfigFault[]): Promise<Error>;
  opened(gateway: Opened): void;
  /** Sets what `Date` says: milliseconds since the epoch. */
  showDate(ms: number): void;
}

let current: Running | undefined;

/** Makes a test file the one that runs in this thread. */
export function begin(file: Running): void {
  current = file;
}

/** The test file that runs in this thread. @throws Error outside `sluice test` */
export function running(): Running {
  if (current === undefined) throw new Error('"sluice/test" works in a test file that "sluice test" runs.');
  return current;
}
