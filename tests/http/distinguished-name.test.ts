// Distinguished names: spellings that are one name, names that are not, and what is none.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { distinguishedName } from "../../src/http/distinguished-name.ts";

describe("one spelling of a name", () => {
  test.each([
    ["CN=acme,O=Acme", "CN=acme,O=Acme"],
    [" cn = acme , o=Acme ", "CN=acme,O=Acme"],
    ["CN=a\\, b", "CN=a\\, b"],
    ["CN=a\\2C b", "CN=a\\, b"],
    ["CN=a\\2c\\20b", "CN=a\\, b"],
    ["CN=\\C3\\BCber", "CN=über"],
    ["CN=über", "CN=über"],
    ["CN=😀", "CN=😀"],
    ["UID=b+OU=a", "OU=a+UID=b"],
    ["OU=a + UID=b", "OU=a+UID=b"],
    ["CN=\\ a\\ ", "CN=\\ a\\ "],
    ["CN=\\ ", "CN=\\ "],
    ["CN=a\\\\", "CN=a\\\\"],
    ["CN=a\\\\ ", "CN=a\\\\"],
    ["CN=\\#1", "CN=\\#1"],
    ["1.2.3=#04024869", "1.2.3=#04024869"],
    ["1.2.3=#04024A", "1.2.3=#04024a"],
    ["CN=a=b", "CN=a=b"],
    ["CN=a\\=b", "CN=a=b"],
    ["CN=", "CN="],
    ["CN=a\\0Ab", "CN=a\\0Ab"],
    ["CN=a\\00b", "CN=a\\00b"],
    ["", ""],
    ["  ", ""],
  ])("%j is %j", (written, text) => {
    expect(distinguishedName(written)?.text).toBe(text);
  });
});

test.each([
  "acme",
  "CN=a,",
  ",CN=a",
  "CN=a,,O=b",
  "=a",
  "CN",
  "CN=a;O=b",
  'CN="a"',
  "CN=a<b",
  "CN=a\\",
  "CN=a\\z",
  "CN=\\FF",
  "CN=\\C3",
  "1=a",
  "1.=a",
  "-CN=a",
  "C N=a",
])("%j is no name", (written) => {
  expect(distinguishedName(written)).toBeUndefined();
});

test.each<[string, string[]]>([
  ["CN=a,O=b", ["a"]],
  ["O=b", []],
  ["CN=a,CN=b", ["a", "b"]],
  ["CN=a+CN=b", ["a", "b"]],
  ["2.5.4.3=a", ["a"]],
  ["CN=a\\,CN=b", ["a,CN=b"]],
  ["O=x\\,CN=b", []],
  ["CN=a\\0ACN=b", ["a\nCN=b"]],
  ["CN=#0c0161", []],
])("the common names of %j are %j", (written, names) => {
  expect(distinguishedName(written)?.commonNames).toEqual(names);
});

test("a name that was written is read as the same name, whatever its values hold", () => {
  const value = fc.string({ unit: "binary", maxLength: 12 }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), (values) => {
      const hex = (text: string): string =>
        [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
      const read = distinguishedName(values.map((text) => `CN=${hex(text)}`).join(","))!;
      expect(read.commonNames).toEqual(values);
      expect(distinguishedName(read.text)).toEqual(read);
    }),
  );
});

test("no text makes it fail", () => {
  const piece = fc.constantFrom("CN=", "O=", ",", "+", "\\", "\\2", "=", "#", "00", " ", "ü", '"', "\n", "\ud800", "a");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const read = distinguishedName(pieces.join(""));
      if (read !== undefined) expect(distinguishedName(read.text)).toEqual(read);
    }),
  );
});
