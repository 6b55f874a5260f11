// What certificates say of themselves, by node:crypto, which Bun and Deno have.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
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

/** "DNS:a.test, IP Address:::1, DNS:*.b.test": a name with a comma in it would be quoted, and is no host's. */
function dnsNames(written: string): string[] {
  return written.split(", ").flatMap((part) => (part.startsWith("DNS:") ? [part.slice(4).toLowerCase()] : []));
}
