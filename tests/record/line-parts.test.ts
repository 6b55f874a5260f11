// Parts of a line that are kept.
import { expect, test } from "bun:test";
import { jscDescribe } from "bun:jsc";
import { inOnePiece } from "../../src/record/line-parts.ts";

test("a text in one piece is one, also where the code that joins it has been compiled", () => {
  const joined = (at: number): string => inOnePiece(`{"time":"${at}","level":"${at % 2 === 0 ? "info" : "error"}"`);
  let last = "";
  for (let at = 0; at < 300_000; at++) last = joined(at);
  expect(last).toBe('{"time":"299999","level":"error"');
  expect([last, joined(1)].map((text) => jscDescribe(text)).join()).not.toContain("rope");
});
