// The schema of the keys with which consumers sign their requests (RFC 9421).
import { Problem, type ConfigReader } from "../fault.ts";
import { either, options, partOf, then, type Shape } from "../shape.ts";
import { pem } from "../tls.ts";
import { choice, hiddenText, text } from "../values.ts";
import type { SigningKeyPlan } from "./plan.ts";

const AN_ID = "the id of a key, which signatures name as keyid";

const keyId = text(AN_ID, (id) => {
  if (/^[\x21-\x7e]{1,128}$/.test(id)) return id;
  return new Problem(AN_ID, { hint: "It has 1 to 128 characters of ASCII and no blanks." });
});

const algorithm = choice("ed25519", "hmac-sha256", "ecdsa-p256-sha256", "rsa-pss-sha512");

/** A key: a shared secret for `hmac-sha256`, else a public key in PEM. */
export function signingKeyShape(reader: ConfigReader): Shape<SigningKeyPlan> {
  const shared = options({ id: keyId, algorithm, key: sharedSecret(reader) });
  const open = options(
    { id: keyId, algorithm, key: then(pem("a public key", reader, publicKeyProblem), ({ text }) => text) },
    function* ({ algorithm, key }) {
      if (algorithm === undefined || key === undefined || kindOf(key) === algorithm) return;
      const hint = `It is a key for ${kindOf(key)}.`;
      yield new Problem(`a public key for ${algorithm}`, { at: ["key"], found: "a PEM text", hint });
    },
  );
  return either((value) => partOf(value, "algorithm") === "hmac-sha256", shared, open);
}

/** Bytes below which a secret could be guessed: those of the digest (RFC 2104 section 3). */
const SHORTEST_SECRET = 32;
const A_SECRET = "a shared secret from env()";

function sharedSecret(reader: ConfigReader): Shape<SigningKeyPlan["key"]> {
  return hiddenText(A_SECRET, reader, ({ text, secret }) => {
    if (secret === undefined)
      return new Problem(A_SECRET, { found: false, hint: "A secret never stands in the config." });
    const encoded = text.startsWith("base64:");
    const length = encoded ? base64Length(text.slice(7)) : new TextEncoder().encode(text).length;
    if (length === undefined) return new Problem(A_SECRET, { hint: "What stands behind `base64:` is not base64." });
    if (length >= SHORTEST_SECRET) return secret;
    return new Problem(A_SECRET, { hint: `It has ${length} bytes: ${SHORTEST_SECRET} are the least.` });
  });
}

function base64Length(text: string): number | undefined {
  try {
    return Uint8Array.fromBase64(text).length;
  } catch {
    return undefined;
  }
}

/** AlgorithmIdentifier as it stands in DER (RFC 8410, RFC 5480, RFC 3279), hexadecimal, and the algorithm it is for. */
const IDENTIFIERS: readonly (readonly [identifier: string, algorithm: SigningKeyPlan["algorithm"]])[] = [
  ["300506032b6570", "ed25519"],
  ["301306072a8648ce3d020106082a8648ce3d030107", "ecdsa-p256-sha256"],
  ["300d06092a864886f70d0101010500", "rsa-pss-sha512"],
];
/** The DER of an RSA key of 2048 bits has 294 bytes. */
const SHORTEST_RSA = 290;

function kindOf(text: string): SigningKeyPlan["algorithm"] | undefined {
  const base64 = /-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----/.exec(text)?.[1] ?? "";
  let der: Uint8Array;
  try {
    der = Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  } catch {
    return undefined;
  }
  // The identifier stands behind the length of all: what comes later may hold any bytes.
  const head = der.subarray(0, 32).toHex();
  const kind = IDENTIFIERS.find(([identifier]) => [4, 6, 8].includes(head.indexOf(identifier)))?.[1];
  return kind === "rsa-pss-sha512" && der.length < SHORTEST_RSA ? undefined : kind;
}

function publicKeyProblem(text: string): string | undefined {
  if (kindOf(text) !== undefined) return undefined;
  if (/-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/.test(text)) {
    return "It holds a private key, which stays with the caller: `openssl pkey -in key.pem -pubout` gives the public one.";
  }
  if (!text.includes("-----BEGIN PUBLIC KEY-----")) return "It holds no public key in PEM (SubjectPublicKeyInfo).";
  return "It is none of ed25519, EC P-256, and RSA of at least 2048 bits.";
}
