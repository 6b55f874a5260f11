// Fields: every line in order and in its own spelling, looked up without case.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { fieldKey, Fields, HOP_BY_HOP, tokens } from "../../src/http/fields.ts";

/** The same promises kept by a plain list. */
class NaiveFields {
  lines: [name: string, value: string][] = [];
  of(key: string): string[] {
    return this.lines.filter(([name]) => name.toLowerCase() === key).map(([, value]) => value);
  }
  without(key: string): void {
    this.lines = this.lines.filter(([name]) => name.toLowerCase() !== key);
  }
}

const NAMES = ["A", "a", "Set-Cookie", "set-cookie", "SET-COOKIE", "x_y", "X-Y"];
const line = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom("1", "2", "", "a, b", "\xe9"));
const step = fc.oneof(
  fc.record({ act: fc.constant("add" as const), line }),
  fc.record({ act: fc.constant("set" as const), line }),
  fc.record({ act: fc.constant("delete" as const), line }),
  fc.record({ act: fc.constant("pop" as const), line }),
);

test("whatever is added, set and deleted, look-ups see what a plain list would", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20, size: "max" }), (steps) => {
      const fields = new Fields();
      const naive = new NaiveFields();
      for (const { act, line } of steps) {
        const [name, value] = line;
        if (act === "add") {
          fields.add(name, value);
          naive.lines.push(line);
        } else if (act === "set") {
          fields.set(name, value);
          naive.without(name.toLowerCase());
          naive.lines.push(line);
        } else if (act === "delete") {
          fields.delete(name.toLowerCase());
          naive.without(name.toLowerCase());
        } else {
          fields.pop();
          naive.lines.pop();
        }
      }
      expect([...fields]).toEqual(naive.lines);
      expect(fields.size).toBe(naive.lines.length);
      expect(fields.keys).toEqual(naive.lines.map(([name]) => name.toLowerCase()));
      for (const key of ["a", "set-cookie", "x_y", "x-y", "none"]) {
        const values = naive.of(key);
        expect(fields.all(key)).toEqual(values);
        expect(fields.get(key)).toBe(values[0] as string);
        expect(fields.has(key)).toBe(values.length > 0);
        expect(fields.joined(key)).toBe((values.length > 0 ? values.join(", ") : undefined) as string);
      }
    }),
    { numRuns: 300 },
  );
});

test("of and toHeaders and back: lines stay, Set-Cookie apart, other repeated names joined", () => {
  const fields = Fields.of(["B", "1"], ["Set-Cookie", "a"], ["A", "2"], ["set-cookie", "b"], ["a", "3"]);
  expect([...Fields.fromHeaders(fields.toHeaders())].toSorted()).toEqual([
    ["a", "2, 3"],
    ["b", "1"],
    ["set-cookie", "a"],
    ["set-cookie", "b"],
  ]);
});

describe("the key of a name", () => {
  test("is the name in lower case, also for more names than are remembered and for long ones", () => {
    for (let i = 0; i < 2000; i++) {
      expect(fieldKey(`X-Name-${i}`)).toBe(`x-name-${i}`);
      expect(fieldKey(`X-NAME-${i}`)).toBe(`x-name-${i}`);
    }
    expect(fieldKey("X".repeat(5000))).toBe("x".repeat(5000));
    expect(fieldKey("")).toBe("");
  });

  test("keeps names apart that are different to HTTP", () => {
    expect(fieldKey("X_Y")).not.toBe(fieldKey("X-Y"));
  });
});

test.each([
  ["", []],
  [",", []],
  ["close", ["close"]],
  ["Close, X-Hop", ["close", "x-hop"]],
  [" a ,\tb,, C\t", ["a", "b", "c"]],
  ["a a", ["a a"]],
  // White space is space and tab (RFC 9110 section 5.6.3); to others the rest is part of the member.
  ["\xa0a, b\xa0, \x0bc,\xa0", ["\xa0a", "b\xa0", "\x0bc", "\xa0"]],
])("the members of the list %j are %j", (list, members) => {
  expect(tokens(list)).toEqual(members);
});

test("the fields of one hop are those of RFC 9110 section 7.6.1 and 11.7, in lower case", () => {
  for (const name of [
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-connection",
  ]) {
    expect(HOP_BY_HOP.has(name)).toBe(true);
  }
  for (const name of ["proxy-authenticate", "proxy-authorization", "proxy-authentication-info", "http2-settings"]) {
    expect(HOP_BY_HOP.has(name)).toBe(true);
  }
  for (const name of ["content-length", "host", "via", "authorization", "set-cookie", "content-encoding"]) {
    expect(HOP_BY_HOP.has(name)).toBe(false);
  }
  expect([...HOP_BY_HOP].filter((name) => name !== name.toLowerCase())).toEqual([]);
});
