// Field lines of heads and trailer sections: from bytes to Fields (RFC 9112 section 5). Pure.
import { Fields } from "./fields.ts";
import { latin1Text } from "./latin1.ts";
import { CR, HT, LF, Malformed, SP, TOKEN, VALUE } from "./message.ts";

const COLON = 58;

/** Numbers kept of a line: where its name begins, its colon, where its value begins and ends, a hash of its name. */
const MARKS = 5;
/** Of the lines being read. Reused: reading never nests. */
let marks = new Int32Array(MARKS * 256);
let lines = 0;

/** Number of field lines that the last `scanFields` found. */
export function scannedLines(): number {
  return lines;
}

/**
 * Names met before and their lower-case forms, so that a name that comes again costs no new text. A hash says where to
 * look; a name whose place is taken takes it over: strangers may send names without end.
 */
const names = Array.from({ length: 512 }, () => "");
const keys = Array.from({ length: 512 }, () => "");
const LONGEST_KEPT = 64;

/**
 * Adds a scanned line to the fields and returns its value, without the white space around it.
 * @param text the bytes from `start` on
 */
export function addScanned(fields: Fields, bytes: Uint8Array, text: string, start: number, line: number): string {
  const mark = MARKS * line;
  const name = marks[mark]!;
  const colon = marks[mark + 1]!;
  const value = text.slice(marks[mark + 2]! - start, marks[mark + 3]! - start);
  const length = colon - name;
  if (length > LONGEST_KEPT) {
    fields.add(text.slice(name - start, colon - start), value);
    return value;
  }
  const hash = marks[mark + 4]!;
  const slot = (hash ^ (hash >>> 9)) & 511;
  if (names[slot]!.length !== length || !text.startsWith(names[slot]!, name - start)) {
    // Of its own bytes: a part of `text` would keep the whole head in memory.
    names[slot] = latin1Text(bytes, name, colon);
    keys[slot] = names[slot].toLowerCase();
  }
  fields.names.push(names[slot]!);
  fields.keys.push(keys[slot]!);
  fields.values.push(value);
  return value;
}

/**
 * Scans field lines from `at` to the empty line. Returns the index behind it, or -1 when the bytes end before that.
 * Leaves the positions in `marks` and their number in `lines`.
 */
export function scanFields(bytes: Uint8Array, at: number, maxFields: number): number {
  const end = bytes.length;
  let i = at;
  lines = 0;
  for (;;) {
    if (i >= end) return -1;
    let c = bytes[i]!;
    if (c === CR) {
      if (i + 1 >= end) return -1;
      if (bytes[i + 1] !== LF) throw new Malformed("syntax", "a CR stands alone");
      return i + 2;
    }
    const name = i;
    let hash = 0;
    while (i < end && TOKEN[(c = bytes[i]!)] === 1) {
      hash = (hash * 31 + c) | 0;
      i++;
    }
    if (i >= end) return -1;
    // Space before the colon, a folded line, a bare LF and an empty name all end here (case GW-56).
    if (c !== COLON || i === name) throw new Malformed("syntax", "a field line does not begin with a name and a colon");
    const colon = i++;
    while (i < end && ((c = bytes[i]!) === SP || c === HT)) i++;
    const value = i;
    while (i < end && VALUE[(c = bytes[i]!)] === 1) i++;
    if (i >= end) return -1;
    if (c !== CR) throw new Malformed("syntax", "a field value holds a control character");
    if (i + 1 >= end) return -1;
    if (bytes[i + 1] !== LF) throw new Malformed("syntax", "a field value holds a CR");
    let last = i;
    while (last > value && (bytes[last - 1] === SP || bytes[last - 1] === HT)) last--;
    i += 2;
    if (lines >= maxFields) throw new Malformed("size", `more than ${maxFields} field lines`);
    if (MARKS * (lines + 1) > marks.length) {
      const grown = new Int32Array(marks.length * 2);
      grown.set(marks);
      marks = grown;
    }
    const mark = MARKS * lines++;
    marks[mark] = name;
    marks[mark + 1] = colon;
    marks[mark + 2] = value;
    marks[mark + 3] = last;
    marks[mark + 4] = hash;
  }
}

/**
 * Reads trailer fields that begin at `from`, up to and with the empty line. Undefined: the bytes end before that.
 * @throws Malformed
 */
export function readTrailers(
  bytes: Uint8Array,
  from: number,
  maxFields: number,
): { fields: Fields; end: number } | undefined {
  const behind = scanFields(bytes, from, maxFields);
  if (behind < 0) return undefined;
  const text = latin1Text(bytes, from, behind);
  const fields = new Fields();
  for (let line = 0; line < lines; line++) addScanned(fields, bytes, text, from, line);
  return { fields, end: behind };
}
