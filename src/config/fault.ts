// What is wrong with a config, as data: where, what was found, what was wanted.
import type { CertificateFacts } from "../http/certificates.ts";
import { nearestOf } from "./nearest.ts";
import type { Plan } from "./plan.ts";

/** Keys from the root of the options to a value. */
export type ConfigPath = readonly (string | number)[];

/** One thing that is wrong. Its sentence is `sentenceOf` in report.ts. */
export interface ConfigFault {
  readonly path: (string | number)[];
  /** What stands there, shortened, secrets masked. Absent when nothing does, or when what is there is not the point. */
  readonly found?: string;
  /** What ought to stand there: a noun phrase that begins with an article or a numeral. */
  readonly wanted: string;
  /** The nearest name that would be right. */
  readonly nearest?: string;
  /** Sentences that explain or tell how to mend it. */
  readonly hint?: string;
  /** Where it stands when that is another file than the config: lines and columns count from 1. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
  /** Method and URL of a request that shows it: `GET http://any.host/users/x`. */
  readonly example?: string;
}

/** What the resolver may ask of the world. Neither function throws. */
export interface ConfigReader {
  /** Value of an environment variable, or undefined. */
  env(name: string): string | undefined;
  /** Text of a file, or undefined if there is none that can be read. A relative path begins at the config's folder. */
  file(path: string): string | undefined;
  /** The absolute path of a file that the config names; absent where there are no files (Cloudflare). */
  locate?(path: string): string;
  /** What a PEM certificate says, its first if it holds several; undefined for none. Absent where none can be read (Cloudflare). */
  certificate?(pem: string): CertificateFacts | undefined;
  /** Whether the lists of revoked certificates in a PEM text can be read. Absent where nobody can (Cloudflare). */
  isRevocations?(pem: string): boolean;
  /** False where the listener shows certificates of files, and knows none of clients or authorities (Deno). */
  readonly wholeTls?: boolean;
  /** False where nothing runs between requests, and no name is looked up (Cloudflare). */
  readonly background?: boolean;
}

/** A plan, or all that stands in its way. */
export type Resolved =
  { readonly plan: Plan; readonly faults: readonly [] } | { readonly plan: undefined; readonly faults: ConfigFault[] };

/** How a {@link Problem} may be explained. */
export interface ProblemOptions {
  readonly hint?: string;
  /** In place of a description of the value itself; `false` shows nothing. */
  readonly found?: string | false;
  /** The name as written and the names that would be right. */
  readonly nearest?: readonly [name: string, candidates: readonly string[]];
  /** Keys below the value that was examined. */
  readonly at?: ConfigPath;
  /** Where it stands when that is another file than the config. */
  readonly place?: ConfigFault["place"];
}

/** What a check says of a value it refuses. Where it stands and what it is are known outside. */
export class Problem {
  readonly wanted: string;
  readonly hint: string | undefined;
  readonly found: string | false | undefined;
  readonly nearest: string | undefined;
  readonly at: ConfigPath;
  readonly place: ConfigFault["place"];

  constructor(wanted: string, options: ProblemOptions = {}) {
    this.wanted = wanted;
    this.hint = options.hint;
    this.found = options.found;
    this.nearest = options.nearest && nearestOf(...options.nearest);
    this.at = options.at ?? [];
    this.place = options.place;
  }
}
