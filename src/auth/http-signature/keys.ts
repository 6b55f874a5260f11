// The keys that callers sign with, ready to verify (RFC 9421 section 3.3).
import type { Identity } from "../../config/auth/options.ts";
import type { ConsumerPlan, SigningKeyPlan } from "../../config/auth/plan.ts";
import type { Replays } from "../dpop/replay-store.ts";

type Algorithm = SigningKeyPlan["algorithm"];

interface Method {
  readonly format: "spki" | "raw";
  readonly use: AlgorithmIdentifier | HmacImportParams | RsaHashedImportParams | EcKeyImportParams;
  readonly verify: AlgorithmIdentifier | EcdsaParams | RsaPssParams;
}

const METHODS: Readonly<Record<Algorithm, Method>> = {
  ed25519: { format: "spki", use: "Ed25519", verify: "Ed25519" },
  "hmac-sha256": { format: "raw", use: { name: "HMAC", hash: "SHA-256" }, verify: "HMAC" },
  "ecdsa-p256-sha256": {
    format: "spki",
    use: { name: "ECDSA", namedCurve: "P-256" },
    verify: { name: "ECDSA", hash: "SHA-256" },
  },
  "rsa-pss-sha512": {
    format: "spki",
    use: { name: "RSA-PSS", hash: "SHA-512" },
    // The salt is as long as the digest (section 3.3.1).
    verify: { name: "RSA-PSS", saltLength: 64 },
  },
};

/** A consumer's key, ready to verify signatures. */
export interface VerifyingKey {
  readonly algorithm: Algorithm;
  /** Whom its signatures speak for: one object for all of them. */
  readonly identity: Identity;
  /** Notes a nonce of this key, and says whether it was seen before. */
  readonly note: Replays;
  /** Whether the signature is one of these bytes. Rejects when the key cannot be used. */
  verifies(signature: Uint8Array<ArrayBuffer>, data: Uint8Array<ArrayBuffer>): Promise<boolean>;
}

/** All keys of the consumers by their ids. `failed` is told of a key that the runtime cannot use. */
export function verifyingKeys(
  scheme: string,
  consumers: readonly ConsumerPlan[],
  noncesOf: (id: string) => Replays,
  subtle: SubtleCrypto,
  failed: (id: string, error: unknown) => void,
): ReadonlyMap<string, VerifyingKey> {
  const keys = new Map<string, VerifyingKey>();
  for (const { consumer, signingKeys } of consumers) {
    for (const { id, algorithm, key } of signingKeys) {
      const { format, use, verify } = METHODS[algorithm];
      const bytes = typeof key === "string" ? spki(key) : secretBytes(key.reveal());
      const imported = subtle.importKey(format, bytes, use, false, ["verify"]);
      imported.catch((error: unknown) => failed(id, error));
      const identity = { scheme, consumer, subject: id, scopes: [], claims: {}, fields: [] };
      keys.set(id, {
        algorithm,
        identity,
        note: noncesOf(id),
        verifies: async (signature, data) => subtle.verify(verify, await imported, signature, data),
      });
    }
  }
  return keys;
}

function spki(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(pem.replace(/-----[A-Z ]+-----|\s/g, ""));
}

/** The bytes of a shared secret: its text, or what stands behind `base64:`. */
function secretBytes(text: string): Uint8Array<ArrayBuffer> {
  return text.startsWith("base64:") ? Uint8Array.fromBase64(text.slice(7)) : new TextEncoder().encode(text);
}
