// The gateway's own failures as answers: problem+json (RFC 9457) with the one vocabulary, and nothing of the inside.
import { Answer, answerOfBytes } from "../answer.ts";
import type { GatewayError } from "../errors.ts";
import { MEANINGS } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Fields, fieldKey } from "../http/fields.ts";
import { traceIdOf } from "../http/trace-context.ts";
import { isGrpcCall, tellErrorByGrpc } from "./grpc-refusal.ts";

/** The error types of RFC 9209 section 2.3: only these may stand in Proxy-Status. */
const PROXY_ERROR_TYPES: ReadonlySet<string> = new Set([
  ...["dns_timeout", "dns_error", "destination_not_found", "destination_unavailable", "destination_ip_prohibited"],
  ...["destination_ip_unroutable", "connection_refused", "connection_terminated", "connection_timeout"],
  ...["connection_read_timeout", "connection_write_timeout", "connection_limit_reached", "tls_protocol_error"],
  ...["tls_certificate_error", "tls_alert_received", "http_request_error", "http_request_denied"],
  ...["http_response_incomplete", "http_response_header_section_size", "http_response_header_size"],
  ...["http_response_body_size", "http_response_trailer_section_size", "http_response_trailer_size"],
  ...["http_response_transfer_coding", "http_response_content_coding", "http_response_timeout"],
  ...["http_upgrade_failed", "http_protocol_error", "proxy_internal_response", "proxy_internal_error"],
  ...["proxy_configuration_error", "proxy_loop_detected"],
]);

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const FIELD_SAFE = /^[\x21-\x7e]+$/;
const ENCODER = new TextEncoder();

/** The answer to an exchange that failed: a problem document, or for callers of gRPC a status of theirs. */
export function problemAnswer(error: GatewayError, x: Exchange, gatewayName: string): Answer {
  const received = error.fault === "upstream" ? (x.attempts.at(-1)?.status ?? 0) : 0;
  const fields = problemFields(error, x.id, gatewayName, received);
  if (isGrpcCall(x)) {
    const answer = new Answer(error.status, undefined, fields, null);
    tellErrorByGrpc(answer, error);
    return answer;
  }
  const content = problemContent(error, x.id, x.trace && traceIdOf(x.trace));
  return answerOfBytes(x.method, error.status, fields, content);
}

/**
 * The problem document. It holds the title and the public detail, never the operator's message, a cause or a stack.
 * `id` is the request id, or "" before there is one; a UUID also becomes `instance`. `traceId` where there are traces.
 */
export function problemContent(error: GatewayError, id: string, traceId?: string): Uint8Array {
  return ENCODER.encode(
    JSON.stringify({
      type: "about:blank",
      title: MEANINGS[error.code].title,
      status: error.status,
      detail: error.publicDetail,
      instance: UUID.test(id) ? `urn:uuid:${id}` : undefined,
      code: error.code,
      request_id: id === "" ? undefined : id,
      trace_id: traceId,
      ...error.members,
    }),
  );
}

/**
 * The fields that go with {@link problemContent}: never cached, `Proxy-Status` for the codes of RFC 9209 (with
 * `received-status` when the upstream had answered with one; 0 for none), the request id, and the error's own fields.
 * 503 always says when to come back: after one second unless the error knows better.
 */
export function problemFields(error: GatewayError, id: string, gatewayName: string, receivedStatus = 0): Fields {
  const fields = Fields.of(["Content-Type", "application/problem+json"], ["Cache-Control", "no-store"]);
  if (FIELD_SAFE.test(id)) fields.add("X-Request-ID", id);
  if (PROXY_ERROR_TYPES.has(error.code)) {
    const received = receivedStatus === 0 ? "" : `; received-status=${receivedStatus}`;
    fields.add("Proxy-Status", `${structuredName(gatewayName)}; error=${error.code}${received}`);
  }
  for (const [name] of error.fields) fields.delete(fieldKey(name));
  for (const [name, value] of error.fields) fields.add(name, value);
  if (error.status === 503 && !fields.has("retry-after")) fields.add("Retry-After", "1");
  return fields;
}

/**
 * Adds to Proxy-Status that a fallback gave the answer, with what had gone wrong before (RFC 9209 section 2.1.1), or the
 * status that was not taken. A problem tells of the last failure by itself.
 */
export function tellFallback({ fallbacks, error }: Exchange, fields: Fields, gatewayName: string): void {
  if (error !== undefined) return;
  const { reason } = fallbacks.at(-1)!;
  const why = typeof reason === "number" ? `received-status=${reason}` : `error=${reason}`;
  fields.add("Proxy-Status", `${structuredName(gatewayName)}; ${why}; details="fallback"`);
}

/** A name as an item of a structured field (RFC 9651): a token where it can be one, else a string. */
function structuredName(name: string): string {
  if (/^[A-Za-z*][\w!#$%&'*+.^`|~:/-]*$/.test(name)) return name;
  return `"${name.replace(/[^ -~]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
