// JSON Web Key Sets as they come (RFC 7517): which of their keys can be used, and only their public members.
import { algorithmsFor } from "./algorithms.ts";

/** A public key with nothing but what a verifier needs. */
export interface PublicJwk {
  readonly kid: string | undefined;
  /** `kty`, and `n`, `e`, or `crv`, `x`, `y`. */
  readonly members: Readonly<Record<string, string>>;
  /** The algorithms it is used for, at least one. */
  readonly algorithms: readonly string[];
}

/** The usable keys of a JWK Set. */
export interface ReadKeySet {
  readonly keys: readonly PublicJwk[];
  /** Why keys were left out, for the operator; in the order of the set. */
  readonly leftOut: readonly string[];
}

/** Most keys of one set; a set of more is refused. */
const MOST_KEYS = 128;
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  RSA: ["n", "e"],
  EC: ["crv", "x", "y"],
  OKP: ["crv", "x"],
};
/** Characters of `n` of the shortest RSA key that is good enough, 2048 bits (RFC 7518 section 3.3). */
const SHORTEST_MODULUS = 342;

/**
 * Reads the text of a key set. Keys that are for something else, that are too weak, or whose algorithm the config does not
 * allow are left out, secret ones among them: nothing of a key set is ever an HMAC secret (case GW-43).
 * @returns the keys, at least one; or a sentence that says why there are none
 */
export function readJwks(text: string, allowed: readonly string[] | undefined): ReadKeySet | string {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return "It is no JSON.";
  }
  const members: unknown = isObject(set) ? set["keys"] : undefined;
  if (!Array.isArray(members)) return "It is no JWK Set: it has no list `keys`.";
  if (members.length > MOST_KEYS) return `It holds more than ${MOST_KEYS} keys.`;
  const keys: PublicJwk[] = [];
  const leftOut: string[] = [];
  for (const [i, jwk] of (members as readonly unknown[]).entries()) {
    const read = readJwk(jwk, allowed);
    if (typeof read === "string") leftOut.push(`keys[${i}] ${read}`);
    else keys.push(read);
  }
  if (keys.length > 0) return { keys, leftOut };
  if (leftOut.length === 0) return "It holds no keys.";
  return `It holds no key that can be used here: ${leftOut.slice(0, 5).join("; ")}.`;
}

function readJwk(jwk: unknown, allowed: readonly string[] | undefined): PublicJwk | string {
  if (!isObject(jwk)) return "is no object";
  const { kty, kid, alg, use, key_ops: operations } = jwk;
  if (typeof kty !== "string") return "has no kty";
  if (kty === "oct") return "is a secret key";
  const names = Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty]! : undefined;
  if (names === undefined) return "is of a type that is not known";
  if (use !== undefined && use !== "sig") return "is not for signatures";
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    return "is not for verifying";
  }
  if (alg !== undefined && typeof alg !== "string") return "has an alg that is no text";
  if (kid !== undefined && typeof kid !== "string") return "has a kid that is no text";
  const members: Record<string, string> = { kty };
  for (const name of names) {
    const value = jwk[name];
    if (typeof value !== "string") return `has no ${name}`;
    members[name] = value;
  }
  if (kty === "RSA" && members["n"]!.replace(/^A+/, "").length < SHORTEST_MODULUS) return "has fewer than 2048 bits";
  const type = kty === "RSA" ? kty : `${kty} ${members["crv"]}`;
  const algorithms = algorithmsFor(type, alg, allowed);
  return algorithms.length === 0 ? "is for none of the algorithms" : { kid, members, algorithms };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
