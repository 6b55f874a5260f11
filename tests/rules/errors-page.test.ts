// docs/errors.md against the code: each code stands there once, with its status and fault, and only options that there are.
import { expect, test } from "bun:test";
import { MEANINGS } from "../../src/errors.ts";
import { readPage } from "./markdown.ts";
import { isOption, quotedIn } from "./option-names.ts";

const rows = [...readPage("docs/errors.md").matchAll(/^\| `(\w+)` +\| (\d+) +\| (\w+) +\| (.*?) +\| (.*?) +\|$/gm)];

test("docs/errors.md tells of every code, in their order, with status and fault", () => {
  const told = rows.map(([, code, status, fault]) => [code, Number(status), fault]);
  expect(told).toEqual(Object.entries(MEANINGS).map(([code, { status, fault }]) => [code, status, fault]));
});

test("the options that docs/errors.md names exist", () => {
  const named = rows.flatMap(([, , , , , options]) => quotedIn(options!));
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((path) => !isOption(path))).toEqual([]);
});
