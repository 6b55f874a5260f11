// Tokens for tests, right and wrong, signed by Node's cryptography and put together by hand: no code of the gateway's.
import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A pair of keys as an issuer has it. */
export interface IssuerKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** The public half as a key set publishes it: with `kid` and `use`, without `alg`. */
  readonly jwk: Readonly<Record<string, unknown>>;
  readonly pem: string;
}

type Kind = "RSA" | "EC P-256" | "EC P-384" | "EC P-521" | "OKP Ed25519";

const made = new Map<string, IssuerKey>();

/** The key of this name, the same one each time. */
export function issuerKey(kid: string, kind: Kind = "RSA", bits = 2048): IssuerKey {
  const name = `${kid} ${kind} ${bits}`;
  const known = made.get(name) ?? makeKey(kid, kind, bits);
  made.set(name, known);
  return known;
}

function makeKey(kid: string, kind: Kind, bits: number): IssuerKey {
  const [type, curve = ""] = kind.split(" ");
  const { privateKey, publicKey } =
    type === "RSA"
      ? generateKeyPairSync("rsa", { modulusLength: bits })
      : type === "EC"
        ? generateKeyPairSync("ec", { namedCurve: curve })
        : generateKeyPairSync("ed25519");
  const jwk = { ...publicKey.export({ format: "jwk" }), kid, use: "sig" };
  return { kid, privateKey, publicKey, jwk, pem: publicKey.export({ type: "spki", format: "pem" }) };
}

/** base64url without padding. */
export function base64url(bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** The signature over a text. `key` is a pair, or the secret of HMAC. */
export function signature(algorithm: string, text: string, key: IssuerKey | string | Uint8Array): Buffer {
  const bits = algorithm.slice(2);
  if (typeof key === "string" || key instanceof Uint8Array) {
    return createHmac(`sha${bits}`, key).update(text).digest();
  }
  const data = Buffer.from(text);
  const { privateKey } = key;
  if (algorithm.startsWith("Ed")) return sign(null, data, privateKey);
  if (algorithm.startsWith("ES")) {
    return sign(`sha${bits}`, data, { key: privateKey, dsaEncoding: "ieee-p1363" });
  }
  if (algorithm.startsWith("PS")) {
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    return sign(`sha${bits}`, data, { key: privateKey, padding, saltLength: Number(bits) / 8 });
  }
  return sign(`sha${bits}`, data, privateKey);
}

/** A token of a header and claims; texts are taken as they are, so that they may be no JSON. */
export function token(
  header: object | string,
  claims: object | string,
  key: IssuerKey | string | Uint8Array,
  algorithm = (header as { alg?: string }).alg ?? "RS256",
): string {
  const text = (part: object | string): string => base64url(typeof part === "string" ? part : JSON.stringify(part));
  const input = `${text(header)}.${text(claims)}`;
  return `${input}.${base64url(signature(algorithm, input, key))}`;
}

/** A token without a signature. */
export function unsigned(header: object, claims: object, ending = ""): string {
  return `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}.${ending}`;
}
