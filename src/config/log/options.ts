// What a user writes about the access log.
import type { Duration } from "../options.ts";

/**
 * How a line is written: `"json"` with the names of OpenTelemetry, `"ecs"` with those of the Elastic Common Schema,
 * `"caddy"` as Caddy does, `"combined"` and `"common"` as Apache and nginx do, `"pretty"` for people; `"auto"` is pretty
 * on a terminal and JSON everywhere else.
 */
export type LogFormat = "auto" | "json" | "ecs" | "caddy" | "combined" | "common" | "pretty";

/** The access log. */
export interface LogOptions {
  /** Form of a line, where a sink has none of its own. Default: `"auto"`. */
  format?: LogFormat;
  /** What lines of the forms `json`, `ecs` and `caddy` hold beside, or do not. */
  fields?: LogFields;
  /** Which exchanges are written; each condition suffices, and errors always do. Default: all. */
  only?: LogFilter;
  /** Of which exchanges a share suffices. The first rule that fits counts; what none fits is always written. */
  sample?: LogSample | readonly LogSample[];
  /** Query parameters whose values are masked, beside the built-in list of credentials. */
  redactQuery?: readonly string[];
}

/** What lines hold. Values that are credentials are masked whatever stands here. */
export interface LogFields {
  /** Names of request fields to write down. Default: none but `User-Agent`. */
  request?: readonly string[];
  /** Names of the answer's fields to write down. Default: none. */
  response?: readonly string[];
  /** Members that stand in every line: `{ "deployment.environment.name": "production" }`. */
  set?: Readonly<Record<string, string | number | boolean>>;
  /** Members to leave out, as they are called in a line: `["user_agent.original"]`. */
  remove?: readonly string[];
}

/** Which exchanges are written. */
export interface LogFilter {
  /** A status, a class such as `"4xx"`, or a list of these. */
  status?: number | `${1 | 2 | 3 | 4 | 5}xx` | readonly (number | `${1 | 2 | 3 | 4 | 5}xx`)[];
  /** Those that took at least so long. */
  minDuration?: Duration;
  /** Those of more than one attempt. */
  retried?: true;
}

/** Exchanges of which a share is written. */
export interface LogSample {
  /** From 0, none, to 1, all. */
  share: number;
  /** A status, a class such as `"2xx"`, or a list of these. Default: all but errors, which are then always written. */
  status?: LogFilter["status"];
  /** Name of a route, or a list. Default: any. */
  route?: string | readonly string[];
}
