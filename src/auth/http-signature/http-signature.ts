// HTTP message signatures (RFC 9421): the caller has signed the request with a key of its own.
import type { HttpSignaturePlan } from "../../config/auth/http-signature.ts";
import { GatewayError, toGatewayError, messageOf } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { isStream } from "../../http/body.ts";
import { gather } from "../../http/gather.ts";
import { latin1Bytes } from "../../http/latin1.ts";
import { replays, type Replays } from "../dpop/replay-store.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { type PublicOrigin, Uncovered } from "./components.ts";
import { digestsFit, statedDigests } from "./content-digest.ts";
import { type VerifyingKey, verifyingKeys } from "./keys.ts";
import { isCovered, missingComponent } from "./coverage.ts";
import { signatureBase } from "./signature-base.ts";
import { readParameters, readSignatures, type Signature, type SignatureParameters } from "./signature-fields.ts";

/** The scheme of a plan with `kind: "http-signature"`; nonces that were used outlive a reload. */
export function createHttpSignature(plan: HttpSignaturePlan, { platform, keep, consumers }: AuthServices): Scheme {
  const { name, realm } = plan;
  const { subtle } = platform;
  // As long as a signature that is just good could be shown again.
  const spanMs = plan.maxAgeMs + 2 * plan.leewayMs;
  const noncesOf = (id: string): Replays =>
    replays({ name: `auth.${name}.nonces.${id}`, spanMs, most: plan.maxNonces }, platform, keep);
  const unusable = new Map<string, string>();
  const keys = verifyingKeys(name, consumers, noncesOf, subtle, (id, error) => unusable.set(id, String(error)));

  const judge = async (x: Exchange, { label, input, signature }: Signature): Promise<Verdict> => {
    const of = `the signature ${label}`;
    const parameters = readParameters(input);
    if (typeof parameters === "string") return malformed(`${of}: ${parameters}`);
    const key = keys.get(parameters.keyid);
    if (key === undefined) return invalid(`${of}: no consumer has a key of this keyid`);
    const wrong = parametersProblem(parameters, key, plan, platform.wallClock());
    if (wrong !== undefined) return invalid(`${of} by ${parameters.keyid}: ${wrong}`);
    const missing = missingComponent(plan.components, input);
    if (missing !== undefined) return invalid(`${of} by ${parameters.keyid} does not cover ${missing}`);
    const digested = isCovered("content-digest", input);
    if (x.content !== null && plan.contentDigest && !digested) {
      return invalid(`${of} by ${parameters.keyid} does not cover content-digest, and there is content`);
    }
    let base: string;
    try {
      base = signatureBase(input, x, originOf(x, plan));
    } catch (thrown) {
      if (thrown instanceof Uncovered && thrown.kind === "missing") return invalid(`${of}: ${thrown.message}`);
      return malformed(`${of}: ${messageOf(thrown)}`);
    }
    let verified: boolean;
    try {
      verified = await key.verifies(signature, latin1Bytes(base) as Uint8Array<ArrayBuffer>);
    } catch (error) {
      const message = `the key ${parameters.keyid} cannot be used: ${String(error)}`;
      return new GatewayError("authentication_unavailable", message, { cause: error });
    }
    if (!verified) return invalid(`${of} by ${parameters.keyid} does not verify`);
    const refusal = (digested ? await contentProblem(x) : undefined) ?? (await nonceProblem(parameters, key));
    return refusal ?? key.identity;
  };

  /** Content is read whole before any of it goes on: what does not fit its digest never reaches an upstream. */
  const contentProblem = async (x: Exchange): Promise<GatewayError | undefined> => {
    const digests = statedDigests(x.fields);
    if (typeof digests === "string") return malformed(digests);
    if (isStream(x.content)) {
      try {
        x.content = await gather(x.content, plan.maxContent);
      } catch (thrown) {
        return toGatewayError(thrown);
      }
    }
    if (isStream(x.content)) {
      return new GatewayError("content_too_large", `signed content of over ${plan.maxContent} bytes`, {
        publicDetail: `Signed content may have ${plan.maxContent} bytes.`,
      });
    }
    const fits = await digestsFit(digests, x.content ?? NO_BYTES, subtle);
    return fits ? undefined : invalid("the content is not what Content-Digest says");
  };

  const nonceProblem = async ({ nonce }: SignatureParameters, key: VerifyingKey): Promise<GatewayError | undefined> => {
    if (nonce === undefined) return undefined;
    switch (await key.note(nonce)) {
      case "new":
        return undefined;
      case "seen":
        return invalid(`the nonce has been used before by ${key.identity.subject}`);
      case "full":
        return new GatewayError("authentication_unavailable", `too many nonces of ${key.identity.subject} at once`);
    }
  };

  const judgeAll = async (x: Exchange, signatures: readonly Signature[]): Promise<Verdict> => {
    let refusal: Verdict;
    for (const signature of signatures) {
      const verdict = await judge(x, signature);
      if (!(verdict instanceof GatewayError)) return verdict;
      refusal ??= verdict;
    }
    return refusal;
  };

  return {
    name,
    observe: plan.observe,
    credentialFields: ["signature", "signature-input"],
    forwards: plan.forward,
    identify(x) {
      const inputs = x.fields.joined("signature-input");
      if (inputs === undefined) return undefined;
      const signatures = readSignatures(inputs, x.fields.joined("signature"), plan);
      if (typeof signatures === "string") return malformed(signatures);
      return signatures.length === 0 ? undefined : judgeAll(x, signatures);
    },
    challenge: () => `Signature realm="${realm}"`,
    unready() {
      const [first] = unusable;
      return first && `the key ${first[0]} cannot be used: ${first[1]}`;
    },
  };
}

const NO_BYTES = new Uint8Array(0);

/** Why a signature with these parameters is not good now, or not by this key. */
function parametersProblem(
  { created, expires, nonce, alg }: SignatureParameters,
  { algorithm }: VerifyingKey,
  { maxAgeMs, leewayMs, nonce: wanted }: HttpSignaturePlan,
  now: number,
): string | undefined {
  if (alg !== undefined && alg !== algorithm)
    return `it says another algorithm than ${algorithm}, which its key is for`;
  if (created * 1000 > now + leewayMs) return "it was created in the future";
  if (created * 1000 + maxAgeMs + leewayMs < now) return `it is older than ${maxAgeMs / 1000} s`;
  if (expires !== undefined && expires * 1000 + leewayMs < now) return "it has expired";
  return wanted === "required" && nonce === undefined ? "it has no nonce" : undefined;
}

/** Where the client sent its request to, by the word of a trusted proxy if there is one. */
function originOf(x: Exchange, { origin }: HttpSignaturePlan): PublicOrigin {
  if (origin !== undefined) return origin;
  const said = (name: string): string | undefined => (x.trusted ? x.fields.joined(name)?.toLowerCase() : undefined);
  const scheme = said("x-forwarded-proto") ?? x.scheme;
  const authority = said("x-forwarded-host") ?? x.authority;
  return { scheme, authority: authority.replace(scheme === "https" ? /:443$/ : /:80$/, "") };
}

/** Longest message: names in it are the client's. */
const LONGEST = 300;

function invalid(message: string): GatewayError {
  const publicDetail = "The signature is not accepted.";
  return new GatewayError("invalid_credentials", message.slice(0, LONGEST), { publicDetail });
}

function malformed(message: string): GatewayError {
  const publicDetail = "The signature cannot be read.";
  return new GatewayError("malformed_credentials", message.slice(0, LONGEST), { publicDetail });
}
