// The token that tells upstreams who calls, signed by the gateway, and the key set with which they verify it.
import { calculateJwkThumbprint, type CryptoKey, exportJWK, importPKCS8, type JWK, SignJWT } from "jose";
import { answerOfBytes } from "../answer.ts";
import type { AnyClaims, Identity } from "../config/auth/options.ts";
import type { IdentityTokenPlan } from "../config/auth/plan.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange, LastStage, Stage } from "../exchange.ts";
import { Fields } from "../http/fields.ts";
import type { Platform } from "../platform.ts";
import { claimOf } from "./claims.ts";

/** The tokens that upstreams get about callers, and the key set that verifies them. */
export interface IdentityTokens {
  /** The stage that sets `x.identityToken` for a known caller. `audience` is the upstream's name. */
  stage(upstream: string): Stage;
  /** Answers with the public key as a JWK Set (RFC 7517 section 5). */
  readonly keySet: LastStage;
}

interface SigningKey {
  readonly key: CryptoKey;
  /** The public half alone. */
  readonly jwk: JWK;
}

/** Begins to read the key. One that cannot be read is told to the operator, and every exchange that needs it gets 503. */
export function identityTokens(plan: IdentityTokenPlan, platform: Platform): IdentityTokens {
  const reading = readKey(plan).catch((cause: unknown) => {
    platform.notice("error", "identity.token.key cannot be used: its PEM holds no key that can sign.");
    return new GatewayError("authorization_unavailable", "identity.token.key cannot be used", { cause });
  });
  return {
    stage: (upstream) => tokenStage(plan, plan.audience ?? upstream, reading, platform),
    async keySet(x) {
      const read = await reading;
      if (read instanceof GatewayError) throw read;
      const content = new TextEncoder().encode(JSON.stringify({ keys: [read.jwk] }));
      const fields = Fields.of(["Content-Type", "application/jwk-set+json"], ["Cache-Control", "public, max-age=300"]);
      return answerOfBytes(x.method, 200, fields, content);
    },
  };
}

async function readKey({ key, algorithm }: IdentityTokenPlan): Promise<SigningKey> {
  const signing = await importPKCS8(key.reveal(), algorithm, { extractable: true });
  const { kty, crv, x, y, n, e } = await exportJWK(signing);
  const open = Object.fromEntries(Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined));
  const kid = await calculateJwkThumbprint(open);
  return { key: signing, jwk: { ...open, kid, alg: algorithm, use: "sig" } };
}

/** A token is used for half its life, so that none arrives with little of it left. */
function tokenStage(
  plan: IdentityTokenPlan,
  audience: string,
  reading: Promise<SigningKey | GatewayError>,
  platform: Platform,
): Stage {
  /** Kept for as long as the identity, which schemes keep for callers they know. */
  const signed = new WeakMap<Identity, { readonly token: string; readonly until: number }>();
  const sign = async (x: Exchange, identity: Identity): Promise<void> => {
    const read = await reading;
    if (read instanceof GatewayError) throw read;
    const now = platform.wallClock();
    const seconds = Math.floor(now / 1000);
    const token = await new SignJWT(claimsFor(plan, identity))
      .setProtectedHeader({ alg: plan.algorithm, kid: read.jwk.kid!, typ: "JWT" })
      .setIssuer(plan.issuer)
      .setAudience(audience)
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + Math.ceil(plan.lifetimeMs / 1000))
      .setJti(x.id)
      .sign(read.key);
    signed.set(identity, { token, until: now + plan.lifetimeMs / 2 });
    x.identityToken = token;
  };
  return (x) => {
    const { identity } = x;
    if (identity === undefined) return undefined;
    const known = signed.get(identity);
    // A wall clock that was set back must not keep a token for ever.
    const left = known === undefined ? 0 : known.until - platform.wallClock();
    if (left <= 0 || left > plan.lifetimeMs) return sign(x, identity);
    x.identityToken = known!.token;
    return undefined;
  };
}

/** What is said of the caller. `sub` is the consumer, or who it is at its issuer when the config knows no consumer. */
function claimsFor(plan: IdentityTokenPlan, identity: Identity): AnyClaims {
  const { scheme, consumer, subject, scopes, claims } = identity;
  const copied = plan.claims.map((name) => [name, claimOf(claims, name)] as const);
  const said = {
    ...Object.fromEntries(copied.filter(([, value]) => value !== undefined)),
    sub: consumer?.name ?? subject,
    scheme,
    groups: consumer?.groups,
    scope: scopes.length === 0 ? undefined : scopes.join(" "),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}
