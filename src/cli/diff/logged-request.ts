// The request behind a line of an access log, as far as the line tells of it.
import {
  type LoggedExchange,
  type Members,
  numberIn,
  objectIn,
  readMembers,
  recordOf,
  textIn,
} from "../logs/record.ts";

/** Stands where a text was cut. */
const CUT = "\u2026";
/** Of a host that the log does not tell. */
const NO_HOST = "unknown.invalid";

/** What a log line says of a request. Texts are as on the wire: a character is a byte. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. What the log masks is masked. */
  readonly target: string;
  readonly authority: string;
  /** Undefined where the form of the line has no place for it. */
  readonly scheme: "http" | "https" | undefined;
  /** The client's IP address. */
  readonly client: string;
  /** Fields that are logged, in lower case. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Bytes of content that came. */
  readonly bytesIn: number;
  /** The route that took it; undefined for none. */
  readonly route: string | undefined;
  readonly upstream: string | undefined;
  /** The scheme that has accepted its credentials, and whose they were. */
  readonly authScheme: string | undefined;
  readonly consumer: string | undefined;
  /** When it ended, milliseconds since the epoch, and its id. */
  readonly time: number;
  readonly id: string | undefined;
}

/**
 * Reads a line; undefined when it is none of an access log. `cut`: its target was too long for the log; `headless`: no head
 * of a request ever came.
 */
export function readRequest(line: string): LoggedRequest | "cut" | "headless" | undefined {
  const members = readMembers(line);
  const record = members && recordOf(members);
  if (members === undefined || record === undefined) return undefined;
  if (record.method === "") return "headless";
  if (record.target.includes(CUT)) return "cut";
  return requestOf(members, record);
}

function requestOf(members: Members, { method, target, client, route, consumer, time }: LoggedExchange): LoggedRequest {
  const request = objectIn(members, "request");
  const scheme = textIn(members, "url.scheme");
  const host = textIn(members, "server.address") ?? textIn(members, "url.domain");
  return {
    ...{ method, target, route, consumer, time },
    authority: textIn(request, "host") ?? (host === undefined ? NO_HOST : host.includes(":") ? `[${host}]` : host),
    scheme: scheme === "http" || scheme === "https" ? scheme : undefined,
    client: client ?? "127.0.0.1",
    fields: fieldsIn(members, objectIn(request, "headers")),
    bytesIn:
      numberIn(members, "http.request.body.size") ??
      numberIn(members, "http.request.body.bytes") ??
      numberIn(members, "bytes_read") ??
      0,
    upstream: textIn(members, "sluice.upstream"),
    authScheme: textIn(members, "sluice.auth.scheme"),
    id: textIn(members, "request_id") ?? textIn(members, "http.request.id"),
  };
}

const HEADER = "http.request.header.";

function fieldsIn(members: Members, ofCaddy: Members): Map<string, readonly string[]> {
  const fields = new Map<string, readonly string[]>();
  const add = (name: string, value: unknown): void => {
    const values = [value].flat().filter((each): each is string => typeof each === "string");
    // A name that is on no wire would be read as something else.
    if (/^[\w.~-]+$/.test(name) && values.every((each) => !/[\r\n]/.test(each))) fields.set(name.toLowerCase(), values);
  };
  for (const [name, value] of Object.entries(members)) {
    if (name === "user_agent.original") add("user-agent", value);
    else if (name.startsWith(HEADER)) add(name.slice(HEADER.length), value);
  }
  for (const [name, value] of Object.entries(ofCaddy)) add(name, value);
  return fields;
}
