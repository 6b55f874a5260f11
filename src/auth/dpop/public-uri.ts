// The URI of a request as its client knows it, for credentials that are made for one URI alone.
import type { Exchange } from "../../exchange.ts";

/**
 * Whether a URI is that of the request, its query and fragment left aside (RFC 9449 section 4.3). Both are compared in
 * their normal form (RFC 3986 section 6.2.2 and 6.2.3).
 * @param origins where the gateway is known; `"request"`: where the request says it is
 */
export function isUriOf(x: Exchange, uri: string, origins: readonly string[] | "request"): boolean {
  if (!URL.canParse(uri)) return false;
  const url = new URL(uri);
  if (!/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") return false;
  const isKnown = origins === "request" ? url.origin === requestOrigin(x) : origins.includes(url.origin);
  return isKnown && normalPath(url.pathname) === normalPath(new URL(`http://host${ascii(x.path)}`).pathname);
}

/** What the request says, by the word of a trusted proxy if there is one. Undefined when that is no origin. */
function requestOrigin(x: Exchange): string | undefined {
  const { fields, trusted } = x;
  const scheme = (trusted ? fields.joined("x-forwarded-proto") : undefined) ?? x.scheme;
  const authority = (trusted ? fields.joined("x-forwarded-host") : undefined) ?? x.authority;
  // A list would have been written by several hands, and which of them is to be believed cannot be told.
  if (!/^https?$/i.test(scheme) || !/^[\w.:[\]~-]+$/.test(authority)) return undefined;
  const written = `${scheme}://${authority}`;
  return URL.canParse(written) ? new URL(written).origin : undefined;
}

/** A raw path as ASCII: each byte that is none is escaped. */
function ascii(path: string): string {
  return path.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`);
}

/** Escapes in capitals, and none of what needs none. */
function normalPath(path: string): string {
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return /[\w.~-]/.test(character) ? character : escape.toUpperCase();
  });
}
