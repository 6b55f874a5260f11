// A target in the fake world that speaks HTTP/2: what came is read anew each time, what goes is written by hand.
import { HpackDecoder } from "../../src/http/http2/hpack-decoder.ts";
import { latin1Bytes } from "../../src/http/latin1.ts";
import type { FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { ACK, END_HEADERS, END_STREAM, type Frame, PREFACE, block, data, frame, readFrames } from "./http2-frames.ts";

/** A request as it has come so far. */
export interface StreamRequest {
  fields: string[];
  body: string;
  trailers: string[] | undefined;
  complete: boolean;
  /** Code of a RST_STREAM. */
  reset: number | undefined;
}

/** One connection of the gateway to a target. */
export class Http2TargetPeer {
  readonly connection: FakeTargetConnection;

  constructor(connection: FakeTargetConnection) {
    this.connection = connection;
  }

  get frames(): Frame[] {
    const { received } = this.connection;
    if (!received.startsWith(PREFACE)) throw new Error(`no preface: ${JSON.stringify(received.slice(0, 40))}`);
    return readFrames(received.slice(PREFACE.length));
  }

  /** Requests by their streams. An error when the gateway breaks a rule that every target holds it to. */
  get requests(): Map<number, StreamRequest> {
    const found = new Map<number, StreamRequest>();
    const decoder = new HpackDecoder();
    let last = 0;
    let open = "";
    for (const { type, flags, stream, payload } of this.frames) {
      const request = found.get(stream);
      if (type === "HEADERS" || type === "CONTINUATION") {
        open += payload;
        if ((flags & END_HEADERS) === 0) continue;
        const fields: string[] = [];
        decoder.decode(latin1Bytes(open), ({ name, value }) => fields.push(`${name}: ${value}`));
        open = "";
        if (request !== undefined) request.trailers = fields;
        else {
          if (stream <= last || stream % 2 === 0) throw new Error(`stream ${stream} behind ${last}`);
          last = stream;
          found.set(stream, { fields, body: "", trailers: undefined, complete: false, reset: undefined });
        }
        found.get(stream)!.complete = (flags & END_STREAM) !== 0;
      } else if (type === "DATA") {
        if (request === undefined || request.complete || request.reset !== undefined)
          throw new Error(`DATA of no stream: ${stream}`);
        request.body += payload;
        request.complete = (flags & END_STREAM) !== 0;
      } else if (type === "RST_STREAM" && request !== undefined) request.reset = payload.charCodeAt(3);
    }
    return found;
  }

  request(stream = 1): StreamRequest {
    const request = this.requests.get(stream);
    if (request === undefined)
      throw new Error(`no stream ${stream}: ${JSON.stringify(this.frames.map(({ type }) => type))}`);
    return request;
  }

  send(...frames: readonly string[]): void {
    this.connection.send(frames.join(""));
  }

  /** Says what a server says first. */
  greet(...values: readonly (readonly [id: number, value: number])[]): void {
    const payload = values.map(([id, value]) =>
      String.fromCharCode(
        id >> 8,
        id & 255,
        (value >>> 24) & 255,
        (value >>> 16) & 255,
        (value >>> 8) & 255,
        value & 255,
      ),
    );
    this.send(frame("SETTINGS", 0, 0, payload.join("")), frame("SETTINGS", ACK, 0));
  }

  head(stream: number, status: number, fields: readonly (readonly [string, string])[] = [], end = false): void {
    this.send(
      frame("HEADERS", END_HEADERS | (end ? END_STREAM : 0), stream, block([[":status", String(status)], ...fields])),
    );
  }

  /** Answers whole. */
  answer(stream: number, status: number, content = "", fields: readonly (readonly [string, string])[] = []): void {
    this.send(
      frame(
        "HEADERS",
        END_HEADERS,
        stream,
        block([[":status", String(status)], ["content-length", String(content.length)], ...fields]),
      ) + data(stream, content, true),
    );
  }

  trailers(stream: number, fields: readonly (readonly [string, string])[]): void {
    this.send(frame("HEADERS", END_HEADERS | END_STREAM, stream, block(fields)));
  }
}
