// DER (X.690), as far as certificate requests are written and certificates read here: lengths up to 64 KiB, short tags.

/** Tags of the ASN.1 types that are used here (X.690 section 8.1.2). */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/** A value with its tag and length. The content is what `parts` are, one behind the other. */
export function encode(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  const bytes = new Uint8Array(1 + head.length + length);
  bytes.set([tag, ...head]);
  let at = 1 + head.length;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An object identifier: "1.2.840.10045.4.3.2". */
export function oid(dotted: string): Uint8Array {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const bytes = [first! * 40 + second!];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return encode(TAG.oid, Uint8Array.from(bytes));
}

/** A whole number that is not negative, from its bytes, the highest first. */
export function unsigned(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const rest = bytes.subarray(from);
  return rest[0]! >= 0x80 ? encode(TAG.integer, Uint8Array.of(0), rest) : encode(TAG.integer, rest);
}

/** A DER value: its tag and its content. */
export interface Value {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The values that stand one behind the other. @throws RangeError for what is no DER, or too much of it */
export function decode(bytes: Uint8Array): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1];
    if (first === undefined || (tag & 0x1f) === 0x1f) throw new RangeError("no DER");
    const more = first < 0x80 ? 0 : first & 0x7f;
    if (more > 3 || first === 0x80) throw new RangeError("no DER");
    let length = first < 0x80 ? first : 0;
    for (const byte of bytes.subarray(at + 2, at + 2 + more)) length = length * 256 + byte;
    const from = at + 2 + more;
    if (from + length > bytes.length) throw new RangeError("no DER");
    values.push({ tag, content: bytes.subarray(from, from + length) });
    at = from + length;
  }
  return values;
}
