// Fixed answers: what stands in the config goes out, new each time.
import { describe, expect, test } from "bun:test";
import type { FixedAnswer } from "../../src/config/options.ts";
import { compileFixedAnswer, fixedAnswerFault } from "../../src/route/fixed-answer.ts";

function sent(answer: FixedAnswer): { status: number; fields: string[][]; text: string | null } {
  const { status, fields, content } = compileFixedAnswer(answer)();
  return {
    status,
    fields: [...fields],
    text: content === null ? null : new TextDecoder().decode(content as Uint8Array),
  };
}

const TEXT = ["Content-Type", "text/plain; charset=utf-8"];
const JSON_TYPE = ["Content-Type", "application/json"];

describe("what is sent", () => {
  const table: [answer: FixedAnswer, status: number, fields: string[][], text: string | null][] = [
    [{}, 200, [], null],
    [{ status: 204 }, 204, [], null],
    [{ status: 404, body: "ø" }, 404, [TEXT], "ø"],
    [{ body: "" }, 200, [TEXT], ""],
    [{ body: { a: [1, "x"] } }, 200, [JSON_TYPE], '{"a":[1,"x"]}'],
    [{ body: null }, 200, [JSON_TYPE], "null"],
    [{ body: 0 }, 200, [JSON_TYPE], "0"],
    [{ body: "<p>", headers: { "content-type": "text/html" } }, 200, [["content-type", "text/html"]], "<p>"],
    [{ headers: { "X-Name": "ø" } }, 200, [["X-Name", "\xc3\xb8"]], null],
  ];
  for (const [answer, status, fields, text] of table) {
    test(JSON.stringify(answer), () => expect(sent(answer)).toEqual({ status, fields, text }));
  }

  test("each answer has its own fields", () => {
    const make = compileFixedAnswer({ headers: { a: "1" } });
    make().fields.set("a", "2");
    expect(make().fields.get("a")).toBe("1");
  });
});

describe("what cannot be sent is told", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  const table: [answer: FixedAnswer, message: RegExp][] = [
    [{ status: 199 }, /status 199/],
    [{ status: 600 }, /status 600/],
    [{ status: 200.5 }, /status 200.5/],
    [{ status: 204, body: "x" }, /204 has no body/],
    [{ status: 304, body: {} }, /304 has no body/],
    [{ headers: { "a b": "1" } }, /`a b` is no field name/],
    [{ headers: { a: "1\r\nb: 2" } }, /control character/],
    [{ headers: { "Content-Length": "1" } }, /set by the listener/],
    [{ headers: { Connection: "close" } }, /set by the listener/],
    [{ body: () => 1 }, /no JSON form/],
    [{ body: 1n }, /no JSON form/],
    [{ body: cyclic }, /no JSON form/],
  ];
  for (const [answer, message] of table) {
    test(String(message), () => {
      expect(fixedAnswerFault(answer)).toMatch(message);
      expect(() => compileFixedAnswer(answer)).toThrow(message);
    });
  }
});
