// What comes in on an HTTP/2 connection: frames, told to the streams they are of (RFC 9113 section 5, 6). For both sides.
import { GatewayError } from "../../errors.ts";
import { Accumulator } from "../accumulator.ts";
import { latin1Text } from "../latin1.ts";
import type { HeadLimits } from "../message.ts";
import { CONTENT, type Calm, RESET, SETTINGS_COST, SMALL } from "./calm.ts";
import * as faults from "./fault.ts";
import { ConnectionFault, StreamFault } from "./fault.ts";
import * as frames from "./frame.ts";
import { type FrameEvents, FrameReader, unpadded } from "./frame-reader.ts";
import { HpackDecoder } from "./hpack-decoder.ts";
import type { BlockField } from "./hpack-table.ts";
import type { Sender } from "./sender.ts";
import * as settings from "./settings.ts";

/** Bytes of content of all streams that are held for readers, before the peer must wait. */
export const WINDOW = 1024 * 1024;
/** The connection's window is opened again by so much at least. */
const WINDOW_STEP = WINDOW / 4;
/** Streams that were ended before their time, and of which something may still be on its way. */
const ENDED_KEPT = 256;

/** A stream, as frames come for it. What is thrown are StreamFaults. */
export interface IncomingStream {
  /** Nothing comes of it or goes. */
  readonly isOver: boolean;
  /** The peer has sent all of its message. */
  readonly isEnded: boolean;
  /** A DATA frame begins, of so many bytes in all. */
  dataBegins(length: number): void;
  data(piece: Uint8Array): void;
  /** Bytes of DATA that were no content. */
  taken(bytes: number): void;
  /** Nothing follows of the message. */
  end(): void;
  /** The peer takes more. */
  widen(bytes: number): void;
  /** The peer has ended it before its time. */
  takenBack(code: number): void;
  /** A fault of the peer's ends it: the peer is told. */
  reset(code: number, error: GatewayError): void;
}

/** The connection, as its incoming side sees it. */
export interface IncomingOwner {
  readonly sender: Sender;
  readonly limits: HeadLimits;
  readonly calm: Calm;
  /** Window of streams that the peer has set. */
  firstWindow: number;
  /** The peer is about to leave. @param last the last stream of ours that it serves */
  peerLeaves(last: number): void;
}

/** The receiving side of a connection. */
export abstract class Incoming<
  S extends IncomingStream,
  O extends IncomingOwner = IncomingOwner,
> implements FrameEvents {
  /** Those that are open. */
  readonly streams = new Map<number, S>();
  /** The last that has been opened. */
  lastStream = 0;
  protected readonly owner: O;
  readonly #reader = new FrameReader(this);
  readonly #hpack = new HpackDecoder();
  readonly #ended = new Set<number>();
  #hasSettings = false;
  /** A block whose CONTINUATION frames are to come. */
  #block: { readonly stream: number; readonly endStream: boolean; readonly bytes: Accumulator } | undefined = undefined;
  /** Whose DATA frame is being read; undefined: nobody's. */
  #dataOf: S | undefined = undefined;
  #dataSize = 0;
  #mayReceive = WINDOW;
  #taken = 0;

  constructor(owner: O) {
    this.owner = owner;
  }

  /** A field block has come whole. It must be decoded. @throws ConnectionFault or StreamFault */
  protected abstract takeBlock(stream: number, block: Uint8Array, endStream: boolean): void;

  /** In the middle of a field block, or of a frame that is not DATA. */
  get isWaiting(): boolean {
    return this.#block !== undefined || this.#reader.isWaiting;
  }

  /** Whether the client may send content of any stream. */
  get mayReceive(): boolean {
    return this.#mayReceive > 0;
  }

  /** Takes what has come; what is said to it waits for `uncork`. @returns why nothing can follow, if that is so */
  receive(bytes: Uint8Array): ConnectionFault | undefined {
    const { sender } = this.owner;
    sender.cork();
    try {
      this.feed(bytes);
      sender.boundBehind();
      return undefined;
    } catch (fault) {
      if (!(fault instanceof ConnectionFault)) throw fault;
      return fault;
    }
  }

  /** @throws ConnectionFault */
  protected feed(bytes: Uint8Array): void {
    this.#reader.feed(bytes);
  }

  /** So many bytes of content are no longer held: the client may send as many. */
  taken(bytes: number): void {
    this.#taken += bytes;
    if (this.#taken < WINDOW_STEP) return;
    this.#mayReceive += this.#taken;
    this.owner.sender.control(frames.windowUpdate(0, this.#taken));
    this.#taken = 0;
  }

  /** The stream has ended before its time: what is still on its way is no fault. */
  remember(id: number): void {
    this.#ended.add(id);
    if (this.#ended.size <= ENDED_KEPT) return;
    for (const oldest of this.#ended) {
      this.#ended.delete(oldest);
      return;
    }
  }

  // FrameEvents

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    if (!this.#hasSettings && (type !== frames.SETTINGS || (flags & frames.ACK) !== 0)) {
      throw protocol("the first frame is not SETTINGS");
    }
    this.#hasSettings = true;
    if (this.#block !== undefined && (type !== frames.CONTINUATION || stream !== this.#block.stream)) {
      throw protocol("another frame stands inside a field block");
    }
    try {
      this.#frame(type, flags, stream, payload);
    } catch (fault) {
      this.#endStream(fault);
    }
  }

  dataBegins(id: number, length: number): void {
    if (!this.#hasSettings) throw protocol("the first frame is not SETTINGS");
    if (this.#block !== undefined) throw protocol("another frame stands inside a field block");
    this.#mayReceive -= length;
    if (this.#mayReceive < 0) {
      throw new ConnectionFault(faults.FLOW_CONTROL_ERROR, "more content than the connection's window allows");
    }
    this.#dataSize = length;
    this.#dataOf = this.known(id);
    try {
      this.#dataOf?.dataBegins(length);
    } catch (fault) {
      this.#endStream(fault);
    }
  }

  dataPiece(piece: Uint8Array): void {
    const stream = this.#dataOf;
    if (stream === undefined || stream.isOver) return this.taken(piece.length);
    try {
      stream.data(piece);
    } catch (fault) {
      this.#endStream(fault);
    }
  }

  dataEnds(padding: number, endStream: boolean): void {
    const stream = this.#dataOf;
    this.#dataOf = undefined;
    if (this.#dataSize > padding) this.owner.calm.earn(CONTENT);
    else if (!endStream) this.owner.calm.spend(SMALL);
    if (stream === undefined || stream.isOver) return this.taken(padding);
    if (padding > 0) stream.taken(padding);
    try {
      if (endStream) stream.end();
    } catch (fault) {
      this.#endStream(fault);
    }
  }

  #frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    switch (type) {
      case frames.HEADERS: {
        if (stream === 0) throw protocol("HEADERS of no stream");
        const skipped = (flags & frames.HAS_PRIORITY) === 0 ? 0 : 5;
        const part = unpadded(payload, (flags & frames.PADDED) !== 0, skipped);
        const endStream = (flags & frames.END_STREAM) !== 0;
        if ((flags & frames.END_HEADERS) !== 0) return this.takeBlock(stream, part, endStream);
        this.#block = { stream, endStream, bytes: new Accumulator() };
        return this.#continue(part, false);
      }
      case frames.CONTINUATION:
        if (this.#block === undefined) throw protocol("CONTINUATION of no field block");
        this.owner.calm.spend(SMALL);
        return this.#continue(payload, (flags & frames.END_HEADERS) !== 0);
      case frames.RST_STREAM:
        return this.#takeReset(stream, payload);
      case frames.SETTINGS:
        return this.#takeSettings(flags, stream, payload);
      case frames.PING:
        if (stream !== 0) throw protocol("PING of a stream");
        this.#wantSize(payload, 8);
        this.owner.calm.spend(SMALL);
        if ((flags & frames.ACK) === 0) this.owner.sender.control(frames.ping(latin1Text(payload, 0, 8), frames.ACK));
        return;
      case frames.GOAWAY:
        if (stream !== 0) throw protocol("GOAWAY of a stream");
        if (payload.length < 8) this.#wantSize(payload, 8);
        this.owner.calm.spend(SMALL);
        return this.owner.peerLeaves(frames.readUint32(payload, 0) & frames.MOST);
      case frames.WINDOW_UPDATE:
        return this.#takeWindow(stream, payload);
      case frames.PUSH_PROMISE:
        throw protocol("nobody may push");
      case frames.PRIORITY:
        if (stream === 0) throw protocol("PRIORITY of no stream");
        this.#wantSize(payload, 5);
        return this.owner.calm.spend(SMALL);
      default:
        this.owner.calm.spend(SMALL);
    }
  }

  // Field blocks

  #continue(part: Uint8Array, isLast: boolean): void {
    const { stream, endStream, bytes } = this.#block!;
    // Huffman makes a block longer at times, never by as much as that.
    if (bytes.length + part.length > 2 * this.owner.limits.maxHead) {
      throw new ConnectionFault(faults.ENHANCE_YOUR_CALM, "a field block is too large");
    }
    bytes.append(part);
    if (!isLast) return;
    this.#block = undefined;
    this.takeBlock(stream, bytes.take(), endStream);
  }

  /** Decodes a block. Whatever becomes of it: what follows is said in its terms. */
  protected decode(block: Uint8Array, take: (field: BlockField) => void): void {
    this.#hpack.decode(block, take);
  }

  // Frames about streams and the connection

  /** A stream that is open; undefined for one that was ended before its time. @throws ConnectionFault for any other */
  protected known(id: number): S | undefined {
    if (id === 0 || id > this.lastStream) throw protocol("a frame of a stream that was never opened");
    const stream = this.streams.get(id);
    if (stream === undefined && !this.#ended.has(id)) {
      throw new ConnectionFault(faults.STREAM_CLOSED, "a frame behind the end of its stream");
    }
    return stream;
  }

  #takeReset(id: number, payload: Uint8Array): void {
    this.#wantSize(payload, 4);
    if (id === 0 || id > this.lastStream) throw protocol("RST_STREAM of a stream that was never opened");
    const stream = this.streams.get(id);
    if (stream === undefined) return this.owner.calm.spend(SMALL);
    this.streams.delete(id);
    this.remember(id);
    stream.takenBack(frames.readUint32(payload, 0));
    this.owner.calm.spend(RESET);
  }

  #takeWindow(id: number, payload: Uint8Array): void {
    this.#wantSize(payload, 4);
    this.owner.calm.spend(SMALL);
    const bytes = frames.readUint32(payload, 0) & frames.MOST;
    if (id > this.lastStream) throw protocol("WINDOW_UPDATE of a stream that was never opened");
    if (bytes === 0 && (id === 0 || !this.streams.has(id))) throw protocol("a window is opened by nothing");
    if (id === 0) return this.owner.sender.widen(bytes);
    if (bytes === 0) throw new StreamFault(id, faults.PROTOCOL_ERROR, "a window is opened by nothing");
    this.streams.get(id)?.widen(bytes);
  }

  #takeSettings(flags: number, stream: number, payload: Uint8Array): void {
    if (stream !== 0) throw protocol("SETTINGS of a stream");
    this.owner.calm.spend(SETTINGS_COST);
    if ((flags & frames.ACK) !== 0) return this.#wantSize(payload, 0);
    settings.readSettings(payload, (id, value) => {
      if (id === settings.HEADER_TABLE_SIZE) this.owner.sender.hpack.allow(value);
      else if (id === settings.MAX_FRAME_SIZE) this.owner.sender.maxFrame = value;
      else if (id === settings.INITIAL_WINDOW_SIZE) this.#resize(value);
      else this.setting(id, value);
    });
    this.owner.sender.control(frames.SETTINGS_ACK);
  }

  /** Another setting of the peer's. */
  protected setting(_id: number, _value: number): void {}

  /** RFC 9113 section 6.9.2: what has been sent stays counted. */
  #resize(window: number): void {
    const more = window - this.owner.firstWindow;
    this.owner.firstWindow = window;
    try {
      for (const stream of this.streams.values()) stream.widen(more);
    } catch (fault) {
      if (!(fault instanceof StreamFault)) throw fault;
      throw new ConnectionFault(faults.FLOW_CONTROL_ERROR, fault.message);
    }
  }

  /** A fault of one stream ends that one. @throws what is none */
  #endStream(fault: unknown): void {
    if (!(fault instanceof StreamFault)) throw fault;
    const error = new GatewayError("http_request_error", fault.message);
    const stream = this.streams.get(fault.stream);
    if (stream === undefined) {
      this.remember(fault.stream);
      this.owner.sender.control(frames.rstStream(fault.stream, fault.code));
    } else stream.reset(fault.code, error);
    // Streams that end by faults cost as much as those that the peer takes back (CVE-2025-8671).
    this.owner.calm.spend(RESET);
  }

  #wantSize(payload: Uint8Array, size: number): void {
    if (payload.length === size) return;
    throw new ConnectionFault(faults.FRAME_SIZE_ERROR, "a frame is not as long as its type wants it");
  }
}

/** A fault that ends the connection. */
export function protocol(message: string): ConnectionFault {
  return new ConnectionFault(faults.PROTOCOL_ERROR, message);
}
