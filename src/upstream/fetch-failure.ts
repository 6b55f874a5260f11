// What a failed fetch means in the one vocabulary (RFC 9209 section 2.3): Bun gives codes, the others only text.
import { type ErrorCode, GatewayError, type Retry } from "../errors.ts";

/** What is looked for in code and text, in this order; the first that fits counts. */
const SIGNS: readonly (readonly [sign: RegExp, code: ErrorCode, retry: Retry])[] = [
  [/ECONNREFUSED|connection refused/i, "connection_refused", "safe"],
  [/ENOTFOUND|EAI_|dns (error|lookup)|lookup address/i, "dns_error", "safe"],
  [/CERT|ALTNAME|UNABLE_TO_|ISSUER|SELF_SIGNED|peer certificate/, "tls_certificate_error", "safe"],
  [/EPROTO|ERR_(SSL|TLS)|\bTLS\b|corrupt message|handshake/i, "tls_protocol_error", "safe"],
  [/EHOSTUNREACH|ENETUNREACH|no route to host|network is unreachable/i, "destination_unavailable", "safe"],
  [/ETIMEDOUT|timed out/i, "connection_timeout", "safe"],
  [/HeadersTooLarge|HEADER_OVERFLOW|head is too large/i, "http_response_header_section_size", "never"],
  [/Invalid|Malformed|parsed|HTTP\/?2|PROTOCOL_ERROR/i, "http_protocol_error", "never"],
  [/ECONNRESET|EPIPE|reset|broken pipe|closed|connection lost/i, "connection_terminated", "never"],
];

/**
 * Whatever fetch rejected with, as a GatewayError. It cannot be known how much of the request was sent, unless no
 * connection came about: only then may it be tried again.
 */
export function fetchFailure(thrown: unknown, url: string): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const said = saidBy(thrown).replaceAll(url, "the target");
  const known = SIGNS.find(([sign]) => sign.test(said));
  const [, code, retry] = known ?? [undefined, "connection_terminated" as const, "never" as const];
  return new GatewayError(code, `cannot fetch from ${url}: ${said}`, { retry, cause: thrown });
}

/** Code and texts of an error and of what caused it. */
function saidBy(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as { code?: unknown };
  const own =
    typeof code === "string" && !thrown.message.includes(code) ? `${thrown.message} (${code})` : thrown.message;
  return thrown.cause === undefined ? own : `${own}: ${saidBy(thrown.cause)}`;
}
