// Latin1 text and bytes: one character is one byte of the wire, nothing is lost either way.

/** What Buffers of Bun and Node add to a Uint8Array, and plain arrays lack. */
interface NativeLatin1 {
  latin1Slice?(from: number, to: number): string;
}

const utf8 = new TextDecoder();

/** Bytes `from` (inclusive) to `to` (exclusive) as text. */
export function latin1Text(bytes: Uint8Array, from: number, to: number): string {
  const native = (bytes as NativeLatin1).latin1Slice;
  if (native !== undefined) return native.call(bytes, from, to);
  // ASCII is the same in UTF-8, which runtimes decode fastest. Any other byte makes the text shorter or leaves U+FFFD.
  const ascii = utf8.decode(bytes.subarray(from, to));
  if (ascii.length === to - from && !ascii.includes("\ufffd")) return ascii;
  // Piecewise, because a call takes only so many arguments.
  let text = "";
  for (let at = from; at < to; at += 4096) {
    const piece: ArrayLike<number> = bytes.subarray(at, Math.min(at + 4096, to));
    text += String.fromCharCode.apply(undefined, piece as number[]);
  }
  return text;
}

/** Writes text at `at` and returns the index behind it. Characters above U+00FF lose their high bits. */
export function putLatin1(text: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Text as bytes. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  putLatin1(text, bytes, 0);
  return bytes;
}

const encoder = new TextEncoder();

/** The UTF-8 bytes of a text as latin1 text: as it stands on the wire. ASCII comes back as it is. */
export function wireText(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  const bytes = encoder.encode(text);
  return latin1Text(bytes, 0, bytes.length);
}
