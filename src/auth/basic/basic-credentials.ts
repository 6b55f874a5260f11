// User and password of a request (RFC 7617): read strictly, for what two readers could read differently is nobody's.
import { GatewayError } from "../../errors.ts";
import type { Fields } from "../../http/fields.ts";

/** User name and password of an `Authorization: Basic` field (RFC 7617). */
export interface BasicCredentials {
  readonly user: string;
  /** In Unicode's form NFC, as `sluice password` reads it. */
  readonly password: string;
}

/** Most characters of the coded pair. A consumer's name and a password have 768 at most. */
const LONGEST_PAIR = 1024;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The credentials of `Authorization: Basic …`. Undefined when no line of the field names Basic. `malformed_credentials`
 * when the field stands there twice, or what is coded is no user and password in UTF-8; `invalid_credentials` when it is
 * longer than any.
 */
export function basicCredentials(fields: Fields): BasicCredentials | GatewayError | undefined {
  const values = fields.all("authorization");
  if (!values.some(isBasic)) return undefined;
  if (values.length > 1) return malformed("the field authorization stands there more than once");
  const coded = values[0]!.slice(5).replace(/^ +/, "");
  if (coded.length > LONGEST_PAIR) {
    return new GatewayError("invalid_credentials", `the credentials have more than ${LONGEST_PAIR} characters`);
  }
  if (coded === "") return malformed("there is nothing behind Basic");
  if (!BASE64.test(coded)) return malformed("what stands behind Basic is not base64");
  let pair: string;
  try {
    pair = utf8.decode(Uint8Array.fromBase64(coded, { lastChunkHandling: "strict" }));
  } catch {
    return malformed("what stands behind Basic is not UTF-8 in base64");
  }
  const colon = pair.indexOf(":");
  if (colon < 0) return malformed("there is no colon between user and password");
  if (/[\0-\x1f\x7f-\x9f]/.test(pair)) return malformed("user or password holds a control character");
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1).normalize("NFC") };
}

function isBasic(value: string): boolean {
  return /^basic(?: |$)/i.test(value);
}

function malformed(why: string): GatewayError {
  return new GatewayError("malformed_credentials", why, { publicDetail: "The Basic credentials are malformed." });
}
