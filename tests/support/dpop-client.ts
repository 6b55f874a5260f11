// A client that proves by DPoP that it has its key: everything by hand and Web Crypto, so that jose is not its own judge.

/** Parameters of Web Crypto by algorithm. */
const ALGORITHMS = {
  ES256: [
    { name: "ECDSA", namedCurve: "P-256" },
    { name: "ECDSA", hash: "SHA-256" },
  ],
  ES384: [
    { name: "ECDSA", namedCurve: "P-384" },
    { name: "ECDSA", hash: "SHA-384" },
  ],
  Ed25519: [{ name: "Ed25519" }, { name: "Ed25519" }],
  EdDSA: [{ name: "Ed25519" }, { name: "Ed25519" }],
  RS256: [rsa("RSASSA-PKCS1-v1_5"), { name: "RSASSA-PKCS1-v1_5" }],
  PS256: [rsa("RSA-PSS"), { name: "RSA-PSS", saltLength: 32 }],
} as const;

/** Algorithms of a client. */
export type ClientAlgorithm = keyof typeof ALGORITHMS;

function rsa(name: string): RsaHashedKeyGenParams {
  return { name, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" };
}

/** Bytes or text by base64url (RFC 7515 section 2). */
export function base64url(content: string | Uint8Array | ArrayBuffer): string {
  const bytes = typeof content === "string" ? Buffer.from(content) : new Uint8Array(content as ArrayBuffer);
  return Buffer.from(bytes).toString("base64url");
}

/** SHA-256 of a text by base64url. */
export function hashOf(text: string): string {
  return base64url(new Uint8Array(new Bun.CryptoHasher("sha256").update(text).digest()));
}

/** Parts of a JWT to put in place of the right ones; undefined leaves a member out. */
export interface Changes {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** Who signs, if not the client whose key stands in the proof. */
  readonly signer?: DpopClient;
}

/** What a proof is for. */
export interface ProofFor {
  readonly method?: string;
  readonly uri: string;
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

let count = 0;

/** A client and its key. */
export class DpopClient {
  readonly algorithm: ClientAlgorithm;
  /** Public members alone. */
  readonly jwk: Readonly<Record<string, string>>;
  readonly privateJwk: JsonWebKey;
  readonly #key: CryptoKey;

  /** Use `make`. */
  constructor(
    algorithm: ClientAlgorithm,
    key: CryptoKey,
    jwk: Readonly<Record<string, string>>,
    privateJwk: JsonWebKey,
  ) {
    this.algorithm = algorithm;
    this.#key = key;
    this.jwk = jwk;
    this.privateJwk = privateJwk;
  }

  /** A client with a new key. */
  static async make(algorithm: ClientAlgorithm = "ES256"): Promise<DpopClient> {
    const pair = (await crypto.subtle.generateKey(ALGORITHMS[algorithm][0], true, ["sign", "verify"])) as CryptoKeyPair;
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
    const privateJwk = await crypto.subtle.exportKey("jwk", pair.privateKey);
    return new DpopClient(
      algorithm,
      pair.privateKey,
      Object.fromEntries(members) as Readonly<Record<string, string>>,
      privateJwk,
    );
  }

  /** The thumbprint of the key (RFC 7638): required members in order of their names. */
  get thumbprint(): string {
    const names = Object.keys(this.jwk).toSorted();
    return hashOf(`{${names.map((name) => `"${name}":"${this.jwk[name]!}"`).join(",")}}`);
  }

  /** Signs. */
  async sign(text: string): Promise<string> {
    return base64url(await crypto.subtle.sign(ALGORITHMS[this.algorithm][1], this.#key, Buffer.from(text)));
  }

  /** A proof (RFC 9449 section 4.2), right but for the changes. */
  async proof({ method = "GET", uri, token, at }: ProofFor, changes: Changes = {}): Promise<string> {
    const header = { typ: "dpop+jwt", alg: this.algorithm, jwk: this.jwk, ...changes.header };
    const payload = {
      jti: `proof-${count++}`,
      htm: method,
      htu: uri,
      iat: Math.floor(at / 1000),
      ath: hashOf(token),
      ...changes.payload,
    };
    const text = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(payload))}`;
    return `${text}.${await (changes.signer ?? this).sign(text)}`;
  }
}
