// The scheme of JWT access tokens: finds the token, verifies it or knows it from a moment ago, and says who calls.
import type { JwtPlan } from "../../config/auth/jwt.ts";
import type { AnyClaims, Identity } from "../../config/auth/options.ts";
import { GatewayError, namedMessageOf } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import { claimOf } from "../claims.ts";
import { claimsReader } from "../claims-schema.ts";
import type { AuthServices, Scheme, Verdict } from "../scheme.ts";
import { type ShownToken, tokenBinding } from "../token-binding.ts";
import { frozen } from "./frozen.ts";
import { keySource } from "./key-places.ts";
import { KnownTokens } from "./known-tokens.ts";
import { tokenPlace } from "./token-place.ts";
import { BadSignature, type VerifiedToken, Verifier } from "./verify.ts";

/** Of how many tokens it is known for how long that they are good. */
const GOOD = { count: 10_000, characters: 16 * 1024 * 1024, lifetimeMs: 60_000 };
/** And of how many that their signature is wrong. They have a place of their own: no stranger's token drives out a good one. */
const BAD = { count: 1_000, characters: 1024 * 1024, lifetimeMs: 10_000 };

/** What is known of a good token. */
interface Known {
  readonly identity: Identity;
  /** The claim `cnf` as the issuer wrote it. */
  readonly confirmation: unknown;
}

/** Makes the scheme, and begins to fetch its keys. */
export function createJwt(plan: JwtPlan, services: AuthServices): Scheme {
  const { platform } = services;
  const keys = services.keep(
    `auth.${plan.name} keys`,
    [plan.keys, plan.keySet, plan.algorithms],
    () => keySource(plan, platform),
    (part) => part.close(),
  );
  const binding = tokenBinding(plan, services, plan.header);
  const place = tokenPlace(plan, binding);
  const verifier = new Verifier(plan, platform, keys);
  const good = new KnownTokens<Known>(GOOD);
  const bad = new KnownTokens<GatewayError>(BAD);
  const readClaims = claimsReader(plan.claims);

  const accept = async (token: string, verified: VerifiedToken): Promise<Known | GatewayError> => {
    const claims = await readClaims(frozen(verified.claims));
    if (claims instanceof GatewayError) return claims;
    const known = Object.freeze({
      identity: identityOf(plan, services, verified.claims, frozen(claims)),
      confirmation: verified.claims["cnf"],
    });
    good.keep(token, known, verified.key, platform.wallClock(), Number(verified.claims["exp"]) * 1000);
    return known;
  };
  const judge = async (
    x: Exchange,
    shown: ShownToken,
    verifying: Promise<VerifiedToken | GatewayError>,
  ): Promise<Verdict> => {
    const { token } = shown;
    const verified = await verifying;
    if (verified instanceof GatewayError) {
      if (verified instanceof BadSignature && verified.isFinal) {
        bad.keep(token, verified, verified.key, platform.wallClock(), Infinity);
      }
      return verified;
    }
    const known = await accept(token, verified);
    if (known instanceof GatewayError) return known;
    return (await binding.refusal(x, shown, known.confirmation)) ?? known.identity;
  };
  return {
    name: plan.name,
    observe: plan.observe,
    credentialFields: binding.credentialFields,
    forwards: plan.forward,
    identify(x) {
      const shown = place(x.fields);
      if (shown === undefined || shown instanceof GatewayError) return shown;
      const { token } = shown;
      const now = platform.wallClock();
      const known = good.get(token, now);
      if (known !== undefined) {
        const refusal = binding.refusal(x, shown, known.confirmation);
        return refusal instanceof Promise
          ? refusal.then((late) => late ?? known.identity)
          : (refusal ?? known.identity);
      }
      const refused = bad.get(token, now);
      if (refused !== undefined) return refused;
      const verifying = verifier.verify(token);
      return verifying instanceof Promise ? judge(x, shown, verifying).catch(failed) : verifying;
    },
    challenge: (refusal) => binding.challenge(refusal),
    scopeChallenge: (scopes) => binding.scopeChallenge(scopes),
    unready: () => keys.unready(),
    ...(keys.age === undefined ? {} : { keysAge: () => keys.age!() }),
  };
}

function failed(cause: unknown): GatewayError {
  const reason = namedMessageOf(cause);
  return new GatewayError("authentication_unavailable", `the token could not be judged: ${reason}`, { cause });
}

/** Who calls. What decides it is what the issuer wrote, whatever a schema makes of the claims. */
function identityOf(plan: JwtPlan, services: AuthServices, written: AnyClaims, claims: AnyClaims): Identity {
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(written, name) ? written[name] : undefined;
    return typeof value === "string" ? value : undefined;
  };
  const subject = text("sub");
  return Object.freeze({
    scheme: plan.name,
    consumer: services.consumerOf(plan.name, subject, text("client_id"), text("azp")),
    subject,
    scopes: Object.freeze(scopesOf(plan.scopeClaims, written)),
    claims,
    fields: NO_FIELDS,
  });
}

const NO_FIELDS: Identity["fields"] = Object.freeze([]);

/** A text with blanks between scopes (RFC 9068 section 2.2.3), or a list of them. */
function scopesOf(names: readonly string[], claims: AnyClaims): string[] {
  const value = names.map((name) => claimOf(claims, name)).find((claim) => claim !== undefined);
  if (typeof value === "string") return value.split(" ").filter((scope) => scope !== "");
  return Array.isArray(value) ? value.filter((scope) => typeof scope === "string") : [];
}
