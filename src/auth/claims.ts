// Claims by name: what a token says of its caller.
import type { AnyClaims } from "../config/auth/options.ts";

/**
 * The value of a claim. A name that the claims have as it is comes first (names may be URLs); else dots look into objects:
 * `"realm_access.roles"`. Only what the token itself holds is found, never what every object has. Undefined without one.
 */
export function claimOf(claims: AnyClaims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  if (!name.includes(".")) return undefined;
  let value: unknown = claims;
  for (const part of name.split(".")) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, part))
      return undefined;
    value = (value as AnyClaims)[part];
  }
  return value;
}

/** Whether a claim is one of the values, or a list that holds one. Types count: `"1"` is not `1`. */
export function claimFits(claim: unknown, values: readonly (string | number | boolean)[]): boolean {
  const held: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  return held.some((value) => (values as readonly unknown[]).includes(value));
}
