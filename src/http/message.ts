// HTTP/1.1 message heads between bytes and values, by the strict reading of RFC 9112. Pure: no socket, no clock.
import { Fields, tokens } from "./fields.ts";
import { latin1Text } from "./latin1.ts";

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

/** What a request head says. */
export interface RequestHead {
  readonly method: string;
  /** As it stood on the wire. */
  readonly target: string;
  /** 0 or 1: the minor version. */
  readonly minor: number;
  readonly fields: Fields;
  /** Bytes of content, or CHUNKED. */
  readonly bodyLength: number;
  /** Whether the client wants to use the connection again. */
  readonly keepAlive: boolean;
  /** The Connection field's list, or "". */
  readonly connection: string;
  /** Index behind the head. */
  readonly end: number;
}

/** What a response head says. Hop-by-hop and framing fields are taken out of `fields` and stand beside. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minor: number;
  readonly fields: Fields;
  /** Bytes of content, CHUNKED or UNTIL_CLOSE. */
  readonly bodyLength: number;
  /** Content-Length as it was written, also where no content follows (HEAD, 304). */
  readonly announcedLength: string | undefined;
  readonly keepAlive: boolean;
  /** Seconds of `Keep-Alive: timeout=…`, if the peer said so. */
  readonly keepAliveTimeout: number | undefined;
  /** The Upgrade field, or "". */
  readonly upgrade: string;
  readonly end: number;
}

/** Bounds of a head, in bytes and lines. */
export interface HeadLimits {
  /** Of the request line; unused for responses. */
  readonly maxTarget: number;
  readonly maxHead: number;
  readonly maxFields: number;
}

const CR = 13;
const LF = 10;
const SP = 32;
const HT = 9;
const COLON = 58;

/** 1 for the bytes of a token (RFC 9110 section 5.6.2). */
const TOKEN = table((c) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(c)));
/** 1 for the bytes of a field value: no controls but tab (RFC 9110 section 5.5). */
const VALUE = table((c) => c === HT || (c >= SP && c !== 127));
/** 1 for the bytes a request target may hold: anything visible, high bytes included. */
const TARGET = table((c) => c > SP && c !== 127);

function table(test: (byte: number) => boolean): Uint8Array {
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

/** Field positions of the head being read: name start, colon, value start, value end. Reused: reading never nests. */
let marks = new Int32Array(4 * 256);
let lines = 0;

/**
 * Scans field lines from `at` to the empty line. Returns the index behind it, or -1 when the bytes end before that.
 * Leaves the positions in `marks` and their number in `lines`.
 */
function scanFields(bytes: Uint8Array, at: number, maxFields: number): number {
  const end = bytes.length;
  let i = at;
  lines = 0;
  for (;;) {
    if (i >= end) return -1;
    let c = bytes[i]!;
    if (c === CR) {
      if (i + 1 >= end) return -1;
      if (bytes[i + 1] !== LF) throw new Malformed("syntax", "a CR stands alone");
      return i + 2;
    }
    const name = i;
    while (i < end && TOKEN[(c = bytes[i]!)] === 1) i++;
    if (i >= end) return -1;
    // Space before the colon, a folded line, a bare LF and an empty name all end here (case GW-56).
    if (c !== COLON || i === name) throw new Malformed("syntax", "a field line does not begin with a name and a colon");
    const colon = i++;
    while (i < end && ((c = bytes[i]!) === SP || c === HT)) i++;
    const value = i;
    while (i < end && VALUE[(c = bytes[i]!)] === 1) i++;
    if (i >= end) return -1;
    if (c !== CR) throw new Malformed("syntax", "a field value holds a control character");
    if (i + 1 >= end) return -1;
    if (bytes[i + 1] !== LF) throw new Malformed("syntax", "a field value holds a CR");
    let last = i;
    while (last > value && (bytes[last - 1] === SP || bytes[last - 1] === HT)) last--;
    i += 2;
    if (lines >= maxFields) throw new Malformed("size", `more than ${maxFields} field lines`);
    if (4 * lines + 4 > marks.length) {
      const grown = new Int32Array(marks.length * 2);
      grown.set(marks);
      marks = grown;
    }
    const mark = 4 * lines++;
    marks[mark] = name;
    marks[mark + 1] = colon;
    marks[mark + 2] = value;
    marks[mark + 3] = last;
  }
}

/**
 * Reads a request head that begins at `from`. Undefined: the bytes end before the head does.
 * @throws Malformed
 */
export function readRequestHead(bytes: Uint8Array, from: number, limits: HeadLimits): RequestHead | undefined {
  const end = bytes.length;
  let i = from;
  // RFC 9112 section 2.2: empty lines before the request line are ignored.
  while (i + 1 < end && bytes[i] === CR && bytes[i + 1] === LF) i += 2;
  if (i === end || (bytes[i] === CR && i + 1 === end)) return undefined;
  const start = i;
  while (i < end && TOKEN[bytes[i]!] === 1) i++;
  const methodEnd = i;
  if (i < end && (bytes[i] !== SP || i === start)) {
    throw new Malformed("syntax", "the request line does not begin with a method and a space");
  }
  const target = ++i;
  while (i < end && TARGET[bytes[i]!] === 1) i++;
  const targetEnd = i;
  if (targetEnd - start > limits.maxTarget) {
    throw new Malformed("target-size", `the request line is over ${limits.maxTarget} bytes`);
  }
  if (i >= end) return undefined;
  if (bytes[i] !== SP || i === target) throw new Malformed("syntax", "the request line holds no target and version");
  // " HTTP/1.1" CR LF: eleven bytes.
  if (i + 11 > end) {
    if (bytes.indexOf(LF, i) >= 0) throw new Malformed("syntax", "the request line ends before its version");
    return undefined;
  }
  const minor = readVersion(bytes, i + 1);
  if (bytes[i + 9] !== CR || bytes[i + 10] !== LF) {
    throw new Malformed("syntax", "the request line does not end with CR LF");
  }
  const behind = scanFields(bytes, i + 11, limits.maxFields);
  if (behind < 0) return undefined;
  if (behind - start > limits.maxHead) throw new Malformed("size", `the head is over ${limits.maxHead} bytes`);

  const text = latin1Text(bytes, start, behind);
  const fields = new Fields();
  let connection = "";
  let length: string | undefined;
  let coding: string | undefined;
  for (let line = 0; line < lines; line++) {
    const mark = 4 * line;
    const value = text.slice(marks[mark + 2]! - start, marks[mark + 3]! - start);
    fields.add(text.slice(marks[mark]! - start, marks[mark + 1]! - start), value);
    switch (fields.keys[line]) {
      case "connection":
        connection = connection === "" ? value : `${connection}, ${value}`;
        break;
      case "content-length":
        if (length !== undefined) throw new Malformed("syntax", "Content-Length stands twice");
        length = value;
        break;
      case "transfer-encoding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
    }
  }
  return {
    method: text.slice(0, methodEnd - start),
    target: text.slice(target - start, targetEnd - start),
    minor,
    fields,
    bodyLength: requestBodyLength(length, coding, minor),
    keepAlive: staysOpen(connection, minor),
    connection,
    end: behind,
  };
}

/** RFC 9112 section 6.3 for requests; anything that two readers could read differently is refused (case GW-55). */
function requestBodyLength(length: string | undefined, coding: string | undefined, minor: number): number {
  if (coding !== undefined) return codedLength(length, coding, minor);
  return length === undefined ? 0 : readLength(length);
}

/** The one transfer coding that is taken: chunked, alone, in HTTP/1.1, without a length beside it. */
function codedLength(length: string | undefined, coding: string, minor: number): number {
  if (minor === 0) throw new Malformed("syntax", "Transfer-Encoding in HTTP/1.0");
  if (length !== undefined) throw new Malformed("syntax", "both Content-Length and Transfer-Encoding");
  if (coding.toLowerCase() !== "chunked") throw new Malformed("coding", "a Transfer-Encoding other than chunked");
  return CHUNKED;
}

/**
 * Reads a response head that begins at `from`. Undefined: the bytes end before the head does.
 * @throws Malformed
 */
export function readResponseHead(
  bytes: Uint8Array,
  from: number,
  limits: HeadLimits,
  method: string,
): ResponseHead | undefined {
  // "HTTP/1.1 200" and at least CR LF.
  if (from + 14 > bytes.length) {
    if (bytes.indexOf(LF, from) >= 0) throw new Malformed("syntax", "the status line is too short");
    return undefined;
  }
  const minor = readVersion(bytes, from);
  const status = readStatus(bytes, from + 8);
  let i = from + 12;
  const spaced = bytes[i] === SP;
  // The space before an empty reason is missing in many servers; both readings agree.
  if (spaced) i++;
  const reason = i;
  while (i < bytes.length && VALUE[bytes[i]!] === 1) i++;
  if (i + 1 >= bytes.length) return undefined;
  if (bytes[i] !== CR || bytes[i + 1] !== LF || (!spaced && i !== reason)) {
    throw new Malformed("syntax", "the status line does not end with CR LF");
  }
  const reasonEnd = i;
  const behind = scanFields(bytes, i + 2, limits.maxFields);
  if (behind < 0) return undefined;
  if (behind - from > limits.maxHead) throw new Malformed("size", `the head is over ${limits.maxHead} bytes`);

  const text = latin1Text(bytes, from, behind);
  const fields = new Fields();
  let connection = "";
  let length: string | undefined;
  let coding: string | undefined;
  let keepAliveTimeout: number | undefined;
  let upgrade = "";
  for (let line = 0; line < lines; line++) {
    const mark = 4 * line;
    const value = text.slice(marks[mark + 2]! - from, marks[mark + 3]! - from);
    fields.add(text.slice(marks[mark]! - from, marks[mark + 1]! - from), value);
    switch (fields.keys[fields.size - 1]) {
      case "connection":
        connection = connection === "" ? value : `${connection}, ${value}`;
        break;
      case "content-length":
        if (length !== undefined && length !== value) throw new Malformed("syntax", "two different Content-Length");
        length = value;
        break;
      case "transfer-encoding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
      case "keep-alive":
        keepAliveTimeout = readKeepAlive(value);
        break;
      case "upgrade":
        upgrade = upgrade === "" ? value : `${upgrade}, ${value}`;
        break;
      case "proxy-connection":
      case "te":
      case "trailer":
      case "http2-settings":
      case "proxy-authenticate":
      case "proxy-authorization":
      case "proxy-authentication-info":
        break;
      default:
        continue;
    }
    fields.pop();
  }
  if (connection !== "" && connection !== "close" && connection !== "keep-alive") {
    for (const named of tokens(connection)) fields.delete(named);
  }
  const bodyLength = responseBodyLength(status, method, length, coding, minor);
  return {
    status,
    reason: text.slice(reason - from, reasonEnd - from),
    minor,
    fields,
    bodyLength,
    announcedLength: length,
    keepAlive: bodyLength !== UNTIL_CLOSE && staysOpen(connection, minor),
    keepAliveTimeout,
    upgrade,
    end: behind,
  };
}

/** RFC 9112 section 6.3 for responses. */
function responseBodyLength(
  status: number,
  method: string,
  length: string | undefined,
  coding: string | undefined,
  minor: number,
): number {
  const known = length === undefined ? undefined : readLength(length);
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) return codedLength(length, coding, minor);
  return known ?? UNTIL_CLOSE;
}

/** "HTTP/1.0" or "HTTP/1.1" at `at`: the minor version. */
function readVersion(bytes: Uint8Array, at: number): number {
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

/** A space and three digits at `at`. */
function readStatus(bytes: Uint8Array, at: number): number {
  let status = 0;
  for (let i = at + 1; i < at + 4; i++) {
    const digit = bytes[i]! - 48;
    if (!(digit >= 0 && digit <= 9)) throw new Malformed("syntax", "the status is not three digits");
    status = status * 10 + digit;
  }
  // RFC 9110 section 15: a status beyond 599 is invalid; nobody downstream could be relied on to read it alike.
  if (bytes[at] !== SP || status < 100 || status > 599)
    throw new Malformed("syntax", "the status line holds no status");
  return status;
}

/** A Content-Length: digits only, and a number that can be counted. */
function readLength(text: string): number {
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
function staysOpen(connection: string, minor: number): boolean {
  if (connection === "") return minor === 1;
  if (connection === "keep-alive") return true;
  const options = tokens(connection);
  if (options.includes("close")) return false;
  return minor === 1 || options.includes("keep-alive");
}

function readKeepAlive(value: string): number | undefined {
  const found = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(value);
  return found === null ? undefined : Number(found[1]);
}

/**
 * Reads trailer fields that begin at `from`, up to and with the empty line. Undefined: the bytes end before that.
 * @throws Malformed
 */
export function readTrailers(
  bytes: Uint8Array,
  from: number,
  maxFields: number,
): { fields: Fields; end: number } | undefined {
  const behind = scanFields(bytes, from, maxFields);
  if (behind < 0) return undefined;
  const text = latin1Text(bytes, from, behind);
  const fields = new Fields();
  for (let line = 0; line < lines; line++) {
    const mark = 4 * line;
    fields.add(
      text.slice(marks[mark]! - from, marks[mark + 1]! - from),
      text.slice(marks[mark + 2]! - from, marks[mark + 3]! - from),
    );
  }
  return { fields, end: behind };
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
