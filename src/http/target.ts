// Reads the request target: cuts path from query, refuses what no path may hold, resolves dot segments. Pure.

/** A request target, cut in two. Both parts are latin1 text: one character is one byte of the wire. */
export interface Target {
  /** Begins with "/". Raw bytes as the client sent them, but free of dot segments in any spelling. */
  readonly path: string;
  /** The query as it came, with its "?"; "" without one. A lone "?" is a query. */
  readonly query: string;
}

const SLASH = 0x2f;
const QUESTION = 0x3f;
const PERCENT = 0x25;
const DOT = 0x2e;

const PLAIN = 0;
const NOTABLE = 1;
const REFUSED = 2;
const PATH_KINDS = new Uint8Array(256);
const QUERY_KINDS = new Uint8Array(256);
for (let code = 0; code <= 0x20; code++) PATH_KINDS[code] = QUERY_KINDS[code] = REFUSED;
PATH_KINDS[0x7f] = QUERY_KINDS[0x7f] = REFUSED;
PATH_KINDS[0x23] = PATH_KINDS[0x5c] = REFUSED;
PATH_KINDS[PERCENT] = PATH_KINDS[DOT] = PATH_KINDS[QUESTION] = NOTABLE;

/**
 * Reads a target in origin form (RFC 9112 section 3.2.1). The answer is a string when the target is refused: one
 * sentence that may be shown to the client.
 *
 * The path keeps its bytes: escapes, bad escapes, bytes above 0x7f and empty segments pass unchanged (GW-01, GW-02).
 * Only dot segments are resolved (RFC 3986 section 5.2.4), `%2e` counted as a dot, so that what is matched is what is
 * forwarded (GW-05). The query passes unchanged (GW-04); it is refused only for what would break the request line.
 */
export function readTarget(target: string): Target | string {
  const length = target.length;
  if (target.charCodeAt(0) !== SLASH) return 'The request target must begin with "/".';
  let dotted = false;
  let at = 1;
  for (; at < length; at++) {
    const code = target.charCodeAt(at);
    const kind = code < 256 ? PATH_KINDS[code] : REFUSED;
    if (kind === PLAIN) continue;
    if (kind === REFUSED) return refusal("path", code);
    if (code === QUESTION) break;
    if (target.charCodeAt(at - 1) === SLASH) dotted = true;
    if (code === PERCENT && target.charCodeAt(at + 1) === 0x30 && target.charCodeAt(at + 2) === 0x30) {
      return "The path holds an encoded NUL (%00).";
    }
  }
  for (let i = at; i < length; i++) {
    const code = target.charCodeAt(i);
    // A character beyond latin1 would be cut to another byte when it is written, a line feed maybe.
    if (code > 255 || QUERY_KINDS[code] === REFUSED) return refusal("query", code);
  }
  const path = at === length ? target : target.slice(0, at);
  return { path: dotted ? resolveDots(path) : path, query: at === length ? "" : target.slice(at) };
}

function refusal(part: "path" | "query", code: number): string {
  if (code === 0x23) return `The ${part} holds a "#".`;
  if (code === 0x5c) return `The ${part} holds a backslash.`;
  if (code === 0x20) return `The ${part} holds a space.`;
  return code > 255 ? `The ${part} holds a character that is not a byte.` : `The ${part} holds a control character.`;
}

/**
 * Removes `.` and `..` segments, `%2e` counted as a dot (RFC 3986 section 5.2.4). `path` begins with "/" and so does
 * the answer. Empty segments are segments: `/a//../b` is `/a/b`. A path without dot segments comes back as it is.
 */
export function resolveDots(path: string): string {
  if (!mayHoldDots(path)) return path;
  const segments = path.split("/");
  const kept: string[] = [""];
  let found = false;
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const dots = dotsIn(segment);
    if (dots === 0) {
      kept.push(segment);
      continue;
    }
    found = true;
    if (dots === 2 && kept.length > 1) kept.pop();
    if (i === segments.length - 1) kept.push("");
  }
  return found ? kept.join("/") : path;
}

/** Whether a path holds a dot segment in any spelling. */
export function holdsDots(path: string): boolean {
  return mayHoldDots(path) && path.split("/").some((segment) => dotsIn(segment) > 0);
}

function mayHoldDots(path: string): boolean {
  return path.includes("/.") || path.includes("/%2");
}

/** 1 for a `.` segment, 2 for `..`, in any spelling with `%2e`; 0 for any other segment. */
export function dotsIn(segment: string): 0 | 1 | 2 {
  let dots = 0;
  let at = 0;
  while (at < segment.length) {
    const code = segment.charCodeAt(at);
    if (code === DOT) at += 1;
    else if (code === PERCENT && segment.charCodeAt(at + 1) === 0x32 && (segment.charCodeAt(at + 2) | 0x20) === 0x65) {
      at += 3;
    } else return 0;
    if (++dots > 2) return 0;
  }
  return dots as 0 | 1 | 2;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The text a raw segment stands for: percent-decoded once, bytes read as UTF-8. A character from 0x80 to 0xff is the
 * byte itself. A "%" that begins no escape stays. When the bytes are not UTF-8 the raw text stays as a whole.
 * For parameters and the like; what is forwarded is raw.
 */
export function decodeSegment(raw: string): string {
  if (isPlain(raw)) return raw;
  const decoded = decodeBytes(raw);
  const bytes = new Uint8Array(decoded.length);
  for (let i = 0; i < decoded.length; i++) {
    const code = decoded.charCodeAt(i);
    if (code > 255) return raw;
    bytes[i] = code;
  }
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return raw;
  }
}

/**
 * The bytes a raw segment stands for, as latin1 text: percent-decoded once. A "%" that begins no escape stays. Two
 * segments that differ in their escapes only give the same bytes, also where these are not UTF-8 (RFC 3986 section
 * 6.2.2): what matching compares.
 */
export function decodeBytes(raw: string): string {
  let percent = raw.indexOf("%");
  if (percent < 0) return raw;
  let decoded = "";
  let from = 0;
  for (; percent >= 0; percent = raw.indexOf("%", percent + 1)) {
    const byte = escapedByte(raw, percent);
    if (byte < 0) continue;
    decoded += raw.slice(from, percent) + String.fromCharCode(byte);
    from = percent + 3;
  }
  return decoded + raw.slice(from);
}

/** Whether a raw text is its own decoded form: ASCII without any "%". */
export function isPlain(raw: string): boolean {
  for (let at = 0; at < raw.length; at++) {
    const code = raw.charCodeAt(at);
    if (code === PERCENT || code > 0x7f) return false;
  }
  return true;
}

/** The byte that the escape at `at` ("%41") stands for, or -1 when two hexadecimal digits do not follow. */
export function escapedByte(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
