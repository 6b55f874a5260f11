// By which name of its certificate a caller is known, and when two spellings of a name are one.
import { distinguishedName } from "../../http/distinguished-name.ts";
import { isHostName } from "../../http/host-name.ts";
import type { ClientCertificateFacts } from "../../http/certificates.ts";

/**
 * What of a certificate says who calls: the whole subject, its common name, a DNS name, a URI (SPIFFE) or an e-mail address
 * of subjectAltName, or SHA-256 of all of it.
 */
export const SUBJECT_KINDS = ["dn", "cn", "dns", "uri", "email", "fingerprint"] as const;

/** One of {@link SUBJECT_KINDS}. */
export type SubjectKind = (typeof SUBJECT_KINDS)[number];

/** What a name of the kind looks like, for messages. */
export const SUBJECT_FORMS: Readonly<Record<SubjectKind, string>> = {
  dn: 'a distinguished name such as "CN=acme,O=Acme,C=DE", the most specific part first',
  cn: "a common name",
  dns: 'a DNS name such as "meter-7.acme.example"',
  uri: 'a URI such as "spiffe://acme.example/billing"',
  email: 'an e-mail address such as "ops@acme.example"',
  fingerprint: "SHA-256 of the certificate: 64 hexadecimal digits, or 43 characters of base64url",
};

/** Most characters of a name. */
const LONGEST = 2048;

/** A name of the kind in the one spelling that is compared; undefined for what is none. */
export function normalSubject(kind: SubjectKind, written: string): string | undefined {
  if (written === "" || written.length > LONGEST || /[\0-\x1f\x7f]/.test(written)) return undefined;
  switch (kind) {
    case "dn":
      return distinguishedName(written)?.text;
    case "cn":
      return written;
    case "dns": {
      const name = written.toLowerCase();
      return isHostName(name.replace(/^\*\./, "")) && !name.includes(":") ? name : undefined;
    }
    case "uri":
      return /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(written) ? written : undefined;
    case "email": {
      const at = written.lastIndexOf("@");
      if (at < 1 || !/^[\x21-\x7e]+$/.test(written)) return undefined;
      return `${written.slice(0, at)}@${written.slice(at + 1).toLowerCase()}`;
    }
    case "fingerprint":
      return fingerprint(written);
  }
}

/** As openssl prints it, or as tokens have it (RFC 8705 section 3.1). */
function fingerprint(written: string): string | undefined {
  const digits = written
    .replace(/^sha256:/i, "")
    .replaceAll(":", "")
    .toLowerCase();
  if (/^[0-9a-f]{64}$/.test(digits)) return digits;
  if (!/^[A-Za-z0-9_-]{43}$/.test(written)) return undefined;
  try {
    return Uint8Array.fromBase64(written, { alphabet: "base64url", lastChunkHandling: "loose" }).toHex();
  } catch {
    return undefined;
  }
}

/** Names of the kind in a certificate, as they are compared, each once. @param hash SHA-256 of it, hexadecimal */
export function subjectsIn(kind: SubjectKind, facts: ClientCertificateFacts, hash: string): readonly string[] {
  const found = namesIn(kind, facts, hash).flatMap((name) => normalSubject(kind, name) ?? []);
  return [...new Set(found)];
}

function namesIn(kind: SubjectKind, facts: ClientCertificateFacts, hash: string): readonly string[] {
  switch (kind) {
    case "dn":
      return [facts.subject];
    case "cn":
      return distinguishedName(facts.subject)?.commonNames ?? [];
    case "fingerprint":
      return [hash];
    case "dns":
    case "uri":
    case "email":
      return facts.names.flatMap(([of, name]) => (of === kind ? name : []));
  }
}
