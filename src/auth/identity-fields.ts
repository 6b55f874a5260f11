// What the upstream is told of who calls, as field lines behind those of the client.
import type { Identity } from "../config/auth/options.ts";
import type { IdentityPlan } from "../config/auth/plan.ts";
import { wireText } from "../http/latin1.ts";
import type { ShownCertificate } from "../http/certificates.ts";
import { claimOf } from "./claims.ts";

/** Most characters of one value: what an issuer puts into a token must not break the upstream's bounds. */
const LONGEST = 4096;

/**
 * Makes the lines for an identity, each with its CRLF. They are kept for as long as the identity, so that a caller who is
 * known costs a look-up.
 */
export function identityLines(plan: IdentityPlan): (identity: Identity) => string {
  const { consumer, headers } = plan;
  const known = new WeakMap<Identity, string>();
  const lines = (identity: Identity): string => {
    let text = "";
    if (consumer !== undefined && identity.consumer !== undefined) text += `${consumer}: ${identity.consumer.name}\r\n`;
    for (const [name, claim] of headers) {
      const value = claim === "sub" ? (identity.subject ?? identity.claims["sub"]) : claimOf(identity.claims, claim);
      const shown = fieldValue(value);
      if (shown !== undefined) text += `${name}: ${shown}\r\n`;
    }
    // As a service's answer held them: a strict reader has passed these bytes.
    for (const [name, value] of identity.fields) text += `${name}: ${value}\r\n`;
    return text;
  };
  return (identity) => {
    let text = known.get(identity);
    if (text === undefined) {
      text = lines(identity);
      known.set(identity, text);
    }
    return text;
  };
}

/** `Client-Cert` with a certificate that the listener trusts, and its CRLF; "" for another (RFC 9440 section 2.2). */
export function certificateLine(shown: ShownCertificate): string {
  if (shown.der === undefined) return "";
  let line = certificateLines.get(shown);
  if (line === undefined) {
    line = `Client-Cert: :${shown.der.toBase64()}:\r\n`;
    certificateLines.set(shown, line);
  }
  return line;
}

/** One certificate a connection. */
const certificateLines = new WeakMap<ShownCertificate, string>();

/** A claim as the value of a field; undefined for what no field can hold: objects, control characters, empty texts. */
function fieldValue(value: unknown): string | undefined {
  if (Array.isArray(value)) {
    const members = value.map(fieldValue);
    // A member with a comma would read as two.
    return members.some((member) => member === undefined || member.includes(","))
      ? undefined
      : fieldValue(members.join(","));
  }
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return undefined;
  const text = String(value).trim();
  if (text === "" || text.length > LONGEST || /[\0-\x1f\x7f]/.test(text)) return undefined;
  return wireText(text);
}
