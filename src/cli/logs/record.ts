// What a line of an access log says, in whichever of the JSON forms it was written.
import type { PrettyParts } from "../../record/pretty.ts";

/** An exchange, as far as its line has it. */
export interface LoggedExchange extends PrettyParts {
  readonly consumer: string | undefined;
  /** The client's IP address. */
  readonly client: string | undefined;
}

/** The members of a JSON line. */
export type Members = Readonly<Record<string, unknown>>;

/** Reads a line as JSON; undefined when it is no object. */
export function readMembers(line: string): Members | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    return JSON.parse(line) as Members;
  } catch {
    return undefined;
  }
}

/** Reads a line; undefined when it is none of an access log. */
export function readRecord(line: string): LoggedExchange | undefined {
  const members = readMembers(line);
  return members && recordOf(members);
}

/** Reads the members of a line, likewise. */
export function recordOf(members: Members): LoggedExchange | undefined {
  const seconds = numberIn(members, "duration") ?? scaled(numberIn(members, "event.duration"), 1e-9);
  const time = timeOf(members);
  if (seconds === undefined || time === undefined) return undefined;
  // Caddy's form has an object for the request.
  const request = objectIn(members, "request");
  const query = textIn(members, "url.query");
  const path = textIn(members, "url.path") ?? textIn(request, "uri") ?? "";
  const code = textIn(members, "error.type");
  return {
    time,
    status: numberIn(members, "http.response.status_code") ?? numberIn(members, "status") ?? 0,
    method: textIn(members, "http.request.method") ?? textIn(request, "method") ?? "",
    target: query === undefined ? path : `${path}?${query}`,
    durationMs: seconds * 1000,
    route: textIn(members, "sluice.route"),
    consumer: textIn(members, "sluice.consumer"),
    client: textIn(members, "client.address") ?? textIn(members, "client.ip") ?? textIn(request, "client_ip"),
    attempted: textIn(members, "sluice.target"),
    attempts: numberIn(members, "sluice.attempts") ?? 0,
    fallbacks: fallbacksIn(members),
    error: code === undefined ? undefined : { code, detail: textIn(members, "sluice.error.detail") ?? "" },
  };
}

function timeOf(members: Members): number | undefined {
  const written = textIn(members, "time") ?? textIn(members, "@timestamp");
  const time = written === undefined ? scaled(numberIn(members, "ts"), 1000) : Date.parse(written);
  return time === undefined || Number.isNaN(time) ? undefined : time;
}

function fallbacksIn(members: Members): PrettyParts["fallbacks"] {
  const fallbacks = members["sluice.fallbacks"];
  if (!Array.isArray(fallbacks)) return [];
  return fallbacks.map((each: unknown) => {
    const { upstream, reason } = Object(each) as Members;
    return { upstream: String(upstream), reason: String(reason) };
  });
}

function scaled(number: number | undefined, factor: number): number | undefined {
  return number === undefined ? undefined : number * factor;
}

/** The member of this name; undefined where it is no text. */
export function textIn(members: Members, name: string): string | undefined {
  const value = members[name];
  return typeof value === "string" ? value : undefined;
}

/** The member of this name; undefined where it is no number. */
export function numberIn(members: Members, name: string): number | undefined {
  const value = members[name];
  return typeof value === "number" ? value : undefined;
}

/** A member that is an object; an empty one where it is none. */
export function objectIn(members: Members, name: string): Members {
  return Object(members[name]) as Members;
}
