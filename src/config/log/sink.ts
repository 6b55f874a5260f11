// The schema of where lines of the access log go.
import { isHostName } from "../../http/host-name.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { either, isPlainObject, leaf, maybe, options, or, partOf, then, type Shape } from "../shape.ts";
import type { LinesTo } from "../../platform.ts";
import type { TlsPlan } from "../plan.ts";
import { tlsShape } from "../tls.ts";
import { choice, lengthOfStream, text, whole } from "../values.ts";
import type { LineFormat, LogFunction } from "./options.ts";
import type { LogSinkPlan } from "./plan.ts";

/** A sink whose form and name are those of the log and the gateway, unless it says otherwise. */
export type SinkOf = (format: LineFormat, gateway: string) => LogSinkPlan;

const FORMATS = ["json", "ecs", "caddy", "combined", "common"] as const;
const A_SINK = '"stdout", a function, or an object with one of `file`, `syslog`';
const A_FILE = 'the path of a file, such as "access.log"';
const AN_ADDRESS = 'an address such as "udp://logs.example.com:514", "tcp://logs.example.com:601" or "unix:///dev/log"';
const LEAST_SIZE = 65_536;

/** The numbers of RFC 5424, table 1. */
const FACILITIES = { user: 1, daemon: 3 } as const;
const LOCAL = 16;

const rotate = options(
  {
    size: lengthOfStream,
    keep: or(whole(1, 999), 5),
  },
  function* ({ size }) {
    if (size !== undefined && size < LEAST_SIZE) yield new Problem("a size of at least 64KiB", { at: ["size"] });
  },
);

function fileShape(reader: ConfigReader): Shape<SinkOf> {
  const file = text(A_FILE, (written) => {
    if (written === "" || written.endsWith("/") || written.includes("\0")) return new Problem(A_FILE);
    return reader.locate?.(written) ?? written;
  });
  return then(
    options({ file, rotate: maybe(rotate), format: maybe(choice(...FORMATS)) }),
    ({ file, rotate, format }): SinkOf =>
      (other) => ({ kind: "file", to: { name: file, kind: "file", path: file, rotate }, format: format ?? other }),
  );
}

/** Ports where none is written: of RFC 5426, as IANA has registered `syslog-conn`, of RFC 5425. */
const PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;

/** An address as it is written, and whether TLS is spoken there. */
const address = text(AN_ADDRESS, (written): { readonly to: LinesTo; readonly secure: boolean } | Problem => {
  const [, socket, path] = /^(unix|unix-stream):\/\/(\/.+)$/.exec(written) ?? [];
  if (path !== undefined && path.length <= 107) {
    return { to: { name: written, kind: socket === "unix" ? "unix-datagram" : "unix-stream", path }, secure: false };
  }
  const [, scheme, bare, bracketed, said] =
    /^(udp|tcp|tls):\/\/(?:([^/:[\]]+)|\[([^\]]+)\])(?::(\d{1,5}))?$/.exec(written) ?? [];
  const host = bare ?? bracketed;
  const port = Number(said ?? PORTS[scheme as keyof typeof PORTS]);
  if (host === undefined || !isHostName(host) || port < 1 || port > 65_535) return new Problem(AN_ADDRESS);
  if (scheme === "udp") return { to: { name: written, kind: "udp", host, port }, secure: false };
  return { to: { name: written, kind: "tcp", host, port, tls: undefined }, secure: scheme === "tls" };
});

const facility = choice(
  "user",
  "daemon",
  "local0",
  "local1",
  "local2",
  "local3",
  "local4",
  "local5",
  "local6",
  "local7",
);

const AN_APP = "a name of 1 to 48 printable characters without blanks";

function syslogShape(reader: ConfigReader): Shape<SinkOf> {
  const shape = options(
    {
      syslog: address,
      tls: maybe(tlsShape(reader)),
      facility: or(facility, "local0"),
      app: maybe(text(AN_APP, (name) => (/^[!-~]{1,48}$/.test(name) ? name : new Problem(AN_APP)))),
      format: maybe(choice(...FORMATS)),
    },
    function* ({ syslog, tls }) {
      if (tls === undefined || syslog === undefined || syslog.secure) return;
      yield new Problem("no option here", { at: ["tls"], found: false, hint: "TLS is spoken at addresses of tls://." });
    },
  );
  return then(shape, ({ syslog: { to, secure }, tls, facility, app, format }): SinkOf => (other, gateway) => ({
    kind: "syslog",
    to,
    tls: secure ? (tls ?? PLAIN_TLS) : undefined,
    format: format ?? other,
    facility: facility === "user" || facility === "daemon" ? FACILITIES[facility] : LOCAL + Number(facility.slice(5)),
    app: app ?? gateway,
  }));
}

/** TLS of which nothing is said. */
const PLAIN_TLS: TlsPlan = { serverName: undefined, ca: undefined, cert: undefined, key: undefined, verify: true };

/** A place where lines go, but for standard output, which has the form of the log. */
export function sinkShape(reader: ConfigReader): Shape<SinkOf | "stdout"> {
  const simple = leaf((value): SinkOf | "stdout" | Problem => {
    if (value === "stdout") return value;
    if (typeof value === "function") return () => ({ kind: "function", call: value as LogFunction });
    return new Problem(A_SINK, typeof value === "string" ? { nearest: [value, ["stdout"]] } : {});
  });
  const file = fileShape(reader);
  const chosen = either((value) => partOf(value, "syslog") !== undefined, syslogShape(reader), file);
  return either((value) => !isPlainObject(value), simple, chosen);
}

/** Files and syslogs that stand twice. `sinks` are as written. */
export function* twiceIn(sinks: unknown): Generator<Problem> {
  if (!Array.isArray(sinks)) return;
  const places = sinks.map((sink: unknown) => partOf(sink, "file") ?? partOf(sink, "syslog") ?? sink);
  for (const [at, place] of places.entries()) {
    if (typeof place !== "string" || places.indexOf(place) === at) continue;
    yield new Problem("another place", {
      at: ["to", at],
      found: JSON.stringify(place),
      hint: "It stands before already.",
    });
  }
}
