// The parts that request and response heads share: tokens, lengths, lists of Connection, where a head ends.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readTrailers } from "../../src/http/field-lines.ts";
import { findEmptyLine, isToken, Malformed, readLength, staysOpen } from "../../src/http/message.ts";
import { bytesOf, linesOf, outcomeOf } from "./wire.ts";

test("a token is made of the characters of RFC 9110 section 5.6.2, and has one at least", () => {
  for (let code = 0; code < 0x180; code++) {
    const character = String.fromCharCode(code);
    expect(isToken(`a${character}`), `U+${code.toString(16)}`).toBe(/^[\w!#$%&'*+.^`|~-]$/.test(character));
  }
  expect(isToken("")).toBe(false);
});

describe("a Content-Length", () => {
  test("reads back every number that can be counted", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(5), (length, zeros) => {
        const text = "0".repeat(Math.min(zeros, 16 - String(length).length)) + String(length);
        expect(readLength(text)).toBe(length);
      }),
    );
  });

  test("is digits and nothing else", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 6 }), (text) => {
        expect(outcomeOf(() => readLength(text))).toBe(/^\d+$/.test(text) ? Number(text) : "syntax");
      }),
      { examples: [[""], ["1e3"], ["0x1"], ["+1"], ["-0"], [" 1"], ["1 "], ["1,1"]] },
    );
  });
});

test("Connection closes when its list says so, and HTTP/1.0 unless it says keep-alive", () => {
  const option = fc.constantFrom("close", "keep-alive", "upgrade", "x", "closed", "", "Close", "KEEP-ALIVE");
  fc.assert(
    fc.property(fc.array(option, { maxLength: 4 }), fc.constantFrom(0, 1), (options, minor) => {
      const lower = options.map((one) => one.toLowerCase());
      const open = !lower.includes("close") && (minor === 1 || lower.includes("keep-alive"));
      expect(staysOpen(options.join(", "), minor)).toBe(open);
    }),
  );
});

describe("the empty line that ends a head", () => {
  const piece = fc.constantFrom("\r", "\n", "\r\n", "a", "ab");
  const anyText = fc.array(piece, { maxLength: 12, size: "max" }).map((parts) => parts.join(""));

  test("is found wherever it is, a bare LF counted", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(findEmptyLine(bytesOf(text), 0)).toBe(text.search(/\n\r?\n/));
      }),
      { numRuns: 500 },
    );
  });

  test("is found as well when the search goes on where it stopped, three bytes before what came last", () => {
    fc.assert(
      fc.property(anyText, anyText, (before, behind) => {
        const stopped = findEmptyLine(bytesOf(before), 0) < 0;
        fc.pre(stopped);
        const found = findEmptyLine(bytesOf(before + behind), before.length - 3);
        expect(found >= 0).toBe(/\n\r?\n/.test(before + behind));
      }),
      { numRuns: 500 },
    );
  });
});

test("trailers are read up to their empty line, or not at all", () => {
  const text = "A: 1\r\nb:2\r\n\r\n";
  const whole = readTrailers(bytesOf(`xx${text}rest`), 2, 5);
  expect([linesOf(whole?.fields), whole?.end]).toEqual([
    [
      ["A", "1"],
      ["b", "2"],
    ],
    2 + text.length,
  ]);
  for (let end = 0; end < text.length; end++) expect(readTrailers(bytesOf(text.slice(0, end)), 0, 5)).toBeUndefined();
  expect(readTrailers(bytesOf("\r\n"), 0, 5)).toMatchObject({ end: 2 });
  expect(outcomeOf(() => readTrailers(bytesOf(text), 0, 1))).toBe("size");
});

test("a Malformed says what is wrong and is an error of its own name", () => {
  const fault = new Malformed("syntax", "a CR stands alone");
  expect([fault instanceof Error, fault.name, fault.kind, fault.message]).toEqual([
    true,
    "Malformed",
    "syntax",
    "a CR stands alone",
  ]);
});
