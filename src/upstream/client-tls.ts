// How a target is connected to, from the plan alone: never from a request (case GW-59).
import type { TlsPlan } from "../config/plan.ts";
import type { TargetPlan } from "../config/upstream/plan.ts";
import { clientTls } from "../http/client-tls.ts";
import type { ConnectOptions } from "../platform.ts";

/**
 * Where a target is and how it is spoken to: for traffic and checks alike (case GW-26).
 * @param http2 whether TLS is to agree on HTTP/2
 */
export function connectOptions(
  { host, port, secure, name = host }: TargetPlan,
  tls: TlsPlan,
  http2: boolean,
): ConnectOptions {
  return { host, port, tls: secure ? clientTls(tls, name) : undefined, http2 };
}

/** How a URL begins by which fetch finds a target: with the address, where the target was found by a name. */
export function originOf({ url, secure, authority, name }: TargetPlan): string {
  return name === undefined ? `${secure ? "https" : "http"}://${authority}` : url;
}
