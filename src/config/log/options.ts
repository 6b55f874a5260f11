// What a user writes about the access log.
import type { Duration, Size, UpstreamTls } from "../options.ts";

/**
 * How a line is written: `"json"` with the names of OpenTelemetry, `"ecs"` with those of the Elastic Common Schema,
 * `"caddy"` as Caddy does, `"combined"` and `"common"` as Apache and nginx do, `"pretty"` for people; `"auto"` is pretty
 * on a terminal and JSON everywhere else.
 */
export type LogFormat = "auto" | "pretty" | LineFormat;

/** A form of lines for programs. */
export type LineFormat = "json" | "ecs" | "caddy" | "combined" | "common";

/** What is written of each exchange, and where. */
export interface LogOptions {
  /** Form of a line, where a sink has none of its own. Default: `"auto"`. */
  format?: LogFormat;
  /**
   * Where lines go: one place or several. On Cloudflare: functions, and the console in place of all else.
   * Default: `"stdout"`.
   */
  to?: LogSink | readonly LogSink[];
  /** What lines of the forms `json`, `ecs` and `caddy` hold beside, or do not. */
  fields?: LogFields;
  /** Which exchanges are written; each condition suffices, and errors always do. Default: all. */
  only?: LogFilter;
  /** Of which exchanges a share suffices. The first rule that fits counts; what none fits is always written. */
  sample?: LogSample | readonly LogSample[];
  /** Query parameters whose values are masked, beside the built-in list of credentials. */
  redactQuery?: readonly string[];
}

/** A place where lines of the access log go. */
export type LogSink = "stdout" | LogFile | LogSyslog | LogFunction;

/** Lines to a file. SIGUSR2 has it opened anew, after somebody has moved it away. */
export interface LogFile {
  /** Its path, relative to the config. It is made if it is not there; its folder is not. */
  file: string;
  /** Begins the file anew when it would be too large: `access.log` becomes `access.log.1`. Default: never. */
  rotate?: {
    /** Most bytes of the file, at least `"64KiB"`. */
    size: Size;
    /** How many older ones are kept, from 1 to 999. Default: `5`. */
    keep?: number;
  };
  /** Default: that of `log`, or JSON where that is for people. */
  format?: LineFormat;
}

/**
 * Lines to syslog, as messages of RFC 5424: each a datagram, or on a stream with its length before it (RFC 6587). To a
 * socket of this machine a datagram has the form of syslog(3), which journald and rsyslog read there.
 */
export interface LogSyslog {
  /**
   * Datagrams: `"udp://logs.example.com:514"`, or a socket such as `"unix:///dev/log"` (the executable, on Linux).
   * Streams: `"tcp://logs.example.com:601"`, `"tls://logs.example.com:6514"` (RFC 5425), or a socket such as
   * `"unix-stream:///run/syslog.sock"`. The ports are those that hold where none is written.
   */
  syslog: `${"udp" | "tcp" | "tls" | "unix" | "unix-stream"}://${string}`;
  /** Of `tls://`. Default: the name in the address, and the authorities that the runtime knows. */
  tls?: UpstreamTls;
  /** The facility of the lines (RFC 5424 section 6.2.1). Default: `"local0"`. */
  facility?: LogFacility;
  /** APP-NAME: 1 to 48 characters without blanks. Default: the gateway's name. */
  app?: string;
  /** Default: that of `log`, or JSON where that is for people. */
  format?: LineFormat;
}

/** What syslog calls its facilities, as far as they may be a gateway's. */
export type LogFacility = "user" | "daemon" | `local${0 | 1 | 2 | 3 | 4 | 5 | 6 | 7}`;

/**
 * Takes what a JSON line says. What it throws is told, once; of promises that it returns at most 1024 may be open, records
 * beyond that are lost and counted.
 */
export type LogFunction = (record: LogRecord) => unknown;

/** An exchange, as its JSON line has it. */
export interface LogRecord {
  readonly time: string;
  readonly level: "info" | "error";
  readonly request_id: string;
  readonly duration: number;
  readonly "http.response.status_code"?: number;
  readonly "sluice.route"?: string;
  readonly "sluice.consumer"?: string;
  readonly "error.type"?: string;
  readonly [member: string]: unknown;
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
  /** The share of these exchanges that is written, from 0, none, to 1, all. */
  share: number;
  /** A status, a class such as `"2xx"`, or a list of these. Default: all but errors, which are then always written. */
  status?: LogFilter["status"];
  /** Name of a route, or a list. Default: any. */
  route?: string | readonly string[];
}
