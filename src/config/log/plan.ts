// The part of the plan that says what is logged, and how.
import type { LineFormat, LogFormat, LogFunction } from "./options.ts";
import type { LinesTo } from "../../platform.ts";
import type { TlsPlan } from "../plan.ts";

/** What is written of each exchange, and where, with every default. */
export interface LogPlan {
  readonly to: readonly LogSinkPlan[];
  /** The members of a line, as the option `fields` chooses them. */
  readonly members: LogFieldsPlan;
  readonly only: LogFilterPlan | undefined;
  readonly sample: readonly LogSamplePlan[];
  /** Lower-case names of query parameters to mask, the built-in ones included. */
  readonly redactQuery: readonly string[];
  /** Lower-case names of fields to mask, the built-in ones included. */
  readonly redactFields: readonly string[];
}

/** A place where lines of the access log go. */
export type LogSinkPlan =
  | { readonly kind: "stdout"; readonly format: LogFormat }
  | { readonly kind: "file"; readonly to: LinesTo; readonly format: LineFormat }
  | {
      readonly kind: "syslog";
      /** Where TLS is spoken, `tls` says how: it may hold a key, which has no place in `to`. */
      readonly to: LinesTo;
      readonly tls: TlsPlan | undefined;
      readonly format: LineFormat;
      /** Its number (RFC 5424, table 1). */
      readonly facility: number;
      readonly app: string;
    }
  | { readonly kind: "function"; readonly call: LogFunction };

/** What lines hold beside, or do not. Names of fields are in lower case, each once. */
export interface LogFieldsPlan {
  readonly request: readonly string[];
  readonly response: readonly string[];
  readonly set: readonly (readonly [name: string, value: string | number | boolean])[];
  readonly remove: readonly string[];
}

/** Which exchanges are written. A status below 10 is a class. */
export interface LogFilterPlan {
  readonly statuses: readonly number[];
  readonly minMs: number | undefined;
  readonly retried: boolean;
}

/** Exchanges of which a share is written. */
export interface LogSamplePlan {
  readonly share: number;
  /** A status below 10 is a class; undefined for all but errors. */
  readonly statuses: readonly number[] | undefined;
  /** Names of routes; undefined for any. */
  readonly routes: readonly string[] | undefined;
}
