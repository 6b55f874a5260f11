// What is wrong with what an HTTP/2 peer sent, and how much of the connection it takes down (RFC 9113 section 5.4, 7).

/** All is well (this and those below: RFC 9113 section 7). */
export const NO_ERROR = 0x0;
/** What came is against the rules, in no way that has a code of its own. */
export const PROTOCOL_ERROR = 0x1;
/** It is not the client that failed. */
export const INTERNAL_ERROR = 0x2;
/** More was sent than a window allows, or a window went over its bound. */
export const FLOW_CONTROL_ERROR = 0x3;
/** A frame of a stream that is over. */
export const STREAM_CLOSED = 0x5;
/** A frame has a length that it cannot have. */
export const FRAME_SIZE_ERROR = 0x6;
/** Nothing was done about a request: it may be sent again. */
export const REFUSED_STREAM = 0x7;
/** Nobody wants the stream any more. */
export const CANCEL = 0x8;
/** A field block cannot be decoded, nor what follows it. */
export const COMPRESSION_ERROR = 0x9;
/** The peer asks for too much. */
export const ENHANCE_YOUR_CALM = 0xb;

/** Ends the connection: what the peer says from here on cannot be understood, or must not be. */
export class ConnectionFault extends Error {
  override readonly name = "ConnectionFault";
  /** One of the error codes. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Ends one stream and leaves the others alone. */
export class StreamFault extends Error {
  override readonly name = "StreamFault";
  readonly stream: number;
  /** One of the error codes. */
  readonly code: number;

  constructor(stream: number, code: number, message: string) {
    super(message);
    this.stream = stream;
    this.code = code;
  }
}
