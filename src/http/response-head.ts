// Response heads between bytes and values (RFC 9112 section 4). Pure: no socket, no clock.
import { Fields, tokens } from "./fields.ts";
import { addScanned, scanFields, scannedLines } from "./field-lines.ts";
import { latin1Text } from "./latin1.ts";
import {
  codedLength,
  CR,
  type HeadLimits,
  LF,
  Malformed,
  readLength,
  readVersion,
  SP,
  staysOpen,
  UNTIL_CLOSE,
  VALUE,
  hasNoContent,
} from "./message.ts";

/** What a response head says. Hop-by-hop and framing fields are taken out of `fields` and stand beside. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
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
  const lines = scannedLines();
  for (let line = 0; line < lines; line++) {
    const value = addScanned(fields, bytes, text, from, line);
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
  if (hasNoContent(method, status)) return 0;
  if (coding !== undefined) return codedLength(length, coding, minor);
  return known ?? UNTIL_CLOSE;
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

function readKeepAlive(value: string): number | undefined {
  const found = /(?:^|[,;\s])timeout\s*=\s*"?(\d{1,6})/i.exec(value);
  return found === null ? undefined : Number(found[1]);
}
