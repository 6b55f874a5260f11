// Frames as they come, out of bytes in any pieces. Content is handed on as it comes, all other frames whole (RFC 9113 section 4.1).
import { Accumulator } from "../accumulator.ts";
import { ConnectionFault, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from "./fault.ts";
import { DATA, END_STREAM, FRAME_HEAD, MAX_FRAME, MOST, PADDED, readUint32 } from "./frame.ts";

/** Who is told of frames. What is thrown ends the reading. */
export interface FrameEvents {
  /** A whole frame of any type but DATA. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void;
  /** A DATA frame begins. @param length of its payload, padding included: that much of the windows is used */
  dataBegins(stream: number, length: number): void;
  /** A piece of its content. */
  dataPiece(piece: Uint8Array): void;
  /** Nothing more comes of it. @param padding bytes that were no content */
  dataEnds(padding: number, endStream: boolean): void;
}

/** Reads frames. */
export class FrameReader {
  readonly #events: FrameEvents;
  /** The head of a frame, or a frame that is not DATA, as far as it has come. */
  readonly #held = new Accumulator();
  /** Set within a DATA frame: bytes of content, and of padding behind it, that are to come. */
  #data: { left: number; padding: number; readonly padded: number; readonly endStream: boolean } | undefined =
    undefined;

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  /** In the middle of a frame that is not DATA. */
  get isWaiting(): boolean {
    return this.#held.length >= FRAME_HEAD;
  }

  /** Takes what has come. @throws ConnectionFault, and what the events throw */
  feed(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) at = this.#data !== undefined ? this.#feedData(bytes, at) : this.#feedFrame(bytes, at);
  }

  /** From a frame's head on. Returns the index behind what was taken. */
  #feedFrame(bytes: Uint8Array, at: number): number {
    const held = this.#held.length;
    if (held === 0) {
      const end = this.#whole(bytes, at);
      if (end >= 0) return end;
      this.#held.append(bytes.subarray(at));
      return bytes.length;
    }
    // First the head, and then what it says is missing: nothing beyond that is copied. Of DATA it is the padding's length.
    const isData = held >= FRAME_HEAD && this.#held.bytes[3] === DATA;
    const wanted = FRAME_HEAD + (held < FRAME_HEAD ? 0 : isData ? 1 : payloadLength(this.#held.bytes, 0));
    const end = Math.min(bytes.length, at + wanted - held);
    this.#held.append(bytes.subarray(at, end));
    if (this.#whole(this.#held.bytes, 0) >= 0) this.#held.take();
    return end;
  }

  /** Tells of the frame at `at`, or of its beginning if it is DATA. Returns the index behind it, or -1 if it is not here whole. */
  #whole(bytes: Uint8Array, at: number): number {
    if (at + FRAME_HEAD > bytes.length) return -1;
    const length = payloadLength(bytes, at);
    if (length > MAX_FRAME) throw new ConnectionFault(FRAME_SIZE_ERROR, `a frame is over ${MAX_FRAME} bytes`);
    const type = bytes[at + 3]!;
    const flags = bytes[at + 4]!;
    const stream = readUint32(bytes, at + 5) & MOST;
    const from = at + FRAME_HEAD;
    if (type === DATA) return this.#beginData(bytes, from, length, flags, stream);
    if (from + length > bytes.length) return -1;
    this.#events.frame(type, flags, stream, bytes.subarray(from, from + length));
    return from + length;
  }

  #beginData(bytes: Uint8Array, from: number, length: number, flags: number, stream: number): number {
    const padded = (flags & PADDED) === 0 ? 0 : 1;
    if (padded > length)
      throw new ConnectionFault(FRAME_SIZE_ERROR, "a padded frame has no room for its padding's length");
    if (from + padded > bytes.length) return -1;
    const padding = padded === 0 ? 0 : bytes[from]!;
    if (padding > length - padded)
      throw new ConnectionFault(PROTOCOL_ERROR, "a frame's padding is longer than the frame");
    this.#events.dataBegins(stream, length);
    this.#data = {
      left: length - padded - padding,
      padding,
      padded: padded + padding,
      endStream: (flags & END_STREAM) !== 0,
    };
    this.#endData();
    return from + padded;
  }

  #feedData(bytes: Uint8Array, at: number): number {
    const data = this.#data!;
    const content = Math.min(data.left, bytes.length - at);
    data.left -= content;
    if (content > 0) this.#events.dataPiece(bytes.subarray(at, at + content));
    const padding = Math.min(data.padding, bytes.length - at - content);
    data.padding -= padding;
    this.#endData();
    return at + content + padding;
  }

  #endData(): void {
    const { left, padding, padded, endStream } = this.#data!;
    if (left > 0 || padding > 0) return;
    this.#data = undefined;
    this.#events.dataEnds(padded, endStream);
  }
}

function payloadLength(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
}

/**
 * The payload of a frame without padding and priority, which a HEADERS frame may have.
 * @throws ConnectionFault
 */
export function unpadded(payload: Uint8Array, isPadded: boolean, skipped: number): Uint8Array {
  const from = (isPadded ? 1 : 0) + skipped;
  if (from > payload.length)
    throw new ConnectionFault(FRAME_SIZE_ERROR, "a frame is too short for what it says of itself");
  const padding = isPadded ? payload[0]! : 0;
  if (padding > payload.length - from)
    throw new ConnectionFault(PROTOCOL_ERROR, "a frame's padding is longer than the frame");
  return payload.subarray(from, payload.length - padding);
}
