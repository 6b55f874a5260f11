// Which algorithms there are, and which of them a key may be used for: the token never decides it (RFC 8725 section 3.1).

/** Those whose keys are public. `EdDSA` and `Ed25519` (RFC 9864) are two names for one thing. */
export const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

/** JWS algorithms whose key is a secret that both sides hold. */
export const HMAC = ["HS256", "HS384", "HS512"] as const;

/** The name of an algorithm. `none` is none of them. */
export type JwtAlgorithm = (typeof ASYMMETRIC)[number] | (typeof HMAC)[number];

const RSA: readonly string[] = ASYMMETRIC.slice(0, 6);
const ED25519: readonly string[] = ["EdDSA", "Ed25519"];
const CURVES: Readonly<Record<string, readonly string[]>> = {
  "EC P-256": ["ES256"],
  "EC P-384": ["ES384"],
  "EC P-521": ["ES512"],
  "OKP Ed25519": ED25519,
};

/** What a public key is: `RSA`, or the type and the curve, `EC P-256`. */
export type KeyType = "RSA" | "EC P-256" | "EC P-384" | "EC P-521" | "OKP Ed25519";

/**
 * The algorithms that a key is used for: the one that it names itself, else those that the config allows and its type has.
 * Where neither says anything an RSA key is for RS256 alone: a key has one use (RFC 8725 section 3.2).
 * @param type as in {@link KeyType}; a key of any other type is used for nothing
 * @param own `alg` of the key
 * @param allowed the config's list; undefined when it has none
 */
export function algorithmsFor(
  type: string,
  own: string | undefined,
  allowed: readonly string[] | undefined,
): readonly string[] {
  const fitting = type === "RSA" ? RSA : Object.hasOwn(CURVES, type) ? CURVES[type]! : [];
  const named =
    own === undefined
      ? allowed === undefined && type === "RSA"
        ? ["RS256"]
        : fitting
      : fitting.filter((algorithm) => algorithm === own || (fitting === ED25519 && ED25519.includes(own)));
  return allowed === undefined ? named : named.filter((algorithm) => allowed.includes(algorithm));
}
