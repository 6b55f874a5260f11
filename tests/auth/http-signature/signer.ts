// A signer of requests for the tests: it shares no code with the gateway, and lets a test write each line of the base.
import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { SigningKeyOptions } from "../../../src/config/auth/options.ts";
import { env } from "../../../src/config/secrets.ts";

const pair = generateKeyPairSync("ed25519");
const SECRET = "a secret of the tests, long enough to be one";

/** The keys of the signer, as a config holds them; the secret is in the variable SHARED. */
export const KEYS: readonly SigningKeyOptions[] = [
  { id: "ed", algorithm: "ed25519", key: pair.publicKey.export({ type: "spki", format: "pem" }) as string },
  { id: "mac", algorithm: "hmac-sha256", key: env("SHARED") },
];

/** The environment that goes with them. */
export const ENVIRONMENT = { SHARED: SECRET };

/** Both keys as files hold them, for other programs. */
export const PEM = {
  private: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
  public: KEYS[0]!.key as string,
  secret: SECRET,
};

/** A line of the signature base: the component as it is written, and its value. */
export type Line = readonly [component: string, value: string];

/** Signature-Input and Signature for these lines. `parameters` begin with ";". */
export function signed(
  lines: readonly Line[],
  parameters: string,
  key: "ed" | "mac" = "ed",
  label = "sig",
): readonly [input: string, signature: string] {
  const input = `(${lines.map(([component]) => component).join(" ")})${parameters}`;
  const base = [...lines.map(([component, value]) => `${component}: ${value}`), `"@signature-params": ${input}`].join(
    "\n",
  );
  const bytes = Buffer.from(base, "latin1");
  const signature =
    key === "ed"
      ? sign(null, bytes, createPrivateKey(PEM.private))
      : createHmac("sha256", SECRET).update(bytes).digest();
  return [`${label}=${input}`, `${label}=:${signature.toString("base64")}:`];
}

/** The public key alone, derived by node from the private one. */
export const derivedPublicKey = (): string =>
  createPublicKey(createPrivateKey(PEM.private)).export({ type: "spki", format: "pem" }) as string;
