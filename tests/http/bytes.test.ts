// Bytes and text without loss, and bytes that pile up: latin1, Accumulator, reason phrases.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Accumulator } from "../../src/http/accumulator.ts";
import { latin1Bytes, latin1Text, putLatin1 } from "../../src/http/latin1.ts";
import { VALUE } from "../../src/http/message.ts";
import { reasonOf } from "../../src/http/reason.ts";

const ALL = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const ALL_TEXT = String.fromCharCode(...ALL);

describe("latin1", () => {
  test("one character is one byte, for every byte, in plain arrays and in Buffers", () => {
    expect(latin1Text(ALL, 0, 256)).toBe(ALL_TEXT);
    expect(latin1Text(Buffer.from(ALL), 0, 256)).toBe(ALL_TEXT);
    expect(latin1Bytes(ALL_TEXT)).toEqual(ALL);
  });

  test("plain arrays and Buffers give the same part, also beyond what one call takes", () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7) % 256);
    fc.assert(
      fc.property(fc.nat(10_000), fc.nat(10_000), (one, other) => {
        const [from, to] = one < other ? [one, other] : [other, one];
        const text = latin1Text(bytes, from, to);
        expect(text).toBe(latin1Text(Buffer.from(bytes), from, to));
        expect(latin1Bytes(text)).toEqual(bytes.slice(from, to));
      }),
    );
  });

  test("bytes that look like UTF-8 are bytes all the same", () => {
    const runs = [
      "a",
      "ab\0",
      "\x7f",
      "\x80",
      "\xc3\xb8",
      "\xe9",
      "\xef\xbb\xbf",
      "\xef\xbf\xbd",
      "\xf0\x9f\x98\x80",
      "\xff",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...runs), { maxLength: 6 }), (parts) => {
        const text = parts.join("");
        expect(latin1Text(latin1Bytes(`<${text}>`), 1, text.length + 1)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test("text is put where told, and the rest stays", () => {
    const bytes = new Uint8Array(6);
    expect(putLatin1("a\xff", bytes, 2)).toBe(4);
    expect([...bytes]).toEqual([0, 0, 97, 255, 0, 0]);
  });
});

describe("an accumulator", () => {
  test("holds what was appended, in order, and gives it away once", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 2000, size: "max" }), { maxLength: 12 }), (pieces) => {
        const accumulator = new Accumulator();
        expect(accumulator.length).toBe(0);
        for (const piece of pieces) accumulator.append(piece);
        const whole = Buffer.concat(pieces);
        expect(accumulator.length).toBe(whole.length);
        expect(Buffer.from(accumulator.bytes)).toEqual(whole);
        const taken = accumulator.take();
        expect([accumulator.length, accumulator.bytes.length]).toEqual([0, 0]);
        accumulator.append(Uint8Array.of(1, 2, 3));
        expect(Buffer.from(taken)).toEqual(whole);
        expect([...accumulator.bytes]).toEqual([1, 2, 3]);
      }),
    );
  });

  test("does not keep the array it was given: its owner may use it again", () => {
    const accumulator = new Accumulator();
    const piece = Uint8Array.of(1, 2);
    accumulator.append(piece);
    piece.fill(9);
    expect([...accumulator.bytes]).toEqual([1, 2]);
  });
});

test("a reason phrase is text for a status line, and empty for a status without one", () => {
  expect([reasonOf(200), reasonOf(404), reasonOf(502), reasonOf(431)]).toEqual([
    "OK",
    "Not Found",
    "Bad Gateway",
    "Request Header Fields Too Large",
  ]);
  expect([reasonOf(299), reasonOf(599), reasonOf(1000)]).toEqual(["", "", ""]);
  for (let status = 100; status < 600; status++) {
    for (const character of reasonOf(status)) expect(VALUE[character.charCodeAt(0)]).toBe(1);
  }
});
