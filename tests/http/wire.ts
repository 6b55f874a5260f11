// Messages as bytes, for the tests of the parsers: text to bytes, bytes in pieces, and what a reading came to.
import { BodyReader } from "../../src/http/framing.ts";
import type { Fields } from "../../src/http/fields.ts";
import { type HeadLimits, Malformed } from "../../src/http/message.ts";

/** What the gateway allows unless the config says otherwise, near enough. */
export const LIMITS: HeadLimits = { maxTarget: 8192, maxHead: 32768, maxFields: 100 };

/** Latin1 text as bytes of a plain array, as Deno gives them. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes as latin1 text. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The lines of fields as pairs. */
export function linesOf(fields: Fields | undefined): [name: string, value: string][] | undefined {
  return fields === undefined ? undefined : [...fields];
}

/** Bytes cut where told; a cut is a share of the whole, from 0 to 1. */
export function cutAt(bytes: Uint8Array, shares: readonly number[]): Uint8Array[] {
  const cuts = [...new Set(shares.map((share) => Math.round(share * bytes.length)))].toSorted((a, b) => a - b);
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    pieces.push(bytes.subarray(from, cut));
    from = cut;
  }
  return pieces;
}

/** What a reading returns, or the kind of its refusal. Anything but Malformed goes on up. */
export function outcomeOf<T>(read: () => T): T | Malformed["kind"] {
  try {
    return read();
  } catch (fault) {
    if (fault instanceof Malformed) return fault.kind;
    throw fault;
  }
}

/** A body as it was read. */
export interface BodyReading {
  /** The content, as latin1 text. */
  readonly content: string;
  /** Bytes that belong to the body. */
  readonly end: number;
  readonly done: boolean;
  readonly trailers: [name: string, value: string][] | undefined;
}

/** Reads a body of this length from pieces, one after another. @throws Malformed */
export function readBody(length: number, pieces: readonly Uint8Array[]): BodyReading {
  const reader = new BodyReader(length);
  let content = "";
  let end = 0;
  for (const piece of pieces) {
    const behind = reader.feed(piece, 0, (bytes) => (content += textOf(bytes)));
    end += behind;
    if (behind < piece.length) break;
  }
  return { content, end, done: reader.done, trailers: linesOf(reader.trailers) };
}
