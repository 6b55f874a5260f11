// What certificates say of themselves, by node:crypto, which Bun and Deno have.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { CertificateFacts } from "../http/certificates.ts";

/** Reads the first certificate of a PEM text; undefined when that is none. */
export function certificate(pem: string): CertificateFacts | undefined {
  let read: X509Certificate;
  try {
    read = new X509Certificate(pem);
  } catch {
    return undefined;
  }
  return {
    names: dnsNames(read.subjectAltName ?? ""),
    notBefore: Date.parse(read.validFrom),
    notAfter: Date.parse(read.validTo),
    owns(key) {
      let own: KeyObject;
      try {
        own = createPrivateKey(key);
      } catch {
        return undefined;
      }
      return read.checkPrivateKey(own);
    },
  };
}

/** The lists of revoked certificates in a PEM text, each by itself; the text where it has none. */
export function revocationsIn(pem: string): string[] {
  return pem.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? [pem];
}

/** Whether they can be read. Deno takes them as they look. */
export function isRevocations(pem: string): boolean {
  try {
    createSecureContext({ crl: revocationsIn(pem) });
    return true;
  } catch {
    return false;
  }
}

/** "DNS:a.test, IP Address:::1, DNS:*.b.test": a name with a comma in it would be quoted, and is no host's. */
function dnsNames(written: string): string[] {
  return written.split(", ").flatMap((part) => (part.startsWith("DNS:") ? [part.slice(4).toLowerCase()] : []));
}
