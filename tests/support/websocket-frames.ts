// WebSocket frames by hand (RFC 6455 section 5), for both ends of a tunnel.
import { createHash, randomBytes } from "node:crypto";
import { BytesEnded, Malformed, type ByteReader } from "./byte-reader.ts";
import type { Bytes, ByteWriter } from "./byte-writer.ts";
import { toBuffer } from "./byte-writer.ts";

/** Frame types. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame, unmasked. */
export interface Frame {
  readonly fin: boolean;
  readonly opcode: number;
  readonly masked: boolean;
  readonly payload: Buffer;
}

/** The bytes of a frame. `mask` as clients must. */
export function frame(opcode: number, payload: Bytes = "", options: { mask?: boolean; fin?: boolean } = {}): Buffer {
  const data = toBuffer(payload);
  const head = [(options.fin === false ? 0 : 0x80) | opcode];
  const maskBit = options.mask === true ? 0x80 : 0;
  if (data.length < 126) head.push(maskBit | data.length);
  else if (data.length < 65_536) head.push(maskBit | 126, data.length >> 8, data.length & 0xff);
  else {
    const long = Buffer.alloc(8);
    long.writeBigUInt64BE(BigInt(data.length));
    head.push(maskBit | 127, ...long);
  }
  if (options.mask !== true) return Buffer.concat([Buffer.from(head), data]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, xor(data, key)]);
}

/** The payload of a close frame; without a code it is empty. */
export function closePayload(code?: number, reason = ""): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason, "utf8")]);
}

/** The code and reason of a close frame's payload; `code` is null when it holds none. */
export function closeOf(payload: Buffer): { code: number | null; reason: string } {
  if (payload.length < 2) return { code: null, reason: "" };
  return { code: payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
}

/** Reads one frame; undefined when the peer has ended between two. */
export async function readFrame(reader: ByteReader): Promise<Frame | undefined> {
  let head: Buffer;
  try {
    head = await reader.exactly(2);
  } catch (failure) {
    if (failure instanceof BytesEnded && reader.unread === 0) return undefined;
    throw failure;
  }
  if ((head[0]! & 0x70) !== 0) throw new Malformed(`reserved bits in a frame: ${head.toString("hex")}`);
  const masked = (head[1]! & 0x80) !== 0;
  let length = head[1]! & 0x7f;
  if (length === 126) length = (await reader.exactly(2)).readUInt16BE(0);
  else if (length === 127) length = Number((await reader.exactly(8)).readBigUInt64BE(0));
  const key = masked ? await reader.exactly(4) : undefined;
  const payload = await reader.exactly(length);
  return {
    fin: (head[0]! & 0x80) !== 0,
    opcode: head[0]! & 0x0f,
    masked,
    payload: key === undefined ? payload : xor(payload, key),
  };
}

function xor(data: Buffer, key: Buffer): Buffer {
  const out = Buffer.allocUnsafe(data.length);
  for (let i = 0; i < data.length; i++) out[i] = data[i]! ^ key[i & 3]!;
  return out;
}

/** A request that asks for a WebSocket. `fields` are further lines, each with its CRLF. */
export function upgradeRequest(path: string, fields = "", key = randomBytes(16).toString("base64")): string {
  return (
    `GET ${path} HTTP/1.1\r\nHost: gw.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${fields}\r\n`
  );
}

/** What the server makes of the client's key (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** The head with which an origin agrees. `fields` are further lines, each with its CRLF. */
export function upgradeAnswer(key: string, fields = ""): string {
  return (
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n${fields}\r\n`
  );
}

/** One end of an established WebSocket. */
export class FrameEnd {
  readonly reader: ByteReader;
  readonly writer: ByteWriter;
  readonly #mask: boolean;

  /** Clients mask what they send. */
  constructor(end: { reader: ByteReader; writer: ByteWriter }, side: "client" | "server") {
    this.reader = end.reader;
    this.writer = end.writer;
    this.#mask = side === "client";
  }

  /** Sends a frame. */
  send(opcode: number, payload: Bytes = "", fin = true): Promise<boolean> {
    return this.writer.send(frame(opcode, payload, { mask: this.#mask, fin }));
  }

  /** Sends a close frame. */
  sendClose(code?: number, reason = ""): Promise<boolean> {
    return this.send(OPCODE.close, closePayload(code, reason));
  }

  /** The next frame; undefined when the other side has ended. Fails after `timeoutMs`. */
  async next(timeoutMs = 5000): Promise<Frame | undefined> {
    this.reader.deadline = performance.now() + timeoutMs;
    try {
      return await readFrame(this.reader);
    } finally {
      this.reader.deadline = Infinity;
    }
  }
}
