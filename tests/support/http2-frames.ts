// Frames of HTTP/2 as text, written by hand, and what a client makes of those it gets. Only HPACK is the gateway's own.
import { HpackDecoder } from "../../src/http/http2/hpack-decoder.ts";
import { latin1Bytes } from "../../src/http/latin1.ts";

export const TYPES = [
  "DATA",
  "HEADERS",
  "PRIORITY",
  "RST_STREAM",
  "SETTINGS",
  "PUSH_PROMISE",
  "PING",
  "GOAWAY",
  "WINDOW_UPDATE",
  "CONTINUATION",
] as const;
export type FrameType = (typeof TYPES)[number];

export const END_STREAM = 1;
export const ACK = 1;
export const END_HEADERS = 4;
export const PADDED = 8;
export const PRIORITIZED = 32;

/** A frame that came. */
export interface Frame {
  readonly type: FrameType | number;
  readonly flags: number;
  readonly stream: number;
  /** latin1 */
  readonly payload: string;
}

/** One answer, as far as it has come. */
export interface StreamAnswer {
  readonly interim: number[];
  status: number | undefined;
  fields: string[];
  body: string;
  trailers: string[] | undefined;
  /** END_STREAM has come. */
  complete: boolean;
  /** Code of a RST_STREAM. */
  reset: number | undefined;
}

/** What the gateway has said of a connection. */
export interface Said {
  readonly frames: readonly Frame[];
  readonly answers: ReadonlyMap<number, StreamAnswer>;
  readonly goAways: readonly { readonly last: number; readonly code: number; readonly why: string }[];
}

export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

export function u32(value: number): string {
  return String.fromCharCode((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/** A frame. @param length another one than the payload has */
export function frame(
  type: FrameType | number,
  flags: number,
  stream: number,
  payload = "",
  length = payload.length,
): string {
  const number = typeof type === "number" ? type : TYPES.indexOf(type);
  return u32(length).slice(1) + String.fromCharCode(number, flags) + u32(stream) + payload;
}

export function settings(...values: readonly (readonly [id: number, value: number])[]): string {
  return frame("SETTINGS", 0, 0, values.map(([id, value]) => u32(id).slice(2) + u32(value)).join(""));
}

export function windowUpdate(stream: number, bytes: number): string {
  return frame("WINDOW_UPDATE", 0, stream, u32(bytes));
}

export function rst(stream: number, code = 8): string {
  return frame("RST_STREAM", 0, stream, u32(code));
}

export function data(stream: number, content: string, end = false): string {
  return frame("DATA", end ? END_STREAM : 0, stream, content);
}

type Lines = readonly (readonly [name: string, value: string])[];

/** Fields as literals that go into no table. */
export function block(lines: Lines): string {
  return lines.map(([name, value]) => `\0${text(name)}${text(value)}`).join("");
}

function text(value: string): string {
  let length = "";
  if (value.length < 127) length = String.fromCharCode(value.length);
  else {
    length = "\x7f";
    let left = value.length - 127;
    for (; left >= 128; left >>= 7) length += String.fromCharCode((left & 127) | 128);
    length += String.fromCharCode(left);
  }
  return length + value;
}

/** The pseudo-fields of a request, and fields behind them. */
export function lines(method: string, path: string, more: Lines = []): Lines {
  return [[":method", method], [":scheme", "https"], [":authority", "gw.test"], [":path", path], ...more];
}

/** A HEADERS frame of a whole head. */
export function headers(stream: number, fields: Lines, end = true): string {
  return frame("HEADERS", END_HEADERS | (end ? END_STREAM : 0), stream, block(fields));
}

/** A request without content. */
export function get(stream: number, path = "/", more: Lines = []): string {
  return headers(stream, lines("GET", path, more));
}

/** Reads frames; half a frame at the end is left out. */
export function readFrames(received: string): Frame[] {
  const found: Frame[] = [];
  for (let at = 0; at + 9 <= received.length;) {
    const code = (i: number): number => received.charCodeAt(at + i);
    const length = (code(0) << 16) | (code(1) << 8) | code(2);
    if (at + 9 + length > received.length) break;
    const stream = ((code(5) << 24) | (code(6) << 16) | (code(7) << 8) | code(8)) >>> 0;
    found.push({
      type: TYPES[code(3)] ?? code(3),
      flags: code(4),
      stream,
      payload: received.slice(at + 9, at + 9 + length),
    });
    at += 9 + length;
  }
  return found;
}

/** Reads all that the gateway has sent. An error when it breaks a rule that every client holds it to. */
export function readSaid(received: string): Said {
  const frames = readFrames(received);
  const answers = new Map<number, StreamAnswer>();
  const goAways: { last: number; code: number; why: string }[] = [];
  const decoder = new HpackDecoder();
  let open: { stream: number; end: boolean; block: string } | undefined;
  if (frames[0] !== undefined && frames[0].type !== "SETTINGS") throw new Error("the first frame is not SETTINGS");
  for (const { type, flags, stream, payload } of frames) {
    if (open !== undefined && type !== "CONTINUATION") throw new Error("a frame inside a block");
    const answer = stream === 0 ? undefined : (answers.get(stream) ?? fresh());
    if (answer !== undefined) answers.set(stream, answer);
    if (
      answer !== undefined &&
      type !== "WINDOW_UPDATE" &&
      type !== "RST_STREAM" &&
      (answer.complete || answer.reset !== undefined)
    ) {
      throw new Error(`${type} behind the end of stream ${stream}`);
    }
    if (type === "HEADERS") open = { stream, end: (flags & END_STREAM) !== 0, block: payload };
    else if (type === "CONTINUATION") open!.block += payload;
    if (open !== undefined && (flags & END_HEADERS) !== 0) {
      const fields: string[] = [];
      decoder.decode(latin1Bytes(open.block), ({ name, value }) => fields.push(`${name}: ${value}`));
      takeBlock(answer!, fields, open.end);
      open = undefined;
    }
    if (type === "DATA") {
      answer!.body += payload;
      answer!.complete = (flags & END_STREAM) !== 0;
    } else if (type === "RST_STREAM") answer!.reset = number(payload, 0);
    else if (type === "GOAWAY")
      goAways.push({ last: number(payload, 0), code: number(payload, 4), why: payload.slice(8) });
  }
  return { frames, answers, goAways };
}

function takeBlock(answer: StreamAnswer, fields: string[], end: boolean): void {
  const status = Number(/^:status: (\d+)$/.exec(fields[0] ?? "")?.[1] ?? Number.NaN);
  if (status < 200) answer.interim.push(status);
  else if (answer.status === undefined) {
    answer.status = status;
    answer.fields = fields.slice(1);
  } else answer.trailers = fields;
  answer.complete = end;
}

function fresh(): StreamAnswer {
  return {
    interim: [],
    status: undefined,
    fields: [],
    body: "",
    trailers: undefined,
    complete: false,
    reset: undefined,
  };
}

function number(payload: string, at: number): number {
  return [0, 1, 2, 3].reduce((sum, i) => sum * 256 + payload.charCodeAt(at + i), 0);
}
