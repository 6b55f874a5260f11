// TLS towards a target on Bun: what to ask for, and what to make of the handshake.
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
  if (error === null && raw.authorized) return undefined;
  const code = (error as NodeJS.ErrnoException | null)?.code ?? "ERR_TLS_HANDSHAKE";
  return { code, message: error?.message ?? "the TLS handshake failed" };
}

function isAddress(name: string): boolean {
  return name.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(name);
}
