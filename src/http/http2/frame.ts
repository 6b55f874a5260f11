// Frames as they go: their heads and the short ones whole, as latin1 text (RFC 9113 section 4.1, 6). Pure.

/** Content (types of frames, this and those below: RFC 9113 section 6). */
export const DATA = 0x0;
/** A field block, or its beginning. */
export const HEADERS = 0x1;
/** Nothing, since RFC 9113. */
export const PRIORITY = 0x2;
/** Ends a stream before its time. */
export const RST_STREAM = 0x3;
/** What a peer allows. */
export const SETTINGS = 0x4;
/** A request that a server makes up. */
export const PUSH_PROMISE = 0x5;
/** Wants an answer. */
export const PING = 0x6;
/** Tells which streams are still served. */
export const GOAWAY = 0x7;
/** Opens a window. */
export const WINDOW_UPDATE = 0x8;
/** More of a field block. */
export const CONTINUATION = 0x9;

/** Flag of DATA and HEADERS: nothing follows on the stream. */
export const END_STREAM = 0x1;
/** Flag of SETTINGS and PING: an answer. */
export const ACK = 0x1;
/** Flag: the field block is whole. */
export const END_HEADERS = 0x4;
/** Flag: the payload begins with its padding's length. */
export const PADDED = 0x8;
/** Flag of HEADERS: five bytes of priority stand before the block. */
export const HAS_PRIORITY = 0x20;

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/** Bytes of a frame's head. */
export const FRAME_HEAD = 9;
/** Longest payload that may be sent to whoever has not allowed more, and that we take. */
export const MAX_FRAME = 16_384;
/** The largest number of a stream, and of a window (RFC 9113 section 5.1.1, 6.9.1). */
export const MOST = 0x7fff_ffff;
/** A window of a stream or connection until it is changed (RFC 9113 section 6.9.2). */
export const FIRST_WINDOW = 65_535;

/** The head of a frame. */
export function frameHead(length: number, type: number, flags: number, stream: number): string {
  return String.fromCharCode(
    (length >>> 16) & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
    type,
    flags,
    (stream >>> 24) & 0xff,
    (stream >>> 16) & 0xff,
    (stream >>> 8) & 0xff,
    stream & 0xff,
  );
}

/** A field block as one HEADERS frame, and CONTINUATION frames where it is longer than one. */
export function headersFrames(stream: number, block: string, endStream: boolean, maxFrame: number): string {
  const flags = endStream ? END_STREAM : 0;
  if (block.length <= maxFrame) return frameHead(block.length, HEADERS, flags | END_HEADERS, stream) + block;
  let text = frameHead(maxFrame, HEADERS, flags, stream) + block.slice(0, maxFrame);
  for (let at = maxFrame; at < block.length; at += maxFrame) {
    const part = block.slice(at, at + maxFrame);
    const isLast = at + part.length === block.length;
    text += frameHead(part.length, CONTINUATION, isLast ? END_HEADERS : 0, stream) + part;
  }
  return text;
}

/** Ends a stream before its time (RFC 9113 section 6.4). */
export function rstStream(stream: number, code: number): string {
  return frameHead(4, RST_STREAM, 0, stream) + uint32(code);
}

/** Lets the peer send so many bytes more; stream 0 is the connection (RFC 9113 section 6.9). */
export function windowUpdate(stream: number, bytes: number): string {
  return frameHead(4, WINDOW_UPDATE, 0, stream) + uint32(bytes);
}

/** Tells which streams are still served (RFC 9113 section 6.8). @param why ASCII, for whoever looks at the frames */
export function goAway(lastStream: number, code: number, why = ""): string {
  return frameHead(8 + why.length, GOAWAY, 0, 0) + uint32(lastStream) + uint32(code) + why;
}

/** @param payload 8 bytes */
export function ping(payload: string, flags: number): string {
  return frameHead(8, PING, flags, 0) + payload;
}

/** RFC 9113 section 6.5. */
export function settings(values: Iterable<readonly [id: number, value: number]>): string {
  let payload = "";
  for (const [id, value] of values) payload += String.fromCharCode(id >>> 8, id & 0xff) + uint32(value);
  return frameHead(payload.length, SETTINGS, 0, 0) + payload;
}

/** Says that the peer's settings hold. */
export const SETTINGS_ACK = frameHead(0, SETTINGS, ACK, 0);

function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);
}

/** The number of 32 bits at `at`. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! * 0x100_0000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!)) >>> 0;
}
