// A certificate request (PKCS #10, RFC 2986) for host names, as authorities take it by ACME (RFC 8555 section 7.4).
import { encode, oid, TAG, unsigned } from "./der.ts";
import { ES256 } from "./keys.ts";

const ECDSA_WITH_SHA256 = encode(TAG.sequence, oid("1.2.840.10045.4.3.2"));
const EXTENSION_REQUEST = oid("1.2.840.113549.1.9.14");
const SUBJECT_ALT_NAME = oid("2.5.29.17");
/** `attributes` of a request, and `dNSName` of a general name, by their numbers in context. */
const ATTRIBUTES = 0xa0;
const DNS_NAME = 0x82;
const NO_UNUSED_BITS = Uint8Array.of(0);

/** The request for these names, in DER. The subject is empty: names stand in the extension alone. */
export async function certificateRequest(
  names: readonly string[],
  { publicKey, privateKey }: CryptoKeyPair,
  subtle: SubtleCrypto,
): Promise<Uint8Array> {
  const encoder = new TextEncoder();
  const alternatives = encode(TAG.sequence, ...names.map((name) => encode(DNS_NAME, encoder.encode(name))));
  const extension = encode(TAG.sequence, SUBJECT_ALT_NAME, encode(TAG.octetString, alternatives));
  const requested = encode(TAG.sequence, EXTENSION_REQUEST, encode(TAG.set, encode(TAG.sequence, extension)));
  const info = encode(
    TAG.sequence,
    unsigned(Uint8Array.of(0)),
    encode(TAG.sequence),
    new Uint8Array(await subtle.exportKey("spki", publicKey)),
    encode(ATTRIBUTES, requested),
  );
  // Web Crypto gives r and s side by side (IEEE P1363), 32 bytes each; X.509 wants them as two integers.
  const signature = new Uint8Array(await subtle.sign(ES256, privateKey, info as Uint8Array<ArrayBuffer>));
  const both = encode(TAG.sequence, unsigned(signature.subarray(0, 32)), unsigned(signature.subarray(32)));
  return encode(TAG.sequence, info, ECDSA_WITH_SHA256, encode(TAG.bitString, NO_UNUSED_BITS, both));
}
