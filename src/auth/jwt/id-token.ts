// How an ID token gives itself away: it tells a client who has signed in, and opens no API (RFC 8725 section 3.12).
import type { AnyClaims } from "../../config/auth/options.ts";
import { tokenType } from "./token.ts";

/**
 * Why verified claims are those of an ID token, or of another token that opens no API; undefined when nothing says so.
 * A header with `typ: at+jwt` settles it (RFC 9068 section 2.1).
 */
export function idTokenTrait(typ: string | undefined, claims: AnyClaims): string | undefined {
  if (tokenType(typ ?? "") === "at+jwt") return undefined;
  const has = (name: string): boolean => Object.hasOwn(claims, name);
  // OpenID Connect Core 1.0 sections 2, 3.1.3.6 and 3.3.2.11: hashes of what was given out beside it.
  const hash = ["at_hash", "c_hash", "s_hash"].find(has);
  if (hash !== undefined) return `it has ${hash}`;
  // Keycloak: ID, Refresh, Logout; its access tokens are of typ Bearer or DPoP.
  const kind = claims["typ"];
  if (typeof kind === "string" && ["id", "refresh", "offline", "logout"].includes(kind.toLowerCase())) {
    return "its claim typ says so";
  }
  // Amazon Cognito.
  if (claims["token_use"] === "id") return "its claim token_use says so";
  // What is sent to clients on its own: logout and other events (RFC 8417).
  if (has("events")) return "it has events";
  // A nonce goes back to the client that began to sign in. Keycloak before 25 puts it into access tokens too.
  if (has("nonce") && !has("scope") && !has("scp") && kind === undefined) return "it has a nonce and no scope";
  return undefined;
}
