// Bearer tokens (RFC 6750): where one stands in a request, and the challenges that go with a refusal.
import { GatewayError } from "../errors.ts";
import type { Fields } from "../http/fields.ts";

/** `b64token` (RFC 6750 section 2.1). */
const B64TOKEN = /^[\w.~+/-]+=*$/;

/**
 * The Bearer token of a request (RFC 6750 section 2.1): `Authorization: Bearer <token>`, the word in any case, one blank or
 * several behind it. Undefined when no line of the field names Bearer: its credentials are of another scheme. An error
 * `malformed_credentials` when there is no token, when it has other characters than a token may have, or when the field
 * stands there twice: which of two callers it is cannot be told.
 * @param key lower-case name of the field
 */
export function bearerToken(fields: Fields, key = "authorization"): string | GatewayError | undefined {
  const { keys, values } = fields;
  const first = keys.indexOf(key);
  if (first < 0) return undefined;
  if (keys.indexOf(key, first + 1) >= 0) {
    return fields.all(key).some(isBearer) ? malformed(`the field ${key} stands there more than once`) : undefined;
  }
  const value = values[first]!;
  if (!isBearer(value)) return undefined;
  let start = 6;
  while (value.charCodeAt(start) === 0x20) start++;
  const token = value.slice(start);
  if (token === "") return malformed("there is no token behind Bearer");
  return B64TOKEN.test(token) ? token : malformed("the Bearer token has characters that no token may have");
}

/** Whether a value of Authorization is for Bearer: the word alone, or a blank behind it. */
function isBearer(value: string): boolean {
  if (value.length > 6 && value.charCodeAt(6) !== 0x20) return false;
  return value.slice(0, 6).toLowerCase() === "bearer";
}

function malformed(why: string): GatewayError {
  return new GatewayError("malformed_credentials", why, { publicDetail: "The Bearer token is malformed." });
}

/** What a challenge says beside the error: `["resource_metadata", "https://…"]` (RFC 9728 section 5.1). */
export type ChallengeParameters = readonly (readonly [name: string, value: string])[];

/**
 * The challenge of a scheme that takes Bearer tokens (RFC 6750 section 3): without `error` when no credentials came,
 * else `invalid_request` for malformed ones and `invalid_token` for others. The description is the error's `publicDetail`.
 */
export function bearerChallenge(
  realm: string,
  refusal: GatewayError | undefined,
  more: ChallengeParameters = [],
): string {
  if (refusal === undefined) return challengeText([["realm", realm], ...more]);
  const error = refusal.code === "malformed_credentials" ? "invalid_request" : "invalid_token";
  const { publicDetail } = refusal;
  return challengeText([
    ["realm", realm],
    ["error", error],
    ...(publicDetail === undefined ? [] : ([["error_description", publicDetail]] as const)),
    ...more,
  ]);
}

/** The challenge that goes with `insufficient_scope`: it names the scopes that are wanted (RFC 6750 section 3.1). */
export function bearerScopeChallenge(realm: string, scopes: readonly string[], more: ChallengeParameters = []): string {
  return challengeText([["realm", realm], ["error", "insufficient_scope"], ["scope", scopes.join(" ")], ...more]);
}

/** Values lose what may not stand in them: all but printable ASCII, `"` and `\` (RFC 6750 section 3). */
function challengeText(parameters: ChallengeParameters): string {
  const written = parameters.map(([name, value]) => `${name}="${value.replace(/[^ !#-[\]-~]/g, "")}"`);
  return `Bearer ${written.join(", ")}`;
}
