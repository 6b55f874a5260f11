// Which certificate a client gets by the host that it names (SNI, RFC 6066 section 3).
import type { ServerCertificate } from "../platform.ts";

/**
 * Returns the index of the certificate for a name: an exact one before a wildcard, the earlier before the later, else
 * 0.
 */
export function certificateOf(certificates: readonly Pick<ServerCertificate, "names">[]): (name: string) => number {
  const indexes = new Map<string, number>();
  for (const [i, { names }] of certificates.entries()) {
    for (const name of names) if (!indexes.has(name)) indexes.set(name, i);
  }
  return (written) => {
    const name = written.toLowerCase();
    const exact = indexes.get(name);
    if (exact !== undefined) return exact;
    const dot = name.indexOf(".");
    return (dot < 1 ? undefined : indexes.get(`*${name.slice(dot)}`)) ?? 0;
  };
}
