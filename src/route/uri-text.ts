// Percent-encoding of what may not stand as it is in a URI (RFC 3986 section 2).
import { escapedByte } from "../http/target.ts";

/** Characters that stay as they are, one flag for each byte. */
export type Kept = Uint8Array;

function kept(characters: string): Kept {
  const flags = new Uint8Array(256);
  const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const character of unreserved + characters) flags[character.charCodeAt(0)] = 1;
  return flags;
}

/** What may stand in a path. */
export const IN_PATH: Kept = kept("!$&'()*+,;=:@/");
/** What may stand in a query or fragment. */
export const IN_QUERY: Kept = kept("!$&'()*+,;=:@/?");
/** What may stand in one value of a query without ending it or being read as a space. */
export const IN_VALUE: Kept = kept("!$'()*,:@/?");

/** Encodes every byte of a latin1 text that may not stay. Escapes that are there stay; a "%" that begins none becomes %25. */
export function encodeBytes(raw: string, keep: Kept): string {
  let text = "";
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    const stays = code === 0x25 ? escapedByte(raw, i) >= 0 : keep[code] === 1;
    text += stays ? raw[i] : escapeOf(code);
  }
  return text;
}

/** Encodes bytes that hold no escapes, such as a pattern's literal, as one segment. */
export function encodeAll(bytes: string): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const code = bytes.charCodeAt(i);
    text += IN_PATH[code] === 1 && code !== 0x2f ? bytes[i] : escapeOf(code);
  }
  return text;
}

function escapeOf(code: number): string {
  return `%${(code & 0xff).toString(16).toUpperCase().padStart(2, "0")}`;
}
