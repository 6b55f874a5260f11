// What a public key in PEM is for, by the object identifiers in its SubjectPublicKeyInfo (RFC 5280, RFC 5480, RFC 8410).
import { algorithmsFor, type KeyType } from "../../auth/jwt/algorithms.ts";

const PEM = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/;

/** AlgorithmIdentifier as it stands in DER, hexadecimal. */
const IDENTIFIERS: readonly (readonly [identifier: string, type: KeyType])[] = [
  ["300d06092a864886f70d0101010500", "RSA"],
  ["301306072a8648ce3d020106082a8648ce3d030107", "EC P-256"],
  ["301006072a8648ce3d020106052b81040022", "EC P-384"],
  ["301006072a8648ce3d020106052b81040023", "EC P-521"],
  ["300506032b6570", "OKP Ed25519"],
];
/** The DER of an RSA key of 2048 bits has 294 bytes (RFC 7518 section 3.3 takes none that is shorter). */
const SHORTEST_RSA_BYTES = 290;

/** The algorithms of the key among those that are allowed; undefined allows what its type has. */
export function publicKeyAlgorithms(pem: string, allowed: readonly string[] | undefined): readonly string[] {
  const der = derOf(pem);
  // The identifier stands at the begin, behind the length of all: what comes later may hold any bytes.
  const head = der.subarray(0, 32).toHex();
  const type = IDENTIFIERS.find(([identifier]) => head.indexOf(identifier) >= 4 && head.indexOf(identifier) <= 8)?.[1];
  if (type === undefined || (type === "RSA" && der.length < SHORTEST_RSA_BYTES)) return [];
  return algorithmsFor(type, undefined, allowed);
}

/** Why a PEM text gives no public key; undefined when it does. */
export function publicKeyProblem(pem: string): string | undefined {
  if (/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/.test(pem)) {
    return "It holds a private key, which stays with the issuer: `openssl pkey -in key.pem -pubout` gives the public one.";
  }
  if (pem.includes("-----BEGIN CERTIFICATE-----")) {
    return "It holds a certificate: `openssl x509 -in cert.pem -pubkey -noout` gives the public key.";
  }
  if (pem.includes("-----BEGIN RSA PUBLIC KEY-----")) {
    return "It is in the form of PKCS #1: `openssl rsa -RSAPublicKey_in -in key.pem -pubout` converts it.";
  }
  if (!PEM.test(pem)) return "It holds no public key in PEM.";
  if (publicKeyAlgorithms(pem, undefined).length > 0) return undefined;
  return "It is none of RSA of at least 2048 bits, EC P-256, P-384 and P-521, and Ed25519.";
}

function derOf(pem: string): Uint8Array {
  const base64 = PEM.exec(pem)?.[1] ?? "";
  try {
    return Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  } catch {
    return new Uint8Array();
  }
}
