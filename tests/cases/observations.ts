// Gives what the rig recorded the names that the checks of cases.json use.
import type { ReceivedResponse } from "../support/message-reader.ts";
import type { FieldLines } from "../support/message-reader.ts";
import type { RecordedRequest } from "../support/origin-exchange.ts";
import type { RawOrigin } from "../support/raw-origin.ts";

/** Values of each field by lower-case name; one for each line. */
function headersOf(fields: FieldLines): Record<string, string[]> {
  const headers: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const line of fields.lines) (headers[line.name.toLowerCase()] ??= []).push(line.value);
  return headers;
}

/** The hash of bytes, as hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

/** A response as `r` in the checks. Times are milliseconds after `sentAt`. */
export function observeResponse(response: ReceivedResponse, sentAt: number): Record<string, unknown> {
  const since = (at: number): number | null => (at === 0 ? null : Math.round(at - sentAt));
  return {
    status: response.status === 0 ? "closed" : response.status,
    headers: headersOf(response.fields),
    headers_text: response.fields.text,
    body: response.body.text,
    body_b64: response.body.content.toString("base64"),
    body_bytes: response.body.bytes,
    complete: response.complete,
    t_head_ms: since(response.headAt),
    t_complete_ms: since(response.completeAt),
    t_text_ms: new Proxy({} as Record<string, unknown>, {
      has: () => true,
      get: (_, text) => (typeof text === "string" ? since(response.body.arrivalOf(text) ?? 0) : undefined),
    }),
  };
}

function observeRequest(request: RecordedRequest): Record<string, unknown> {
  return {
    method: request.method,
    target: request.target,
    headers: headersOf(request.fields),
    headers_text: request.fields.text,
    body: request.body.text,
    body_sha256: sha256(request.body.content),
    raw_body: request.rawBody.toString("latin1"),
    complete: request.complete,
    framing_fields: request.framingFields,
  };
}

/** Counts by target, or by what else; 0 for those that never came. */
function countsOf(targets: readonly string[]): Record<string, number> {
  return new Proxy({} as Record<string, number>, {
    get: (_, target) => targets.filter((seen) => seen === target).length,
  });
}

/** An origin as `u1` in the checks. `ends`: when each of the client's exchanges ended, in order of its requests. */
export function observeOrigin(origin: RawOrigin, ends: readonly number[], extra: object): Record<string, unknown> {
  const delays = origin.requests.map((request, index) => {
    const { connection } = request;
    const end = ends[index];
    if (end === undefined || connection.requests.at(-1) !== request) return 0;
    return connection.ending === "open" ? Infinity : Math.max(0, connection.endedAt - end);
  });
  return {
    requests: origin.requests.map(observeRequest),
    arrivals: countsOf(origin.requests.map((request) => request.target)),
    arrivals_by_key: countsOf(origin.requests.flatMap((request) => request.fields.all("x-api-key"))),
    completed: countsOf(origin.requests.filter((request) => request.complete).map((request) => request.target)),
    open_connections: origin.open,
    close_delay_ms: { max: Math.max(0, ...delays) },
    tls: origin.handshakes,
    ...extra,
  };
}
