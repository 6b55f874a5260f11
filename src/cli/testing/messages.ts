// What the thread of a test file and the main thread say to each other.
import type { Place } from "../exit.ts";
import type { GivenFiles } from "../sources.ts";

/** What a thread that runs a test file is given. */
export interface TestTask {
  /** Absolute path of the test file. */
  readonly file: string;
  /** Only tests with this text in their name, whatever its case. */
  readonly filter: string | undefined;
  /** Files that it takes from here, whatever is on the disk. */
  readonly given: GivenFiles | undefined;
}

/** Why a test has failed, and where. */
export interface Failure {
  /** Several lines, maybe a diff. */
  readonly message: string;
  /** Where, in a file of the user's. */
  readonly place: Place | undefined;
  /** The line that stands there. */
  readonly source: string | undefined;
}

/** What became of one test. */
export interface TestResult {
  /** Names of the groups around it, and its own. */
  readonly names: readonly string[];
  readonly state: "passed" | "failed" | "skipped";
  readonly ms: number;
  readonly failure?: Failure;
}

/** A reason why a file did not load. */
export interface FileFault {
  readonly place: Place;
  readonly message: string;
}

/** Messages of a thread that runs a test file. */
export type FromTestThread =
  | { readonly kind: "ready" }
  /** Something begins that may hold the thread for so long. */
  | { readonly kind: "began"; readonly names: readonly string[]; readonly limitMs: number }
  | { readonly kind: "ended"; readonly result: TestResult }
  | { readonly kind: "faults"; readonly faults: readonly FileFault[] }
  | { readonly kind: "done" };
