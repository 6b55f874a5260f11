// What a client's certificate says of itself, by node:crypto as Bun has it.
import { X509Certificate } from "node:crypto";
import { distinguishedName } from "../http/distinguished-name.ts";
import type { AlternativeName, ClientCertificateFacts } from "../http/certificates.ts";

/**
 * Reads a certificate in DER. Undefined when that is none, or one whose names cannot be told for sure. Only for Bun: Deno
 * writes alternative names without quotes, so that one with a comma reads as two.
 */
export function clientCertificate(der: Uint8Array): ClientCertificateFacts | undefined {
  let read: X509Certificate;
  try {
    read = new X509Certificate(der);
  } catch {
    return undefined;
  }
  const subject = nameOf(read.subject);
  const issuer = nameOf(read.issuer);
  const names = alternativeNames(read.subjectAltName ?? "");
  if (subject === undefined || issuer === undefined || names === undefined) return undefined;
  return {
    subject,
    issuer,
    names,
    serial: read.serialNumber.toLowerCase(),
    notBefore: Date.parse(read.validFrom),
    notAfter: Date.parse(read.validTo),
    issuedBy: (authorities) => authoritiesIn(authorities).some((authority) => isIssuedBy(read, authority)),
  };
}

/** The certificates of a PEM text that can be read. */
function authoritiesIn(pem: string): X509Certificate[] {
  return (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).flatMap((one) => {
    try {
      return [new X509Certificate(one)];
    } catch {
      return [];
    }
  });
}

/** A name is anybody's to write: it is the signature that says who has issued. */
function isIssuedBy(read: X509Certificate, authority: X509Certificate): boolean {
  try {
    return read.checkIssued(authority) && read.verify(authority.publicKey);
  } catch {
    return false;
  }
}

/** Bun writes a part a line, the least specific first, and joins attributes of one part by " + ". */
function nameOf(lines: string | undefined): string | undefined {
  const written = (lines ?? "").split("\n").reverse().join(",");
  return distinguishedName(written)?.text;
}

const KINDS: Readonly<Record<string, AlternativeName[0]>> = {
  DNS: "dns",
  URI: "uri",
  email: "email",
  "IP Address": "ip",
};

/** A label, and a value that is quoted as in JSON where it holds a comma, a quote or anything that is not printable. */
const ONE = /([A-Za-z][A-Za-z ]*):("(?:[^"\\]|\\.)*"|[^",\\]*)(?:, |$)/y;

/**
 * The names in `subjectAltName` as Bun writes it: "DNS:a.test, URI:spiffe://a.test/x". Kinds that nobody asks for, and names
 * that are not printable ASCII, are left out. Undefined when the text is not of this form.
 */
export function alternativeNames(text: string): AlternativeName[] | undefined {
  const names: AlternativeName[] = [];
  ONE.lastIndex = 0;
  while (ONE.lastIndex < text.length) {
    const found = ONE.exec(text);
    if (found === null) return undefined;
    const [, label, written] = found as unknown as [string, string, string];
    const kind = Object.hasOwn(KINDS, label) ? KINDS[label] : undefined;
    let value = written;
    if (written.startsWith('"')) {
      try {
        value = JSON.parse(written) as string;
      } catch {
        return undefined;
      }
    }
    if (kind !== undefined && /^[\x21-\x7e]+$/.test(value)) names.push([kind, value]);
  }
  return names;
}
