// Whether a token is good: its header and times first, then its signature and claims, by jose (RFC 7519, RFC 8725).
import { errors, jwtVerify } from "jose";
import type { JwtPlan } from "../../config/auth/jwt.ts";
import type { AnyClaims } from "../../config/auth/options.ts";
import { GatewayError, messageOf } from "../../errors.ts";
import type { Platform } from "../../platform.ts";
import { idTokenTrait } from "./id-token.ts";
import { type KeySource, NoKeys } from "./key-source.ts";
import type { VerificationKey } from "./key-set.ts";
import { readToken, shown, type UnverifiedToken } from "./token.ts";

/** A token that is good, and the key that says so. */
export interface VerifiedToken {
  readonly claims: AnyClaims;
  readonly key: VerificationKey;
}

/** A refusal that the same text would meet again, as long as the key is trusted: only these may be kept. */
export class BadSignature extends GatewayError {
  readonly key: VerificationKey;
  /** Whether the token names its key, so that no other key could fit. */
  readonly isFinal: boolean;

  constructor(key: VerificationKey, kid: string | undefined) {
    super("invalid_credentials", "the signature of the token does not fit", { publicDetail: INVALID });
    this.key = key;
    this.isFinal = kid !== undefined;
  }
}

const INVALID = "The token is not valid.";
const EXPIRED = "The token has expired.";

/** Verifies the tokens of one scheme. */
export class Verifier {
  readonly #plan: JwtPlan;
  readonly #platform: Platform;
  readonly #keys: KeySource;

  constructor(plan: JwtPlan, platform: Platform, keys: KeySource) {
    this.#plan = plan;
    this.#platform = platform;
    this.#keys = keys;
  }

  /** Never rejects. What costs no cryptography is refused at once. */
  verify(token: string): GatewayError | Promise<VerifiedToken | GatewayError> {
    const read = this.#outside(token);
    return read instanceof GatewayError ? read : this.#inside(token, read);
  }

  /** What can be told without a key. */
  #outside(token: string): UnverifiedToken | GatewayError {
    const { maxLength, types, issuer, leewaySeconds } = this.#plan;
    if (token.length > maxLength)
      return invalid(`the token is longer than ${maxLength} bytes`, "The token is too long.");
    const read = readToken(token);
    if (typeof read === "string") return invalid(`the token cannot be read: ${read}`);
    const { type, claims } = read;
    if (!types.includes(type)) return invalid(`the token has the typ ${shown(type)}`);
    // A token of another issuer must not send anybody to look for its key here.
    if (issuer !== undefined && claims["iss"] !== issuer) return invalid(`the token is not of the issuer ${issuer}`);
    const { exp } = claims;
    if (typeof exp !== "number" || !Number.isFinite(exp)) return invalid("the token has no exp that is a time");
    const seconds = this.#platform.wallClock() / 1000;
    return exp <= Math.floor(seconds) - leewaySeconds ? expired(exp) : read;
  }

  async #inside(token: string, read: UnverifiedToken): Promise<VerifiedToken | GatewayError> {
    const { kid, algorithm } = read;
    const found = await this.#keys.find(kid, algorithm);
    const verdict = await this.#byAnyOf(found, token, read);
    if (kid !== undefined || !(verdict instanceof BadSignature)) return verdict;
    // The issuer names no keys: whether this one is of a new key shows only in that no old one fits.
    return (await this.#keys.renew()) ? this.#byAnyOf(await this.#keys.find(kid, algorithm), token, read) : verdict;
  }

  async #byAnyOf(
    found: readonly VerificationKey[] | NoKeys,
    token: string,
    { kid, algorithm }: UnverifiedToken,
  ): Promise<VerifiedToken | GatewayError> {
    if (found instanceof NoKeys) return unavailable(found);
    let verdict: GatewayError | undefined;
    for (const key of found) {
      const one = await this.#by(key, algorithm, token, kid);
      if (!(one instanceof BadSignature)) return one;
      verdict ??= one;
    }
    if (verdict !== undefined) return verdict;
    return invalid(`no key for alg ${shown(algorithm)}${kid === undefined ? "" : ` and kid ${shown(kid)}`}`);
  }

  async #by(
    key: VerificationKey,
    algorithm: string,
    token: string,
    kid: string | undefined,
  ): Promise<VerifiedToken | GatewayError> {
    const { issuer, audiences, leewaySeconds, requiredClaims, idTokens } = this.#plan;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key.byAlgorithm.get(algorithm)!, {
        algorithms: [algorithm],
        ...(issuer === undefined ? {} : { issuer }),
        ...(audiences === undefined ? {} : { audience: [...audiences] }),
        clockTolerance: leewaySeconds,
        requiredClaims: ["exp", ...requiredClaims],
        currentDate: new Date(this.#platform.wallClock()),
      });
      const trait = idTokens ? undefined : idTokenTrait(protectedHeader.typ, payload);
      if (trait === undefined) return { claims: payload, key };
      return invalid(`it is an ID token, not for an API: ${trait}`, "The token is an ID token, not an access token.");
    } catch (thrown) {
      return refusalOf(thrown, key, kid);
    }
  }
}

function refusalOf(thrown: unknown, key: VerificationKey, kid: string | undefined): GatewayError {
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return new BadSignature(key, kid);
  if (thrown instanceof errors.JWTExpired) return expired(Number(thrown.payload.exp));
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason } = thrown;
    if (reason === "missing") return invalid(`the token has no ${shown(claim)}`, `The token lacks a claim.`);
    const text = CLAIM_TEXTS[claim];
    return invalid(`the claim ${shown(claim)} of the token does not fit`, text);
  }
  return invalid(`the token cannot be verified: ${messageOf(thrown)}`);
}

/** What clients are told of claims that do not fit. */
const CLAIM_TEXTS: Readonly<Record<string, string>> = {
  aud: "The token is for another audience.",
  nbf: "The token is not valid yet.",
};

function invalid(message: string, publicDetail = INVALID): GatewayError {
  return new GatewayError("invalid_credentials", message, { publicDetail });
}

function expired(exp: number): GatewayError {
  const at = new Date(exp * 1000);
  const shownAt = Number.isNaN(at.getTime()) ? String(exp) : at.toISOString();
  return invalid(`the token has expired at ${shownAt}`, EXPIRED);
}

function unavailable({ why, retryAfterSeconds }: NoKeys): GatewayError {
  return new GatewayError("authentication_unavailable", why, {
    fields: retryAfterSeconds === undefined ? [] : [["Retry-After", String(retryAfterSeconds)]],
  });
}
