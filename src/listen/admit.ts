// Lets a request in, or refuses what two readers could read differently (RFC 9112 section 3, 11.2).
import { GatewayError } from "../errors.ts";
import type { Arrival } from "../exchange.ts";
import type { Content } from "../http/body.ts";
import { Fields } from "../http/fields.ts";
import type { Malformed } from "../http/message.ts";
import type { RequestHead } from "../http/request-head.ts";

/** A registered name, an IPv4 address or an IPv6 literal, and maybe a port. Stricter than RFC 3986 section 3.2.2 on purpose. */
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(?::\d{1,5})?$/;
const ABSOLUTE = /^(https?):\/\/([^/?]*)(.*)$/i;

/** Authorities seen and found good, in lower case. Bounded: strangers choose them. */
const known = new Map<string, string>();
const KNOWN_KEPT = 256;

const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/** Why a request with this method is refused whatever its route: TRACE would echo credentials, CONNECT is no request to us. */
export function refusalOfMethod(method: string): GatewayError | undefined {
  if (method !== "TRACE" && method !== "CONNECT") return undefined;
  return new GatewayError("method_not_allowed", `${method} is never forwarded`, { fields: [["Allow", METHODS]] });
}

/**
 * The arrival that a request head makes, or why it is refused.
 * @param peer address of the connection's other end
 * @param version where the head does not say it: of HTTP/2
 */
export function admit(
  head: RequestHead,
  secure: boolean,
  peer: string,
  content: Content,
  version = versionOf(head),
): Arrival | GatewayError {
  const { method, fields } = head;
  const refusal = refusalOfMethod(method);
  if (refusal !== undefined) return refusal;
  const expect = fields.get("expect");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
    return new GatewayError("expectation_failed", "an Expect other than 100-continue");
  }
  const named = hostOf(fields, head.minor);
  if (named instanceof GatewayError) return named;
  let target = head.target;
  let authority = named;
  if (target.charCodeAt(0) !== 47 && !(target === "*" && method === "OPTIONS")) {
    // RFC 9112 section 3.2.2: the authority of an absolute target stands above the Host field.
    const absolute = ABSOLUTE.exec(target);
    const named = absolute === null ? undefined : readAuthority(absolute[2]!);
    if (absolute === null || named === undefined)
      return malformed("the request target is neither a path nor an http URL");
    authority = named;
    const rest = absolute[3]!;
    target = rest.startsWith("/") ? rest : `/${rest}`;
  }
  return {
    method,
    target,
    scheme: secure ? "https" : "http",
    authority,
    version,
    fields,
    content,
    peer,
  };
}

/** What is known of a request that is not let in: nothing, when not even its head could be read. */
export function refusedArrival(
  head: RequestHead | undefined,
  secure: boolean,
  peer: string,
  version = versionOf(head),
): Arrival {
  return {
    method: head?.method ?? "",
    target: head?.target ?? "",
    scheme: secure ? "https" : "http",
    authority: "",
    version,
    fields: head?.fields ?? new Fields(),
    content: null,
    peer,
  };
}

function versionOf(head: RequestHead | undefined): Arrival["version"] {
  return head?.minor === 0 ? "1.0" : "1.1";
}

/** RFC 9112 section 3.2: exactly one valid Host; HTTP/1.0 may have none. */
function hostOf(fields: Fields, minor: number): string | GatewayError {
  const at = fields.keys.indexOf("host");
  if (at < 0) return minor === 0 ? "" : malformed("the Host field is missing");
  if (fields.keys.indexOf("host", at + 1) >= 0) return malformed("the Host field stands twice");
  return readAuthority(fields.values[at]!) ?? malformed("the Host field is not a host and a port");
}

function readAuthority(text: string): string | undefined {
  const seen = known.get(text);
  if (seen !== undefined) return seen;
  if (text.length > 262 || !AUTHORITY.test(text) || !URL.canParse(`http://${text}`)) return undefined;
  const authority = text.toLowerCase();
  if (known.size >= KNOWN_KEPT) known.clear();
  known.set(text, authority);
  return authority;
}

function malformed(why: string): GatewayError {
  return new GatewayError("http_request_error", why, { publicDetail: `${why[0]!.toUpperCase()}${why.slice(1)}.` });
}

const CODE_OF = {
  syntax: "http_request_error",
  coding: "http_request_error",
  size: "header_section_too_large",
  "target-size": "uri_too_long",
  version: "version_not_supported",
} as const;

/** What a malformed head or body means to the client. */
export function refusalOf(fault: Malformed): GatewayError {
  const detail = `${fault.message[0]!.toUpperCase()}${fault.message.slice(1)}.`;
  return new GatewayError(CODE_OF[fault.kind], fault.message, { publicDetail: detail, cause: fault });
}
