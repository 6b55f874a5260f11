// Names and addresses of hosts as people write them.
import { normalAddress } from "./ip.ts";

/**
 * Whether a text is a DNS name (letters, digits, "-" and "_"; not one that ends in a number, which would be a malformed
 * address) or an IP address, without brackets and port. A name that ends in "." is none: certificates and SNI have no
 * such names (case GW-59).
 */
export function isHostName(text: string): boolean {
  if (text.includes("[") || /^[\d.]+:/.test(text)) return false;
  return normalAddress(text) !== undefined || isName(text);
}

/** Whether a host is an IP address, or looks like one, and no name. */
export function isAddress(host: string): boolean {
  return host.includes(":") || /^[\d.]+$/.test(host);
}

function isName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split(".");
  return labels.every(isLabel) && !/^\d+$|^0x[\da-f]*$/i.test(labels.at(-1)!);
}

function isLabel(label: string): boolean {
  return /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label);
}
