// Request heads between bytes and values (RFC 9112 section 3). Pure: no socket, no clock.
import { Fields } from "./fields.ts";
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
  table,
  TOKEN,
} from "./message.ts";

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
  /** Index behind the head. */
  readonly end: number;
}

/** 1 for the bytes a request target may hold: anything visible, high bytes included. */
const TARGET = table((c) => c > SP && c !== 127);

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
  const lines = scannedLines();
  for (let line = 0; line < lines; line++) {
    const value = addScanned(fields, bytes, text, start, line);
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
    end: behind,
  };
}

/** RFC 9112 section 6.3 for requests; anything that two readers could read differently is refused (case GW-55). */
function requestBodyLength(length: string | undefined, coding: string | undefined, minor: number): number {
  if (coding !== undefined) return codedLength(length, coding, minor);
  return length === undefined ? 0 : readLength(length);
}
