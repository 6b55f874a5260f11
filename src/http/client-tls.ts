// What a connection that the gateway opens asks of TLS, from the plan alone.
import type { TlsPlan } from "../config/plan.ts";
import type { ClientTls } from "../platform.ts";

/** What a connection to the host of this name or address asks of TLS. */
export function clientTls(tls: TlsPlan, name: string): ClientTls {
  return {
    serverName: tls.serverName ?? name,
    ca: tls.ca,
    cert: tls.cert,
    key: tls.key?.reveal(),
    verify: tls.verify,
  };
}
