// What the executable carries inside: its version, the modules a config may import, and the types for the editor.

import type { PageFiles } from "../admin/page-files.ts";
import type { Reference } from "./reference/reference.ts";
import type { Build } from "../record/process-metrics.ts";

/** What the build puts beside the code. From source the same is taken from the folder. */
export interface Embedded {
  /** Version of the package: "0.1.0". */
  readonly version: string;
  /** Short id of the commit it was built from; "" when unknown. */
  readonly commit: string;
  /** The day of that commit, "2026-11-30"; "" when unknown. */
  readonly date: string;
  /** True in the compiled file, false when run from source. */
  readonly compiled: boolean;
  /** Loads, by specifier, what a config may import with nothing installed beside it. */
  readonly modules: Readonly<Record<string, () => Promise<object>>>;
  /** Starts a thread that runs serveAsWorker. */
  readonly startThread: () => Worker;
  /** Starts a thread that runs testInThread. */
  readonly startTestThread: () => Worker;
  /** The archive that `types.ts` unpacks; undefined from source. */
  readonly types: (() => Promise<Uint8Array>) | undefined;
  /** The notices of all that is inside; undefined from source. */
  readonly licenses: (() => Promise<string>) | undefined;
  /** What is known of the config's options. */
  readonly reference: () => Promise<Reference>;
  /** The live page of the admin listener. */
  readonly page: () => Promise<PageFiles>;
}

/** Version and commit of the executable, for metrics. */
export function buildOf({ version, commit }: Embedded): Build {
  return { version, revision: commit };
}

/** Version and commit in one word, as `.sluice/version` keeps it: "0.1.0+1a2b3c4". */
export function fullVersion(embedded: Embedded): string {
  return embedded.commit === "" ? embedded.version : `${embedded.version}+${embedded.commit}`;
}
