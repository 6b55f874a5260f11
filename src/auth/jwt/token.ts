// The outside of a token, before any cryptography: its form, and what its header may say (RFC 7515, RFC 8725).

/** What a token says of itself. Nothing of it is verified. */
export interface UnverifiedToken {
  readonly algorithm: string;
  readonly kid: string | undefined;
  /** Lower case, without `application/`; "" when the header has none. */
  readonly type: string;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** base64url without padding, in its one spelling: bits that no byte uses are zero (RFC 7515 section 2, RFC 4648 3.5). */
const PART = /^(?:[\w-]{4})*(?:[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])?$/;

/** Characters that a `kid` may have at most. It is looked up among those of the keys, and used for nothing else. */
const LONGEST_KID = 1024;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads a token in the compact form. What is wrong with it is told as a sentence for the operator: JSON forms, encrypted
 * tokens (five parts), padding, headers with `crit` or `b64` (this gateway knows no extension) are refused. `jku`, `x5u`,
 * `jwk` and `x5c` are not looked at: keys come from the config alone.
 */
export function readToken(token: string): UnverifiedToken | string {
  const parts = token.split(".", 6);
  if (parts.length !== 3) {
    return parts.length === 5 ? "it is encrypted, which is not supported" : "it has not the three parts of a JWT";
  }
  if (!parts.every((part) => part !== "" && PART.test(part))) return "one of its parts is empty or no base64url";
  const header = jsonObject(parts[0]!);
  if (header === undefined) return "its header is no JSON object";
  const { alg, kid, typ } = header;
  if (typeof alg !== "string") return "its header has no alg";
  for (const name of ["crit", "b64", "enc", "zip"]) {
    if (Object.hasOwn(header, name)) return `its header has ${name}, which is not supported`;
  }
  if (kid !== undefined && (typeof kid !== "string" || kid.length > LONGEST_KID)) return "its kid is no short text";
  if (typ !== undefined && typeof typ !== "string") return "its typ is no text";
  const claims = jsonObject(parts[1]!);
  if (claims === undefined) return "its claims are no JSON object";
  return { algorithm: alg, kid, type: tokenType(typ ?? ""), claims };
}

/** A `typ` as types are compared: lower case, without `application/` (RFC 7515 section 4.1.9). */
export function tokenType(typ: string): string {
  return typ.toLowerCase().replace(/^application\//, "");
}

function jsonObject(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(Uint8Array.fromBase64(part, { alphabet: "base64url" })));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return value as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** A text of a stranger's, fit for a log: short, printable ASCII. */
export function shown(text: string): string {
  const short = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return JSON.stringify(short).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
