// Proofs that who shows a token has the key that it is bound to (DPoP, RFC 9449).
import { calculateJwkThumbprint, decodeProtectedHeader, EmbeddedJWK, jwtVerify } from "jose";
import type { DpopPlan } from "../../config/auth/dpop.ts";
import { GatewayError, messageOf } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { latin1Bytes } from "../../http/latin1.ts";
import { retryAfterSeconds } from "../../http/retry-after.ts";
import type { AuthServices } from "../scheme.ts";
import { isUriOf } from "./public-uri.ts";
import { replays } from "./replay-store.ts";

/** Most characters of a proof. One by RSA with 4096 bits has some 2,600. */
const LONGEST_PROOF = 8192;
/** How far the clock of a client may be ahead. */
const AHEAD_MS = 30_000;
/** Proofs that are remembered in one span: a gateway that checks 2,000 a second for a minute and a half. */
const MOST_PROOFS = 200_000;

/** A refusal for which the proof is the reason: `invalid_dpop_proof` (RFC 9449 section 7.1). */
export class InvalidProof extends GatewayError {
  constructor(why: string, cause?: unknown) {
    const publicDetail = "The DPoP proof is missing or not valid for this request.";
    super("invalid_credentials", `DPoP: ${why}`, { publicDetail, ...(cause === undefined ? {} : { cause }) });
  }
}

/**
 * Judges the proof of a request. Undefined: it is good, and will not be taken again.
 * @param token the token as it was shown
 * @param thumbprint of the key that the token is bound to (`cnf.jkt`)
 */
export type ProofCheck = (x: Exchange, token: string, thumbprint: string) => Promise<GatewayError | undefined>;

/**
 * Makes the check (RFC 9449 section 4.3) of the scheme. Proofs are remembered in this process for as long as they could be shown again.
 * When there are too many to remember, what cannot be remembered is not let in.
 */
export function proofCheck(
  scheme: string,
  plan: DpopPlan,
  { platform, keep }: Pick<AuthServices, "platform" | "keep">,
): ProofCheck {
  const { algorithms, origins, maxAgeMs } = plan;
  const bounds = { name: `auth.${scheme}.dpop`, spanMs: maxAgeMs + AHEAD_MS, most: MOST_PROOFS };
  const note = replays(bounds, platform, keep);

  const verify = async (x: Exchange, token: string, thumbprint: string): Promise<GatewayError | undefined> => {
    const { values, keys } = x.fields;
    const at = keys.indexOf("dpop");
    if (at < 0) return new InvalidProof("the request has no proof");
    if (keys.indexOf("dpop", at + 1) >= 0) return new InvalidProof("the request has more than one proof");
    const proof = values[at]!;
    if (proof.length > LONGEST_PROOF) return new InvalidProof(`the proof has more than ${LONGEST_PROOF} characters`);

    // The key first: a signature is verified with no other key than the one that the token names.
    const { jwk } = decodeProtectedHeader(proof);
    if (typeof jwk !== "object" || jwk === null) return new InvalidProof("the proof holds no key");
    if ((await calculateJwkThumbprint(jwk)) !== thumbprint) {
      return new InvalidProof("the proof is by another key than the token's");
    }
    const now = platform.wallClock();
    const { payload } = await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...algorithms],
      typ: "dpop+jwt",
      currentDate: new Date(now),
      clockTolerance: AHEAD_MS / 1000,
    });
    const { htm, htu, iat, jti, ath } = payload;
    if (htm !== x.method) return new InvalidProof("htm is another method");
    if (typeof htu !== "string" || !isUriOf(x, htu, origins)) return new InvalidProof("htu is another URI");
    if (typeof iat !== "number") return new InvalidProof("iat is no time");
    if (iat * 1000 <= now - maxAgeMs) return new InvalidProof("iat is too long ago");
    if (iat * 1000 > now + AHEAD_MS) return new InvalidProof("iat is in the future");
    if (typeof jti !== "string" || jti === "") return new InvalidProof("jti is no text");
    const hash = await platform.sha256(latin1Bytes(token));
    if (ath !== hash.toBase64({ alphabet: "base64url", omitPadding: true })) {
      return new InvalidProof("ath is not the hash of the token");
    }
    const key = await platform.sha256(new TextEncoder().encode(`${thumbprint} ${jti}`));
    switch (await note(key.toBase64())) {
      case "new":
        return undefined;
      case "seen":
        return new InvalidProof("the proof was shown before");
      case "full":
        return new GatewayError("authentication_unavailable", "DPoP: too many proofs to remember", {
          fields: [["Retry-After", String(retryAfterSeconds(maxAgeMs))]],
        });
    }
  };
  return (x, token, thumbprint) =>
    verify(x, token, thumbprint).catch((cause: unknown) => {
      // What jose says of a proof names the check, and nothing of the proof's own text but names of its parts.
      const reason = messageOf(cause);
      return new InvalidProof(reason.slice(0, 200).replace(/[^ -~]/g, "?"), cause);
    });
}
