// Keys of accounts and certificates: ECDSA on P-256, which every client and every authority takes.
import { toPem } from "./pem.ts";

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;

/** How signatures are made: ES256 (RFC 7518 section 3.4). */
export const ES256 = { name: "ECDSA", hash: "SHA-256" } as const;

/** A new pair of keys that can be written down. */
export function newKeys(subtle: SubtleCrypto): Promise<CryptoKeyPair> {
  return subtle.generateKey(P256, true, ["sign", "verify"]);
}

/** The private key as PEM (PKCS #8). */
export async function privateKeyPem(subtle: SubtleCrypto, { privateKey }: CryptoKeyPair): Promise<string> {
  return toPem("PRIVATE KEY", new Uint8Array(await subtle.exportKey("pkcs8", privateKey)));
}

/** The private key of a JWK. Rejects for what is none of P-256. */
export function importPrivateJwk(subtle: SubtleCrypto, jwk: JsonWebKey): Promise<CryptoKey> {
  return subtle.importKey("jwk", jwk, P256, true, ["sign"]);
}
