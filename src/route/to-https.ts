// What the plain port beside TLS answers: the same request, by https.
import { Answer } from "../answer.ts";
import type { ListenPlan } from "../config/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import { encodeBytes, IN_PATH, IN_QUERY } from "./uri-text.ts";

const HTTPS_PORT = 443;

/** Answers 308 to the host that was asked for (RFC 9110 section 15.4.9); undefined where there is no such port. */
export function httpsRedirect({ port, tls }: ListenPlan): ((x: Exchange) => Answer) | undefined {
  if (tls?.redirect === undefined) return undefined;
  const { to = port } = tls.redirect;
  const suffix = to === HTTPS_PORT ? "" : `:${to}`;
  return ({ authority, path, query }) => {
    if (authority === "") throw new GatewayError("http_request_error", "no Host to redirect to");
    const host = authority.replace(/:\d+$/, "");
    const target = path === "*" ? "/" : encodeBytes(path, IN_PATH) + encodeBytes(query, IN_QUERY);
    return new Answer(308, undefined, Fields.of(["Location", `https://${host}${suffix}${target}`]), null);
  };
}
