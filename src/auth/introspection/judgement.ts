// What the answer of an introspection endpoint says of a token (RFC 7662 section 2.2).
import type { IntrospectionPlan } from "../../config/auth/introspection.ts";
import type { AnyClaims } from "../../config/auth/options.ts";
import { GatewayError } from "../../errors.ts";
import { NoAnswer } from "./endpoint.ts";

/** What an introspection answer says of a token that is good. */
export interface GoodToken {
  /** The answer without members that are null. */
  readonly claims: AnyClaims;
  /** Names of the caller, the first that is known counts. */
  readonly subjects: readonly string[];
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  /** The claim `cnf`; undefined for a token that is bound to nothing. */
  readonly confirmation: unknown;
}

/** How far the clock of the authorization server may be ahead. */
const AHEAD_MS = 30_000;

const TEXTS = ["scope", "client_id", "username", "token_type", "sub", "iss"] as const;
const TIMES = ["exp", "nbf", "iat"] as const;

/**
 * Judges an answer. What RFC 7662 does not allow in it makes it no answer at all; nothing is guessed.
 * @param now milliseconds since the epoch
 * @throws NoAnswer
 */
export function judge(
  answer: Readonly<Record<string, unknown>>,
  plan: Pick<IntrospectionPlan, "audience" | "issuer">,
  now: number,
): GoodToken | GatewayError {
  const { active } = answer;
  if (typeof active !== "boolean") throw new NoAnswer("its answer does not say whether the token is active");
  if (!active) return refusal("the authorization server does not know the token, or no longer");
  // Some servers write null for what they do not say.
  const claims: AnyClaims = Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== null));
  const { scope, client_id, username, sub, iss } = textsOf(claims);
  const { exp, nbf } = timesOf(claims);
  if (exp !== undefined && exp <= now) return refusal("the token has expired");
  if (nbf !== undefined && nbf > now + AHEAD_MS) return refusal("the token is not good yet");
  if (plan.issuer !== undefined && iss !== plan.issuer) {
    return refusal(iss === undefined ? "the answer has no iss" : "iss is another issuer");
  }
  if (plan.audience.length > 0 && !audienceOf(claims).some((name) => plan.audience.includes(name))) {
    return refusal(claims["aud"] === undefined ? "the answer has no aud" : "aud is another audience");
  }
  const other = otherUse(claims);
  if (other !== undefined) return refusal(`it is no access token: ${other}`);
  return {
    claims,
    subjects: [sub, username, client_id].filter((name): name is string => name !== undefined && name !== ""),
    scopes: scope?.split(" ").filter((name) => name !== "") ?? [],
    expiresAt: exp ?? Infinity,
    confirmation: claims["cnf"] ?? (isBound(claims) ? {} : undefined),
  };
}

function textsOf(claims: AnyClaims): { readonly [K in (typeof TEXTS)[number]]?: string } {
  const wrong = TEXTS.find((name) => claims[name] !== undefined && typeof claims[name] !== "string");
  if (wrong !== undefined) throw new NoAnswer(`${wrong} of its answer is no text`);
  return claims;
}

/** The times among the claims, in milliseconds since the epoch. */
function timesOf(claims: AnyClaims): { readonly [K in (typeof TIMES)[number]]?: number } {
  const times: { [K in (typeof TIMES)[number]]?: number } = {};
  for (const name of TIMES) {
    const value = claims[name];
    if (value === undefined) continue;
    if (typeof value !== "number") throw new NoAnswer(`${name} of its answer is no time`);
    times[name] = value * 1000;
  }
  return times;
}

function audienceOf({ aud }: AnyClaims): readonly string[] {
  if (aud === undefined) return [];
  const names: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!names.every((name) => typeof name === "string")) throw new NoAnswer("aud of its answer is no text and no list");
  return names;
}

/**
 * Servers answer for refresh tokens too, and the hint does not hinder them. What they call one is theirs: `token_use`
 * (Hydra, Cognito) and `typ` (Keycloak).
 */
function otherUse({ token_use, typ }: AnyClaims): string | undefined {
  if (token_use !== undefined && token_use !== "access_token" && token_use !== "access")
    return "token_use says another";
  return typeof typ === "string" && /^(?:refresh|offline|id|logout)$/i.test(typ) ? "typ says another" : undefined;
}

/** Whether the token is bound to a key though the answer does not say to which (RFC 9449 section 6.2). */
function isBound({ token_type }: AnyClaims): boolean {
  return typeof token_type === "string" && token_type.toLowerCase() === "dpop";
}

function refusal(why: string): GatewayError {
  return new GatewayError("invalid_credentials", why, { publicDetail: "The token is not active, or not for here." });
}
