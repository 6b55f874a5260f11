// Requests as text, and what the gateway may add to a message on its own.
import type { FieldLine, ReceivedResponse } from "./message-reader.ts";

/** A request without content. `fields` are field lines without their CRLF. */
export function get(target: string, ...fields: readonly string[]): string {
  return request("GET", target, "", ...fields);
}

/** A request; a body gets its Content-Length. */
export function request(method: string, target: string, body = "", ...fields: readonly string[]): string {
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body, "latin1")}`];
  const lines = [`${method} ${target} HTTP/1.1`, "Host: gw.test", ...fields, ...length, "", body];
  return lines.join("\r\n");
}

/** Field names the gateway puts into a request it forwards, in place of what the client said of itself. */
export const ADDED_TO_REQUESTS: ReadonlySet<string> = new Set([
  "host",
  "via",
  "x-forwarded-for",
  "x-forwarded-proto",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-request-id",
]);

/**
 * Field names the gateway may put into a response: its own connection, the request id, and the Date that a response
 * without one must get (RFC 9110 section 6.6.1).
 */
export const ADDED_TO_RESPONSES: ReadonlySet<string> = new Set([
  "date",
  "via",
  "x-request-id",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
]);

/** The lines whose names are not in the set, as `[name, value]`. */
export function without(lines: readonly FieldLine[], names: ReadonlySet<string>): [name: string, value: string][] {
  return lines.filter((line) => !names.has(line.name.toLowerCase())).map((line) => [line.name, line.value]);
}

/** What a problem document of the gateway says; fails when the response is none. */
export function problemOf(response: ReceivedResponse): { code: string; status: number; [key: string]: unknown } {
  const type = response.fields.one("content-type");
  if (type !== "application/problem+json")
    throw new Error(`no problem document: ${response.headText}${response.body.text}`);
  return JSON.parse(response.body.content.toString("utf8")) as { code: string; status: number };
}
