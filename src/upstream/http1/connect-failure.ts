// What a failed connect attempt means in the one vocabulary (RFC 9209 section 2.3).
import { type ErrorCode, GatewayError } from "../../errors.ts";
import type { SocketError } from "../../platform.ts";

const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "connection_refused",
  ECONNRESET: "connection_terminated",
  EPIPE: "connection_terminated",
  ETIMEDOUT: "connection_timeout",
  EHOSTUNREACH: "destination_unavailable",
  ENETUNREACH: "destination_unavailable",
  ENOTFOUND: "dns_error",
  EAI_AGAIN: "dns_error",
  ETIMEOUT: "dns_timeout",
  EMFILE: "connection_limit_reached",
  ENFILE: "connection_limit_reached",
};

/** Nothing of a request was sent, so it may always be tried again. */
export function connectFailure(error: SocketError, url: string): GatewayError {
  const code = CODES[error.code] ?? (certificateFault(error.code) ? "tls_certificate_error" : tlsOr(error.code));
  return new GatewayError(code, `cannot connect to ${url}: ${error.message} (${error.code})`, { retry: "safe" });
}

function certificateFault(code: string): boolean {
  return code.includes("CERT") || code.includes("ALTNAME") || code.includes("VERIFY") || code.includes("ISSUER");
}

function tlsOr(code: string): ErrorCode {
  return code.includes("TLS") || code.includes("SSL") || code === "EPROTO"
    ? "tls_protocol_error"
    : "connection_refused";
}
