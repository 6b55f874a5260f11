// Values of a cookie, as servers read the field.
import { expect, test } from "bun:test";
import { cookieValues } from "../../src/http/cookies.ts";
import { Fields } from "../../src/http/fields.ts";

test.each([
  [[], []],
  [["a=1"], ["1"]],
  [["b=2; a=1"], ["1"]],
  [["a=1;a=2"], ["1", "2"]],
  [
    ["a=1", "a=2; a=1"],
    ["1", "2"],
  ],
  [["a=; a", "aa=3; A=4"], []],
  [[" a = x=y ; b=1"], ["x=y"]],
])("of %j the cookie a has %j", (lines, values) => {
  const fields = Fields.of(...lines.map((line): [string, string] => ["Cookie", line]));
  expect([...cookieValues(fields, "a")]).toEqual(values);
});
