// Settings: what each side allows the other (RFC 9113 section 6.5, RFC 8441, RFC 9218). Pure.
import { ConnectionFault, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } from "./fault.ts";
import { MAX_FRAME, MOST, readUint32 } from "./frame.ts";

/** Bytes of the table for field blocks (identifiers, this and those below: RFC 9113 section 6.5.2). */
export const HEADER_TABLE_SIZE = 0x1;
/** Whether a server may push. */
export const ENABLE_PUSH = 0x2;
/** Streams that may be open at a time. */
export const MAX_CONCURRENT_STREAMS = 0x3;
/** The window of streams. */
export const INITIAL_WINDOW_SIZE = 0x4;
/** The longest payload. */
export const MAX_FRAME_SIZE = 0x5;
/** The largest head, in advance. */
export const MAX_HEADER_LIST_SIZE = 0x6;
/** Says that the priorities of RFC 7540 are not looked at (RFC 9218 section 2.1). */
export const NO_RFC7540_PRIORITIES = 0x9;

/** The settings of a SETTINGS frame, in order; those that are unknown are passed over. @throws ConnectionFault */
export function readSettings(payload: Uint8Array, set: (id: number, value: number) => void): void {
  if (payload.length % 6 !== 0) throw new ConnectionFault(FRAME_SIZE_ERROR, "SETTINGS is no multiple of six bytes");
  for (let at = 0; at < payload.length; at += 6) {
    const id = payload[at]! * 256 + payload[at + 1]!;
    const value = readUint32(payload, at + 2);
    if (id === ENABLE_PUSH && value > 1) throw wrong("ENABLE_PUSH");
    if (id === INITIAL_WINDOW_SIZE && value > MOST) {
      throw new ConnectionFault(FLOW_CONTROL_ERROR, "INITIAL_WINDOW_SIZE is over its bound");
    }
    if (id === MAX_FRAME_SIZE && (value < MAX_FRAME || value > 0xff_ffff)) throw wrong("MAX_FRAME_SIZE");
    set(id, value);
  }
}

function wrong(name: string): ConnectionFault {
  return new ConnectionFault(PROTOCOL_ERROR, `${name} has a value that it cannot have`);
}
