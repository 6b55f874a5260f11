// Message bodies between framed bytes and plain ones: sized, chunked, or until the connection ends (RFC 9112 section 6, 7).
import { Accumulator } from "./accumulator.ts";
import { readTrailers } from "./field-lines.ts";
import { type Fields, fieldKey, HOP_BY_HOP, plainName, SAID_OF_CLIENTS } from "./fields.ts";
import { CHUNKED, Malformed, UNTIL_CLOSE, findEmptyLine, CR, LF } from "./message.ts";

const SEMICOLON = 59;

/** Most bytes of one chunk's extensions; they mean nothing to us and are not passed on. */
const MAX_EXTENSION = 1024;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[\\t !#-[\\]-~\\x80-\\xff]|\\\\[\\t -~\\x80-\\xff])*"';
const EXTENSION = `;[\\t ]*${TOKEN}(?:[\\t ]*=[\\t ]*(?:${TOKEN}|${QUOTED}))?`;
/** The extensions of a chunk, from their first ";" on (RFC 9112 section 7.1.1). */
const EXTENSIONS = new RegExp(`^${EXTENSION}(?:[\\t ]*${EXTENSION})*$`);
/** Most bytes and lines of a trailer section. */
const MAX_TRAILER_BYTES = 16384;
const MAX_TRAILERS = 64;
/** Hexadecimal digits of a chunk size that can still be counted exactly. */
const MAX_SIZE_DIGITS = 13;

/**
 * Trailer fields that must not be, beside those of one hop: framing, routing and what a hop vouches for (RFC 9110
 * section 6.5.1, case GW-17).
 */
const FORBIDDEN_TRAILERS = new RegExp(
  `^(?:${[
    "content-(?:length|encoding|type|range)|host|expect|via|authorization|cookie|set-cookie",
    SAID_OF_CLIENTS,
    "client-cert.*|x-request-id",
    // Names by which upstreams are commonly told who calls, or what to call instead.
    "(?:x|remote)-(?:consumer|identity|user|group|auth|email|name|original|rewrite|http-method|method).*",
  ].join("|")})$`,
);

/** Where the reading of a chunked body stands. */
type ChunkState = "size" | "extension" | "size-lf" | "data" | "data-cr" | "data-lf" | "trailer" | "done";

/** Takes a body out of its framing. Feed it what arrives; ask `done`. */
export class BodyReader {
  /** The body is whole, its last byte has been fed. */
  done: boolean;
  /** Trailer fields, once done, if there were any that may be passed on. */
  trailers: Fields | undefined = undefined;
  /** Bytes still to come of the sized body or of the present chunk. */
  #left: number;
  #state: ChunkState;
  readonly #untilClose: boolean;
  #digits = 0;
  #extension = "";
  #trailer: Accumulator | undefined = undefined;

  /** @param length bytes of the body, CHUNKED, or UNTIL_CLOSE. */
  constructor(length: number) {
    this.#untilClose = length === UNTIL_CLOSE;
    this.#state = length === CHUNKED ? "size" : "data";
    this.#left = length === CHUNKED ? 0 : length === UNTIL_CLOSE ? Infinity : length;
    this.#chunked = length === CHUNKED;
    this.done = length === 0;
  }
  readonly #chunked: boolean;

  /** The connection has ended: whether that ends the body well. */
  endedByClose(): boolean {
    if (this.#untilClose) this.done = true;
    return this.done;
  }

  /**
   * Reads from `at`, hands every piece of content to `take` and returns the index behind what belongs to this body.
   * @throws Malformed when the chunked framing is not exactly that of RFC 9112 section 7.1 (case GW-58)
   */
  feed(bytes: Uint8Array, at: number, take: (piece: Uint8Array) => void): number {
    if (this.done) return at;
    if (this.#chunked) return this.#feedChunked(bytes, at, take);
    const end = Math.min(bytes.length, at + this.#left);
    if (end > at) take(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    this.#left -= end - at;
    this.done = this.#left === 0;
    return end;
  }

  #feedChunked(bytes: Uint8Array, from: number, take: (piece: Uint8Array) => void): number {
    let at = from;
    // Pieces of one read are joined, so that many small chunks cost one write.
    let pieces: Uint8Array[] | undefined;
    let piece: Uint8Array | undefined;
    while (at < bytes.length && !this.done) {
      if (this.#state === "data") {
        const end = Math.min(bytes.length, at + this.#left);
        if (piece !== undefined) (pieces ??= [piece]).push(bytes.subarray(at, end));
        else piece = bytes.subarray(at, end);
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = "data-cr";
      } else if (this.#state === "trailer") {
        at = this.#feedTrailer(bytes, at);
      } else {
        this.#step(bytes[at++]!);
      }
    }
    if (pieces !== undefined) take(joined(pieces));
    else if (piece !== undefined) take(piece);
    return at;
  }

  /** One byte of a size line or of the end of a chunk. */
  #step(byte: number): void {
    switch (this.#state) {
      case "size": {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          if (++this.#digits > MAX_SIZE_DIGITS) throw new Malformed("syntax", "a chunk size is too long");
          this.#left = this.#left * 16 + digit;
          return;
        }
        if (this.#digits === 0) throw new Malformed("syntax", "a chunk size holds no hexadecimal digit");
        if (byte === CR) this.#state = "size-lf";
        else if (byte === SEMICOLON) {
          this.#extension = ";";
          this.#state = "extension";
        } else throw new Malformed("syntax", "a chunk size is followed by neither CR LF nor an extension");
        return;
      }
      case "extension":
        if (byte !== CR) {
          this.#extension += String.fromCharCode(byte);
          if (this.#extension.length > MAX_EXTENSION) throw new Malformed("syntax", "a chunk extension is too long");
          return;
        }
        if (!EXTENSIONS.test(this.#extension)) throw new Malformed("syntax", "a chunk extension is malformed");
        this.#state = "size-lf";
        return;
      case "size-lf":
        if (byte !== LF) throw new Malformed("syntax", "a chunk size does not end with CR LF");
        this.#digits = 0;
        this.#state = this.#left === 0 ? "trailer" : "data";
        return;
      case "data-cr":
        if (byte !== CR) throw new Malformed("syntax", "a chunk is longer than its size");
        this.#state = "data-lf";
        return;
      case "data-lf":
        if (byte !== LF) throw new Malformed("syntax", "a chunk does not end with CR LF");
        this.#state = "size";
        return;
    }
  }

  #feedTrailer(bytes: Uint8Array, at: number): number {
    const held = this.#trailer?.length ?? 0;
    if (held === 0 && bytes[at] === CR && bytes[at + 1] === LF) {
      this.done = true;
      return at + 2;
    }
    const trailer = (this.#trailer ??= new Accumulator());
    trailer.append(bytes.subarray(at, Math.min(bytes.length, at + MAX_TRAILER_BYTES + 1 - held)));
    // The section ends with an empty line; when it is nothing else, that line stands at its very beginning.
    const whole = trailer.bytes[0] === CR || findEmptyLine(trailer.bytes, held - 3) >= 0;
    const read = whole ? readTrailers(trailer.bytes, 0, MAX_TRAILERS) : undefined;
    if (read === undefined) {
      if (trailer.length > MAX_TRAILER_BYTES) throw new Malformed("size", "the trailer section is too large");
      return bytes.length;
    }
    for (const key of new Set(read.fields.keys)) if (isForbiddenTrailer(key)) read.fields.delete(key);
    if (read.fields.size > 0) this.trailers = read.fields;
    this.#trailer = undefined;
    this.done = true;
    return at + read.end - held;
  }
}

/** Whether a trailer of this name is dropped, in whatever spelling: some servers read `_` and `.` as `-`. */
export function isForbiddenTrailer(key: string): boolean {
  const plain = plainName(key);
  return HOP_BY_HOP.has(plain) || FORBIDDEN_TRAILERS.test(plain);
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Several runs of bytes as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A piece of content as one chunk: size, CR LF, bytes, CR LF. */
export function chunkOf(piece: Uint8Array): Uint8Array {
  const size = piece.length.toString(16);
  const chunk = new Uint8Array(size.length + piece.length + 4);
  for (let i = 0; i < size.length; i++) chunk[i] = size.charCodeAt(i);
  chunk[size.length] = CR;
  chunk[size.length + 1] = LF;
  chunk.set(piece, size.length + 2);
  chunk[chunk.length - 2] = CR;
  chunk[chunk.length - 1] = LF;
  return chunk;
}

/** The last chunk and the trailer section, as text. `passes` may leave trailers out, by their lower-case names. */
export function lastChunk(trailers: Fields | undefined, passes: (key: string) => boolean = () => true): string {
  let text = "0\r\n";
  for (const [name, value] of trailers ?? []) if (passes(fieldKey(name))) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
