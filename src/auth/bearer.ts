// Bearer tokens (RFC 6750): where one stands in a request, and the challenges that go with a refusal.
import { GatewayError } from "../errors.ts";
import type { Fields } from "../http/fields.ts";

/** `b64token` (RFC 6750 section 2.1). */
const B64TOKEN = /^[\w.~+/-]+=*$/;

/** The word before a token: Bearer, or DPoP for one that is bound to a key (RFC 9449 section 7.1). */
export type TokenWord = "Bearer" | "DPoP";

/**
 * The Bearer token of a request (RFC 6750 section 2.1): `Authorization: Bearer <token>`, the word in any case, one blank or
 * several behind it. Undefined when no line of the field names Bearer: its credentials are of another scheme. An error
 * `malformed_credentials` when there is no token, when it has other characters than a token may have, or when the field
 * stands there twice: which of two callers it is cannot be told.
 * @param key lower-case name of the field
 * @param word the word before the token
 */
export function bearerToken(
  fields: Fields,
  key = "authorization",
  word: TokenWord = "Bearer",
): string | GatewayError | undefined {
  const { keys, values } = fields;
  const first = keys.indexOf(key);
  if (first < 0) return undefined;
  if (keys.indexOf(key, first + 1) >= 0) {
    const isOurs = fields.all(key).some((value) => isFor(word, value));
    return isOurs ? malformed(`the field ${key} stands there more than once`, word) : undefined;
  }
  const value = values[first]!;
  if (!isFor(word, value)) return undefined;
  let start = word.length;
  while (value.charCodeAt(start) === 0x20) start++;
  const token = value.slice(start);
  if (token === "") return malformed(`there is no token behind ${word}`, word);
  return B64TOKEN.test(token) ? token : malformed(`the ${word} token has characters that no token may have`, word);
}

/** Whether a value of Authorization begins with the word: alone, or a blank behind it. */
function isFor(word: TokenWord, value: string): boolean {
  const { length } = word;
  if (value.length > length && value.charCodeAt(length) !== 0x20) return false;
  return value.slice(0, length).toLowerCase() === word.toLowerCase();
}

function malformed(why: string, word: TokenWord): GatewayError {
  return new GatewayError("malformed_credentials", why, { publicDetail: `The ${word} token is malformed.` });
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
  return challengeText("Bearer", [["realm", realm], ...errorParameters(refusal), ...more]);
}

/** What a challenge says of a refusal; nothing when no credentials came. */
export function errorParameters(refusal: GatewayError | undefined, error?: string): ChallengeParameters {
  if (refusal === undefined) return [];
  const said = error ?? (refusal.code === "malformed_credentials" ? "invalid_request" : "invalid_token");
  const { publicDetail } = refusal;
  return [["error", said], ...(publicDetail === undefined ? [] : ([["error_description", publicDetail]] as const))];
}

/** What a challenge says when scopes are missing: `insufficient_scope`, and those that are wanted (RFC 6750 section 3.1). */
export function scopeParameters(scopes: readonly string[]): ChallengeParameters {
  return [
    ["error", "insufficient_scope"],
    ["scope", scopes.join(" ")],
  ];
}

/** Values lose what may not stand in them: all but printable ASCII, `"` and `\` (RFC 6750 section 3). */
export function challengeText(word: TokenWord, parameters: ChallengeParameters): string {
  const written = parameters.map(([name, value]) => `${name}="${value.replace(/[^ !#-[\]-~]/g, "")}"`);
  return `${word} ${written.join(", ")}`;
}
