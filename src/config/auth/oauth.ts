// What schemes for access tokens of OAuth share, whatever verifies the tokens.
import { Problem } from "../fault.ts";
import { maybe, type Shape } from "../shape.ts";
import { type DpopOptions, type DpopPlan, dpopShape, type WrittenDpop } from "./dpop.ts";
import type { SchemeCommon } from "./options.ts";
import type { SchemeCommonPlan } from "./plan.ts";
import { type ResourceOptions, type ResourcePlan, resourceShape, type WrittenResource } from "./protected-resource.ts";

/** What schemes for access tokens may have. */
export interface OAuthOptions extends SchemeCommon {
  /**
   * The API as clients know it: its URL, or more about it. It is published at `/.well-known/oauth-protected-resource`
   * (RFC 9728), and every challenge of the scheme says where. Clients of MCP depend on it. Default: nothing is published.
   */
  resource?: string | ResourceOptions;
  /**
   * Tokens that are bound to a key of the caller (DPoP, RFC 9449). Default: such tokens are refused, for without proof they
   * would be as good as any Bearer token to a thief.
   */
  dpop?: "required" | "accepted" | DpopOptions;
}

/** What schemes of access tokens have in common. */
export interface OAuthPlan extends SchemeCommonPlan {
  readonly resource: ResourcePlan | undefined;
  readonly dpop: DpopPlan | undefined;
}

interface Entries {
  readonly resource: WrittenResource | undefined;
  readonly dpop: WrittenDpop | undefined;
}

/** Entries for the options of a kind. */
export const oauthEntries: { readonly [K in keyof Entries]: Shape<Entries[K]> } = {
  resource: maybe(resourceShape),
  dpop: maybe(dpopShape),
};

/**
 * What is wrong between these options.
 * @param issuer the issuer of the scheme as written, right or wrong
 */
export function* oauthProblems({ resource, dpop }: Partial<Entries>, issuer: unknown): Generator<Problem> {
  if (resource !== undefined && resource.authorizationServers === undefined && issuer === undefined) {
    const hint = "The scheme has no `issuer` that could stand for them.";
    yield new Problem("authorizationServers of the resource", { at: ["resource"], found: false, hint });
  }
  if (dpop !== undefined && dpop.origins === undefined && resource === undefined) {
    const hint =
      "A proof is for one URL: set `resource`, or `dpop.origin` to the origin that clients know. " +
      '`origin: "request"` believes the Host field.';
    yield new Problem("the origin of the gateway beside dpop", { at: ["dpop"], found: false, hint });
  }
}

/** The part of a plan that comes of {@link oauthEntries}. `issuers` are those of the scheme. */
export function oauthPlan(
  { resource, dpop }: Entries,
  issuers: readonly string[],
): Omit<OAuthPlan, keyof SchemeCommonPlan> {
  return {
    resource: resource && { ...resource, authorizationServers: resource.authorizationServers ?? issuers },
    dpop: dpop && { ...dpop, origins: dpop.origins ?? (resource === undefined ? [] : [resource.origin]) },
  };
}
