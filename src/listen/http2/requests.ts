// The requests of an HTTP/2 connection, as they come in: each opens a stream (RFC 9113 section 5.1, 8.1).
import * as faults from "../../http/http2/fault.ts";
import { StreamFault } from "../../http/http2/fault.ts";
import * as frames from "../../http/http2/frame.ts";
import { RESET } from "../../http/http2/calm.ts";
import { Incoming, type IncomingOwner, protocol } from "../../http/http2/incoming.ts";
import { RequestBlock } from "../../http/http2/request-block.ts";
import { Stream } from "./stream.ts";
import type { StreamOwner } from "./stream-owner.ts";

/** The connection, as its requests see it. */
export interface RequestsOwner extends IncomingOwner, StreamOwner {
  readonly maxStreams: number;
  /** No stream is served any more that is not open. */
  readonly refusesMore: boolean;
  firstWindow: number;
  /** A stream has been opened. */
  opened(): void;
}

/** The receiving side of a client's connection. */
export class Requests extends Incoming<Stream, RequestsOwner> {
  /** How much of the preface has come. */
  #greeted = 0;
  /** Begun by what is being read; they set out when it has been read. */
  #fresh: Stream[] = [];

  protected override feed(bytes: Uint8Array): void {
    super.feed(this.#greeted < frames.PREFACE.length ? this.#greet(bytes) : bytes);
    // What has been asked for in one reading sets out behind it: with the content that came along, or not at all.
    const fresh = this.#fresh;
    if (fresh.length === 0) return;
    this.#fresh = [];
    for (const stream of fresh) if (!stream.isOver) stream.begin();
  }

  /** What a client sends first. Returns what stands behind it. @throws ConnectionFault */
  #greet(bytes: Uint8Array): Uint8Array {
    let at = 0;
    for (; at < bytes.length && this.#greeted < frames.PREFACE.length; at++, this.#greeted++) {
      if (bytes[at] === frames.PREFACE.charCodeAt(this.#greeted)) continue;
      throw protocol("the connection does not begin as one of HTTP/2");
    }
    return bytes.subarray(at);
  }

  protected override takeBlock(id: number, bytes: Uint8Array, endStream: boolean): void {
    const isNew = id > this.lastStream;
    if (isNew && id % 2 === 0) throw protocol("a client's stream has an even number");
    const stream = isNew ? undefined : this.known(id);
    const block = new RequestBlock(this.owner.limits, !isNew);
    this.decode(bytes, block.take);
    if (isNew) return this.#open(id, block, endStream);
    if (stream === undefined) return;
    if (!endStream && !stream.isEnded)
      throw new StreamFault(id, faults.PROTOCOL_ERROR, "trailers do not end their stream");
    stream.end(block);
  }

  #open(id: number, block: RequestBlock, endStream: boolean): void {
    this.lastStream = id;
    if (this.owner.refusesMore || this.streams.size >= this.owner.maxStreams) {
      this.remember(id);
      this.owner.sender.control(frames.rstStream(id, faults.REFUSED_STREAM));
      return this.owner.calm.spend(RESET);
    }
    const stream = new Stream(id, this.owner);
    this.streams.set(id, stream);
    this.owner.opened();
    const refusal = stream.open(block, endStream);
    if (refusal === undefined) this.#fresh.push(stream);
    else stream.refuse(refusal);
  }
}
