// What all HTTP/1.1 messages share, by the strict reading of RFC 9112: bytes, version, lengths, persistence. Pure.
import { tokens } from "./fields.ts";

/** Where the bytes are not what RFC 9112 allows. */
export class Malformed extends Error {
  override readonly name = "Malformed";
  /** `size`: the head as a whole or its fields in number; `target-size`: the request line; `version`: not HTTP/1.0 or 1.1. */
  readonly kind: "syntax" | "size" | "target-size" | "version" | "coding";

  constructor(kind: Malformed["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Body length when the body is chunked (RFC 9112 section 7.1). */
export const CHUNKED = -1;
/** Body length when only the end of the connection ends the body (RFC 9112 section 6.3, rule 8). */
export const UNTIL_CLOSE = -2;

/** Bounds of a head, in bytes and lines. */
export interface HeadLimits {
  /** Of the request line; unused for responses. */
  readonly maxTarget: number;
  readonly maxHead: number;
  readonly maxFields: number;
}

/** Most field lines of a head, of a request as of an answer. */
export const MAX_FIELDS = 256;
/** Most interim answers (1xx) before the final one. */
export const MOST_INTERIM = 64;

/** Whether an answer of this status to this method has no content (RFC 9110 section 6.4.1). */
export function hasNoContent(method: string, status: number): boolean {
  return method === "HEAD" || status < 200 || status === 204 || status === 304;
}

/** Carriage return. */
export const CR = 13;
/** Line feed. */
export const LF = 10;
/** Space. */
export const SP = 32;
/** Horizontal tab. */
export const HT = 9;

/** 1 for the bytes of a token (RFC 9110 section 5.6.2). */
export const TOKEN = table((c) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
/** 1 for the bytes of a field value: no controls but tab (RFC 9110 section 5.5). */
export const VALUE = table((c) => c === HT || (c >= SP && c !== 127));

/** A table with 1 for the bytes that pass the test. */
export function table(test: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (test(byte) ? 1 : 0));
}

/** Whether text is a token: a field name, a method. */
export function isToken(text: string): boolean {
  if (text === "") return false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 255 || TOKEN[c] === 0) return false;
  }
  return true;
}

/** The one transfer coding that is taken: chunked, alone, in HTTP/1.1, without a length beside it. */
export function codedLength(length: string | undefined, coding: string, minor: number): number {
  if (minor === 0) throw new Malformed("syntax", "Transfer-Encoding in HTTP/1.0");
  if (length !== undefined) throw new Malformed("syntax", "both Content-Length and Transfer-Encoding");
  if (coding.toLowerCase() !== "chunked") throw new Malformed("coding", "a Transfer-Encoding other than chunked");
  return CHUNKED;
}

/** "HTTP/1.0" or "HTTP/1.1" at `at`: the minor version. */
export function readVersion(bytes: Uint8Array, at: number): number {
  // H T T P /
  const http = bytes[at] === 72 && bytes[at + 1] === 84 && bytes[at + 2] === 84 && bytes[at + 3] === 80;
  if (!http || bytes[at + 4] !== 47) throw new Malformed("syntax", "no HTTP version");
  const major = bytes[at + 5]! - 48;
  const minor = bytes[at + 7]! - 48;
  const wellFormed = major >= 0 && major <= 9 && bytes[at + 6] === 46 && minor >= 0 && minor <= 9;
  if (!wellFormed) throw new Malformed("syntax", "the HTTP version is malformed");
  if (major !== 1 || minor > 1) throw new Malformed("version", "not HTTP/1.0 or HTTP/1.1");
  return minor;
}

/** A Content-Length: digits only, and a number that can be counted. */
export function readLength(text: string): number {
  if (text.length === 0 || text.length > 16) throw new Malformed("syntax", "Content-Length is not a number");
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) throw new Malformed("syntax", "Content-Length is not a number");
    length = length * 10 + digit;
  }
  if (length > Number.MAX_SAFE_INTEGER) throw new Malformed("syntax", "Content-Length is too large");
  return length;
}

/** RFC 9112 section 9.3. */
export function staysOpen(connection: string, minor: number): boolean {
  if (connection === "") return minor === 1;
  if (connection === "keep-alive") return true;
  const options = tokens(connection);
  if (options.includes("close")) return false;
  return minor === 1 || options.includes("keep-alive");
}

/**
 * Where a head that was incomplete may be read again: looks for its empty line from `from` on. Returns -1 when there is
 * none yet. So a head that drips in is scanned once, not once a drip.
 */
export function findEmptyLine(bytes: Uint8Array, from: number): number {
  let at = bytes.indexOf(LF, Math.max(0, from));
  while (at >= 0) {
    // A bare LF counts: reading the head then refuses it, instead of waiting for ever.
    const next = bytes[at + 1];
    if (next === LF || (next === CR && bytes[at + 2] === LF)) return at;
    at = bytes.indexOf(LF, at + 1);
  }
  return -1;
}
