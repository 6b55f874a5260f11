// Tables: columns line up, and nothing is lost where the terminal is narrow.
import { expect, test } from "bun:test";
import fc from "fast-check";
import pico from "picocolors";
import { tableText } from "../../src/cli/table.ts";

const PLAIN = pico.createColors(false);
const TABLE = {
  heads: ["NAME", "PATH", "EMPTY"],
  rows: [
    ["a", "/one two three", ""],
    ["longer", "/x", ""],
  ],
};

test("columns line up, and a column without texts is left out", () => {
  expect(tableText(TABLE, undefined, PLAIN)).toBe("NAME    PATH\na       /one two three\nlonger  /x");
});

test("characters that take two places do so in a column, and where a text is broken", () => {
  const rows = [
    ["健康", "ab"],
    ["a", "健康健康健康"],
  ];
  expect(tableText({ heads: ["A", "B"], rows }, undefined, PLAIN)).toBe("A     B\n健康  ab\na     健康健康健康");
  expect(tableText({ heads: ["A", "B"], rows }, 15, PLAIN)).toBe("A     B\n健康  ab\na     健康健康\n      健康");
});

test("a text that is too wide goes on below, broken at a blank", () => {
  expect(tableText(TABLE, 18, PLAIN)).toBe("NAME    PATH\na       /one two\n        three\nlonger  /x");
});

test("whatever the width: no line is wider where columns can be made narrower, and every word stays", () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/);
  const cell = fc.array(word, { maxLength: 5 }).map((words) => words.join(" "));
  const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 28, max: 90 }), (rows, width) => {
      const text = tableText({ heads: ["A", "B", "C"], rows }, width, PLAIN);
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
      const letters = (of: string): string => [...of.replaceAll(/[\sA-Z]/g, "")].sort().join("");
      expect(letters(text)).toBe(letters(rows.flat().join("")));
    }),
  );
});
