// Fields that a route removes and sets in passing.
import { expect, test } from "bun:test";
import type { FieldChangesPlan } from "../../src/config/plan.ts";
import { Secret } from "../../src/config/secrets.ts";
import { Fields } from "../../src/http/fields.ts";
import { fieldChanges } from "../../src/respond/headers.ts";

function changed(plan: Partial<FieldChangesPlan>, ...lines: [string, string][]): [string, string][] {
  const fields = Fields.of(...lines);
  fieldChanges({ remove: [], set: [], ...plan })?.(fields);
  return [...fields];
}

test("nothing to change is no function at all", () => {
  expect(fieldChanges(undefined)).toBeUndefined();
  expect(fieldChanges({ remove: [], set: [] })).toBeUndefined();
});

test("removes every line of a name, in any case", () => {
  expect(changed({ remove: ["Server"] }, ["SERVER", "a"], ["X", "1"], ["server", "b"])).toEqual([["X", "1"]]);
});

test("sets one line in place of all, in the spelling of the config", () => {
  expect(changed({ set: [["X-Env", "prod"]] }, ["x-env", "a"], ["Y", "1"], ["X-ENV", "b"])).toEqual([
    ["Y", "1"],
    ["X-Env", "prod"],
  ]);
});

test("removes first, then sets", () => {
  expect(changed({ remove: ["x-env"], set: [["X-Env", "prod"]] }, ["X-Env", "a"])).toEqual([["X-Env", "prod"]]);
});

test("reveals secrets", () => {
  expect(changed({ set: [["X-Key", new Secret("s3cret", "KEY")]] })).toEqual([["X-Key", "s3cret"]]);
});

test("text beyond ASCII goes out as UTF-8", () => {
  expect(changed({ set: [["X-City", "Zürich"]] })).toEqual([["X-City", "Z\xc3\xbcrich"]]);
});

test.each([
  ["a line break in a secret", [["X-Key", new Secret("s3cret\r\nX: y", "KEY")]]],
  ["a NUL", [["X", "s3cret\0"]]],
  ["a name that is none", [["X Y", "s3cret"]]],
  ["a name with a colon", [["X:", "s3cret"]]],
  ["a framing field", [["Content-Length", "s3cret"]]],
  ["a field of the connection", [["transfer-encoding", "s3cret"]]],
] as const)("refuses %s, and does not tell the value", (_, set) => {
  const compile = (): unknown => fieldChanges({ remove: [], set });
  expect(compile).toThrow(TypeError);
  try {
    compile();
  } catch (error) {
    expect((error as Error).message).not.toContain("s3cret");
  }
});
