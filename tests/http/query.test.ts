// Parameters of a raw query: found by every spelling of their name, and taken out without touching any other byte.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { rawParameters, withoutParameters } from "../../src/http/query.ts";

describe("a parameter", () => {
  const FOUND: [query: string, values: string[]][] = [
    ["", []],
    ["?", []],
    ["?key=a", ["a"]],
    ["?key", [""]],
    ["?key=", [""]],
    ["?a=1&key=b&c=2", ["b"]],
    ["?key=a&key=b", ["a", "b"]],
    ["?k%65y=a", ["a"]],
    ["?%6b%65%79=%41", ["%41"]],
    ["?key=a=b", ["a=b"]],
    ["?KEY=a", []],
    ["?key2=a&xkey=b", []],
    ["?a=key=b", []],
    ["?a=1;key=b", []],
    ["?&&key=a&&", ["a"]],
    ["?=key&key=a", ["a"]],
    ["?key=a?key=b", ["a?key=b"]],
  ];
  test.each(FOUND)("in %p has the raw values %p", (query, values) => {
    expect(rawParameters(query, "key")).toEqual(values);
  });
});

describe("taking parameters out", () => {
  const LEFT: [query: string, left: string][] = [
    ["", ""],
    ["?", "?"],
    ["?key=a", ""],
    ["?key", ""],
    ["?key=a&b=2", "?b=2"],
    ["?a=1&key=a", "?a=1"],
    ["?a=1&key=a&b=2", "?a=1&b=2"],
    ["?key=a&key=b&c", "?c"],
    ["?a&key=a&b&k%65y=c&d", "?a&b&d"],
    ["?a=%6bey&b=+&KEY=1;key=2", "?a=%6bey&b=+&KEY=1;key=2"],
    ["?&key=a&", "?&"],
    ["?key=a&&b", "?&b"],
    ["?other=x&a=1", "?a=1"],
  ];
  test.each(LEFT)("of %p leaves %p", (query, left) => {
    expect(withoutParameters(query, ["key", "other"])).toBe(left);
  });

  const piece = fc.oneof(
    fc.constantFrom("key=s3cret", "key", "k%65y=s3cret", "key=", "a=1", "", "b", "a=%20", "c=x;key=1", "%=+", "=key"),
    fc.string({ unit: fc.constantFrom(..."key=%65+;?ab"), maxLength: 6 }),
  );
  test("leaves the other parameters as they were, in their order", () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const query = `?${pieces.join("&")}`;
        const kept = pieces.filter((each) => rawParameters(`?${each}`, "key").length === 0);
        const left = withoutParameters(query, ["key"]);
        expect(rawParameters(left, "key")).toEqual([]);
        if (kept.length === pieces.length) expect(left).toBe(query);
        else expect(left === "" ? "?" : left).toBe(`?${kept.join("&")}`);
      }),
    );
  });
});
