// Which algorithm a private key is for, by the object identifiers in its PKCS #8 form (RFC 5208, RFC 8410, RFC 5480).
import { keyProblem } from "../tls.ts";
import type { IdentityTokenPlan } from "./plan.ts";

/** AlgorithmIdentifier as it stands in DER, hexadecimal. */
const IDENTIFIERS: readonly (readonly [identifier: string, algorithm: IdentityTokenPlan["algorithm"]])[] = [
  ["300506032b6570", "EdDSA"],
  ["301306072a8648ce3d020106082a8648ce3d030107", "ES256"],
  ["300d06092a864886f70d0101010500", "RS256"],
];
/** Bits below which an RSA key is too short (RFC 7518 section 3.3): the DER of one of 2048 bits has over 1190 bytes. */
const SHORTEST_RSA_BYTES = 1180;

/** The algorithm; undefined for a key that cannot sign here. */
export function algorithmOf(pem: string): IdentityTokenPlan["algorithm"] | undefined {
  const der = derOf(pem);
  // Version and algorithm are the first members: what comes behind may hold any bytes.
  const head = der.subarray(0, 40).toHex();
  const algorithm = IDENTIFIERS.find(([identifier]) => head.includes(`020100${identifier}`))?.[1];
  return algorithm === "RS256" && der.length < SHORTEST_RSA_BYTES ? undefined : algorithm;
}

/** Why a PEM text gives no key that can sign; undefined when it does. */
export function signingKeyProblem(pem: string): string | undefined {
  const problem = keyProblem(pem);
  if (problem !== undefined) return problem;
  if (!pem.includes("-----BEGIN PRIVATE KEY-----")) {
    return "The key is not in the form of PKCS #8: `openssl pkcs8 -topk8 -nocrypt -in key.pem` converts it.";
  }
  if (algorithmOf(pem) !== undefined) return undefined;
  return "It is none of ed25519, EC P-256, and RSA of at least 2048 bits: `openssl genpkey -algorithm ed25519` makes one.";
}

function derOf(pem: string): Uint8Array {
  const base64 = /-----BEGIN PRIVATE KEY-----([^-]+)-----END/.exec(pem)?.[1] ?? "";
  try {
    return Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  } catch {
    return new Uint8Array();
  }
}
