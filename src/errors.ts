// One vocabulary of failure: a code says what happened, whose fault it was, and which status the client sees.

/** Whose fault a failure is: the client's, the upstream's, or the gateway's own. */
export type Fault = "client" | "upstream" | "gateway";

interface Meaning {
  /** HTTP status the client receives (499 is recorded, never sent). */
  readonly status: number;
  readonly fault: Fault;
  /** Constant text of the problem's `title`. */
  readonly title: string;
}

/**
 * Every code the gateway can answer or record. The first group are the error types of RFC 9209 section 2.3 with their
 * recommended statuses; the second are the gateway's own. The same word stands in problem+json `code`, in `Proxy-Status`
 * and in the record.
 */
export const MEANINGS = {
  dns_timeout: { status: 504, fault: "upstream", title: "DNS timeout" },
  dns_error: { status: 502, fault: "upstream", title: "DNS error" },
  destination_unavailable: { status: 503, fault: "upstream", title: "No target is available" },
  connection_refused: { status: 502, fault: "upstream", title: "Connection refused by the upstream" },
  connection_terminated: { status: 502, fault: "upstream", title: "Connection closed by the upstream" },
  connection_timeout: { status: 504, fault: "upstream", title: "Connecting to the upstream took too long" },
  connection_read_timeout: { status: 504, fault: "upstream", title: "The upstream stopped sending" },
  connection_write_timeout: { status: 504, fault: "upstream", title: "The upstream stopped reading" },
  connection_limit_reached: { status: 503, fault: "gateway", title: "Too many connections to the upstream" },
  tls_protocol_error: { status: 502, fault: "upstream", title: "TLS error with the upstream" },
  tls_certificate_error: { status: 502, fault: "upstream", title: "The upstream's certificate is not trusted" },
  http_request_error: { status: 400, fault: "client", title: "Malformed request" },
  http_response_incomplete: { status: 502, fault: "upstream", title: "Incomplete response from the upstream" },
  http_response_header_section_size: { status: 502, fault: "upstream", title: "Response fields too large" },
  http_response_transfer_coding: { status: 502, fault: "upstream", title: "Unknown transfer coding from the upstream" },
  http_response_timeout: { status: 504, fault: "upstream", title: "The upstream took too long to answer" },
  http_upgrade_failed: { status: 502, fault: "upstream", title: "Upgrade failed" },
  http_protocol_error: { status: 502, fault: "upstream", title: "Malformed response from the upstream" },
  proxy_internal_error: { status: 500, fault: "gateway", title: "Internal error" },
  proxy_loop_detected: { status: 502, fault: "gateway", title: "Loop detected" },

  route_not_found: { status: 404, fault: "client", title: "No route" },
  method_not_allowed: { status: 405, fault: "client", title: "Method not allowed" },
  request_timeout: { status: 408, fault: "client", title: "The request took too long to arrive" },
  content_too_large: { status: 413, fault: "client", title: "Content too large" },
  uri_too_long: { status: 414, fault: "client", title: "URI too long" },
  expectation_failed: { status: 417, fault: "client", title: "Unknown expectation" },
  header_section_too_large: { status: 431, fault: "client", title: "Request fields too large" },
  version_not_supported: { status: 505, fault: "client", title: "HTTP version not supported" },
  protocol_not_supported: { status: 501, fault: "gateway", title: "Not supported by this runtime" },
  authentication_required: { status: 401, fault: "client", title: "Credentials are required" },
  invalid_credentials: { status: 401, fault: "client", title: "The credentials are not accepted" },
  malformed_credentials: { status: 400, fault: "client", title: "The credentials are malformed" },
  insufficient_scope: { status: 403, fault: "client", title: "The scope does not suffice" },
  access_denied: { status: 403, fault: "client", title: "Access denied" },
  origin_not_allowed: { status: 403, fault: "client", title: "Origin not allowed" },
  authentication_unavailable: { status: 503, fault: "gateway", title: "Credentials cannot be checked now" },
  authorization_unavailable: { status: 503, fault: "gateway", title: "Access cannot be decided now" },
  limit_store_unavailable: { status: 503, fault: "gateway", title: "Limits cannot be decided now" },
  rate_limit_exceeded: { status: 429, fault: "client", title: "Too many requests" },
  in_flight_exceeded: { status: 429, fault: "client", title: "Too many requests at once" },
  capacity_exhausted: { status: 503, fault: "gateway", title: "No capacity left" },
  overloaded: { status: 503, fault: "gateway", title: "Too much is under way" },
  fault_injected: { status: 503, fault: "gateway", title: "Fault made on purpose" },
  deadline_exceeded: { status: 504, fault: "client", title: "The time that the client gave was over" },
  /** Of an attempt, never of an answer. */
  attempt_withdrawn: { status: 500, fault: "gateway", title: "Withdrawn" },
  draining: { status: 503, fault: "gateway", title: "Shutting down" },
  client_disconnect: { status: 499, fault: "client", title: "The client left" },
} as const satisfies Record<string, Meaning>;

/** A code of failure: a word of {@link MEANINGS}. */
export type ErrorCode = keyof typeof MEANINGS;

/**
 * Whether the same request may be sent again: `safe` (nothing of it reached a target), `idempotent` (it may have been
 * acted on, so only a method that bears repetition), `never`.
 */
export type Retry = "safe" | "idempotent" | "never";

/** What may accompany a {@link GatewayError}; all optional. */
export interface GatewayErrorOptions {
  /** In place of the status that the code has. */
  readonly status?: number;
  readonly retry?: Retry;
  /** For the client: one sentence without addresses or internals. Left out, the title is all it learns. */
  readonly publicDetail?: string;
  /** Fields the answer must carry (`Allow`, `Retry-After`, …), as name and value pairs. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Members of the problem document beside those that every one has; `type` takes the place of `about:blank`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** A failure on the way. `message` is for the operator; the client sees the title and `publicDetail` only. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  /** The status the client receives. */
  readonly status: number;
  readonly retry: Retry;
  readonly publicDetail: string | undefined;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly members: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: GatewayErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.status = options.status ?? MEANINGS[code].status;
    this.retry = options.retry ?? "never";
    this.publicDetail = options.publicDetail;
    this.fields = options.fields ?? [];
    this.members = options.members;
  }

  /** Whose fault the failure was, by its code. */
  get fault(): Fault {
    return MEANINGS[this.code].fault;
  }
}

/** Whatever was thrown, as a GatewayError: anything unknown is the gateway's own fault (`proxy_internal_error`). */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("proxy_internal_error", namedMessageOf(thrown), { cause: thrown });
}

/** What was thrown says of itself, in one text without its stack. Anything may be thrown, and errors of a runtime need not be `Error`. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message;
  if (typeof thrown === "object" && thrown !== null && "message" in thrown) return String(thrown.message);
  return String(thrown);
}

/** The same with the name of the error before it, for what the user's own code throws: `TypeError: x is not a function`. */
export function namedMessageOf(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}
