// How an authority that tells when to renew knows a certificate (ARI, RFC 9773 section 4.1).
import { decode, TAG } from "./der.ts";
import { fromPem } from "./pem.ts";

/** `extensions` of a certificate, and `keyIdentifier` of an authority key identifier, by their numbers in context. */
const EXTENSIONS = 0xa3;
const KEY_IDENTIFIER = 0x80;
/** The object identifier 2.5.29.35 in DER, hexadecimal. */
const AUTHORITY_KEY_IDENTIFIER = "551d23";

/**
 * The key identifier of the authority and the serial number, both base64url, with a dot between; undefined for a
 * certificate that has none.
 */
export function certificateId(pem: string): string | undefined {
  try {
    const der = fromPem("CERTIFICATE", pem);
    const [certificate] = der === undefined ? [] : decode(der);
    const [info] = decode(certificate!.content);
    const fields = decode(info!.content);
    // The version stands before it, in certificates of version 3: all that have extensions.
    const serial = fields.find(({ tag }) => tag === TAG.integer)!.content;
    const extensions = decode(decode(fields.find(({ tag }) => tag === EXTENSIONS)!.content)[0]!.content);
    for (const extension of extensions) {
      const parts = decode(extension.content);
      if (parts[0]!.content.toHex() !== AUTHORITY_KEY_IDENTIFIER) continue;
      const identifier = decode(decode(parts.at(-1)!.content)[0]!.content);
      const key = identifier.find(({ tag }) => tag === KEY_IDENTIFIER)!.content;
      return `${base64url(key)}.${base64url(serial)}`;
    }
  } catch {
    // Not as it ought to be: the authority is not asked.
  }
  return undefined;
}

function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
