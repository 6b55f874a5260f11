// Parts of spans, written by hand: whatever a client sends, a collector reads what was meant.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { attributeList, inString, lists, moments, numbers, texts, wholes } from "../../../src/record/otlp/span.ts";

const anyText = fc.string({ unit: "binary", maxLength: 40 });
const halves = fc.constantFrom("\ud83d", "a\udca9b", '\u0000"\\\n', "\u2028", "ÿ");

describe("attributes", () => {
  test("any text comes through, well-formed", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, halves), (text) => {
        const written = attributeList(texts("a")(text));
        expect(JSON.parse(written)).toEqual([{ key: "a", value: { stringValue: text.toWellFormed() } }]);
      }),
    );
  });

  test("of a long text the beginning is kept, and an ellipsis says so; half a character is none", () => {
    expect(JSON.parse(`"${inString("abcdef", 3)}"`)).toBe("abc…");
    expect(JSON.parse(`"${inString("ab💩", 3)}"`)).toBe("ab\ufffd…");
    expect(JSON.parse(`"${inString("abc", 3)}"`)).toBe("abc");
  });

  test("lists and numbers are of the kinds that OTLP has", () => {
    const written = `${lists("l")(["x", '"'])}${wholes("w")(12)}${numbers("n")(0.25)}`;
    expect(JSON.parse(attributeList(written))).toEqual([
      { key: "l", value: { arrayValue: { values: [{ stringValue: "x" }, { stringValue: '"' }] } } },
      { key: "w", value: { intValue: "12" } },
      { key: "n", value: { doubleValue: 0.25 } },
    ]);
    expect(attributeList("")).toBe("[]");
  });
});

test("a moment is its nanoseconds, to the microsecond, in any order and across seconds", () => {
  const moment = moments();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000_000_000 }), (micros) => {
      expect(BigInt(JSON.parse(moment(micros / 1000)))).toBe(BigInt(Math.round((micros / 1000) * 1000)) * 1000n);
    }),
  );
  expect(moment(1_700_000_001_000 - 1 / 8192)).toBe('"1700000001000000000"');
  expect(BigInt(JSON.parse(moment(-5)))).toBe(0n);
});
