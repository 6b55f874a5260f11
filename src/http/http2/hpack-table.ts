// The static table of HPACK (RFC 7541 appendix A), and what its fields are. Pure.
import { HT, SP, TOKEN, VALUE, table } from "../message.ts";

/** A field as a block of fields has it. Both texts are latin1: one character is one byte. */
export interface BlockField {
  /** With its colon, where it is a pseudo-field. */
  readonly name: string;
  readonly value: string;
  /** 0, or which of both must not be in HTTP: NAME_FAULT, VALUE_FAULT or their sum. */
  readonly faults: number;
}

/** The name holds what no lower-case field name may hold (RFC 9113 section 8.2.1). */
export const NAME_FAULT = 1;
/** The value holds a control character, or white space at an end. */
export const VALUE_FAULT = 2;

const LOWER_TOKEN = table((c) => TOKEN[c] === 1 && !(c >= 65 && c <= 90));
const COLON = 58;

/** NAME_FAULT or 0, of `length` bytes from `from` on. */
export function nameFault(bytes: Uint8Array, from: number, length: number): number {
  const to = from + length;
  const start = bytes[from] === COLON ? from + 1 : from;
  if (start >= to) return NAME_FAULT;
  for (let i = start; i < to; i++) if (LOWER_TOKEN[bytes[i]!] === 0) return NAME_FAULT;
  return 0;
}

/** VALUE_FAULT or 0, of `length` bytes from `from` on. */
export function valueFault(bytes: Uint8Array, from: number, length: number): number {
  if (length === 0) return 0;
  const to = from + length;
  if (isBlank(bytes[from]!) || isBlank(bytes[to - 1]!)) return VALUE_FAULT;
  for (let i = from; i < to; i++) if (VALUE[bytes[i]!] === 0) return VALUE_FAULT;
  return 0;
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HT;
}

/** What a field takes of a table, and of the bound of a block (RFC 7541 section 4.1, RFC 9113 section 6.5.2). */
export function sizeOf({ name, value }: { readonly name: string; readonly value: string }): number {
  return name.length + value.length + 32;
}

/** Size of both sides' dynamic tables, unless a peer wants less (RFC 9113 section 6.5.2). */
export const TABLE_SIZE = 4096;

/** Names with the values that the table has of them, in order. */
const ROWS = `:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate`;

/** Fields 1 to 61; there is no field 0. */
export const STATIC: readonly BlockField[] = [
  { name: "", value: "", faults: NAME_FAULT },
  ...ROWS.split("\n").map((row) => {
    const space = row.indexOf(" ");
    return space < 0
      ? { name: row, value: "", faults: 0 }
      : { name: row.slice(0, space), value: row.slice(space + 1), faults: 0 };
  }),
];

/** Index of the first field of the dynamic table. */
export const FIRST_DYNAMIC = STATIC.length;
