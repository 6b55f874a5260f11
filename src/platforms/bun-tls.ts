// TLS towards a target on Bun: what to ask for, and what to make of the handshake.
import { checkServerIdentity } from "node:tls";
import type { ClientTls, SocketError } from "../platform.ts";
import type { RawSocket } from "./bun-socket.ts";

/** Bun's options for a TLS connection. */
export function tlsOptions(tls: ClientTls): Bun.TLSOptions {
  return {
    // An IP literal is never sent as SNI (RFC 6066 section 3); without a name Bun holds the certificate against the address.
    serverName: isAddress(tls.serverName) ? "" : tls.serverName,
    rejectUnauthorized: tls.verify,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
}

/** Why the handshake is not good enough, or undefined when it is (case GW-59). */
export function untrusted(raw: RawSocket, tls: ClientTls, error: Error | null): SocketError | undefined {
  if (!tls.verify) return undefined;
  if (error === null && raw.authorized) {
    if (!isAddress(tls.serverName)) return undefined;
    // Bun held the certificate against the address it connected to, which need not be the one that the config names.
    const other = checkServerIdentity(tls.serverName, raw.getPeerCertificate());
    return other === undefined ? undefined : { code: "ERR_TLS_CERT_ALTNAME_INVALID", message: other.message };
  }
  const code = (error as { code?: string } | null)?.code ?? "ERR_TLS_HANDSHAKE";
  return { code, message: error?.message ?? "the TLS handshake failed" };
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
