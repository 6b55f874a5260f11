// Access tokens as requests show them, and whether who shows one may: Bearer (RFC 6750), DPoP (RFC 9449), certificates (RFC 8705).
import type { OAuthPlan } from "../config/auth/oauth.ts";
import { GatewayError } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Fields } from "../http/fields.ts";
import type { ShownCertificate } from "../http/certificates.ts";
import {
  bearerToken,
  challengeText,
  type ChallengeParameters,
  errorParameters,
  scopeParameters,
  type TokenWord,
} from "./bearer.ts";
import { InvalidProof, proofCheck } from "./dpop/proof.ts";
import type { AuthServices } from "./scheme.ts";

/** A token of a request, not verified. */
export interface ShownToken {
  readonly token: string;
  readonly by: TokenWord;
}

/** How the tokens of one scheme are shown. Every kind of scheme for access tokens has one. */
export interface TokenBinding {
  /** Lower-case names of the fields that hold credentials. */
  readonly credentialFields: readonly string[];
  /** The token of a request; undefined for none, `malformed_credentials` for what is none. */
  shown(fields: Fields): ShownToken | GatewayError | undefined;
  /**
   * Why the request may not show this token, which has been verified; undefined when it may. For every request anew, also
   * where the token is known from before: a proof is for one request.
   * @param confirmation the claim `cnf` as the issuer wrote it (RFC 7800)
   */
  refusal(
    x: Exchange,
    shown: ShownToken,
    confirmation: unknown,
  ): GatewayError | undefined | Promise<GatewayError | undefined>;
  /** The challenges that go with 401: one for each way in which tokens may be shown. */
  challenge(refusal: GatewayError | undefined): readonly string[];
  /** The challenge that goes with `insufficient_scope`. */
  scopeChallenge(scopes: readonly string[]): string;
}

/**
 * Makes the binding of a scheme. A token that is bound to anything but a key of which DPoP gives proof, or the certificate of
 * the client's connection, is refused: to take it as a Bearer token would make it worth stealing.
 * @param key lower-case name of the field that holds tokens
 */
export function tokenBinding(
  plan: OAuthPlan,
  services: Pick<AuthServices, "platform" | "keep">,
  key = "authorization",
): TokenBinding {
  const { name, dpop, realm, resource } = plan;
  const check = dpop && proofCheck(name, dpop, services);
  const metadata: ChallengeParameters = resource === undefined ? [] : [["resource_metadata", resource.metadataUrl]];
  const algorithms: ChallengeParameters = dpop === undefined ? [] : [["algs", dpop.algorithms.join(" ")]];
  const bearerOnly = dpop === undefined;
  const takesBearer = dpop?.required !== true;
  return {
    credentialFields: bearerOnly ? [key] : [key, "dpop"],
    shown(fields) {
      const token = bearerToken(fields, key);
      if (token !== undefined) return typeof token === "string" ? { token, by: "Bearer" } : token;
      if (bearerOnly) return undefined;
      const bound = bearerToken(fields, key, "DPoP");
      return typeof bound === "string" ? { token: bound, by: "DPoP" } : bound;
    },
    refusal(x, { token, by }, confirmation) {
      const certificate = certificateIn(confirmation);
      if (certificate !== undefined) {
        // A scheme that demands DPoP demands it of these, too.
        return by === "DPoP" || !takesBearer
          ? bound("to a certificate, and the scheme wants DPoP")
          : certificateRefusal(x, certificate, services);
      }
      const thumbprint = thumbprintOf(confirmation);
      if (thumbprint instanceof GatewayError) return thumbprint;
      if (thumbprint === undefined) return by === "DPoP" || !takesBearer ? unbound() : undefined;
      if (check === undefined) return bound("the scheme has no `dpop`");
      return by === "Bearer" ? bound("it was shown as a Bearer token") : check(x, token, thumbprint);
    },
    challenge(refusal) {
      const isProof = refusal instanceof InvalidProof;
      const bearer = errorParameters(isProof ? undefined : refusal);
      const proof = errorParameters(refusal, isProof ? "invalid_dpop_proof" : undefined);
      return [
        ...(takesBearer ? [challengeText("Bearer", [["realm", realm], ...bearer, ...metadata])] : []),
        ...(bearerOnly ? [] : [challengeText("DPoP", [["realm", realm], ...proof, ...algorithms, ...metadata])]),
      ];
    },
    scopeChallenge(scopes) {
      const word = takesBearer ? "Bearer" : "DPoP";
      return challengeText(word, [
        ["realm", realm],
        ...scopeParameters(scopes),
        ...(takesBearer ? [] : algorithms),
        ...metadata,
      ]);
    },
  };
}

/** The hash of the certificate that the token is bound to, and to nothing else (RFC 8705 section 3.1). */
function certificateIn(confirmation: unknown): string | undefined {
  if (typeof confirmation !== "object" || confirmation === null || Object.keys(confirmation).length !== 1)
    return undefined;
  const hash = (confirmation as { "x5t#S256"?: unknown })["x5t#S256"];
  return typeof hash === "string" ? hash : undefined;
}

async function certificateRefusal(
  { clientCertificate }: Exchange,
  wanted: string,
  { platform }: Pick<AuthServices, "platform">,
): Promise<GatewayError | undefined> {
  if (clientCertificate === undefined) return bound("the connection shows no client certificate");
  const { der, problem } = clientCertificate;
  if (der === undefined) return bound(`the listener does not trust the client certificate: ${problem}`);
  let hash = hashes.get(clientCertificate);
  if (hash === undefined) {
    const bytes = await platform.sha256(der);
    hash = bytes.toBase64({ alphabet: "base64url", omitPadding: true });
    hashes.set(clientCertificate, hash);
  }
  return hash === wanted ? undefined : bound("to another client certificate");
}

/** One certificate a connection, asked for at every request of it. */
const hashes = new WeakMap<ShownCertificate, string>();

/** The thumbprint of the key that the token is bound to; undefined when it is bound to nothing. */
function thumbprintOf(confirmation: unknown): string | GatewayError | undefined {
  if (confirmation === undefined) return undefined;
  if (typeof confirmation !== "object" || confirmation === null) return bound("cnf is no object");
  const methods = Object.keys(confirmation);
  const { jkt } = confirmation as { jkt?: unknown };
  if (methods.length !== 1 || typeof jkt !== "string") return bound(`cnf holds ${methods.join(", ") || "nothing"}`);
  return jkt;
}

function bound(why: string): GatewayError {
  return new GatewayError("invalid_credentials", `the token is bound to its holder: ${why}`, {
    publicDetail: "The token is bound to its holder, of which this request gives no proof.",
  });
}

function unbound(): GatewayError {
  return new GatewayError("invalid_credentials", "the token is bound to no key, and was to be", {
    publicDetail: "The token is not bound to a key.",
  });
}
