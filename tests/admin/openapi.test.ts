// The document of the admin listener: well-formed, and the same as what docs/admin.md says.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Validator } from "@seriousme/openapi-schema-validator";
import { ACTS } from "../../src/admin/acts.ts";
import { openApiText } from "../../src/admin/openapi.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly required: boolean }[];
  readonly security?: readonly object[];
}

const documentOf = (guarded: boolean): { paths: Record<string, Record<string, Operation>> } =>
  JSON.parse(openApiText(ACTS, "1.2.3", guarded)) as ReturnType<typeof documentOf>;

const operationsOf = (guarded: boolean): [string, Operation][] =>
  Object.entries(documentOf(guarded).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, it]): [string, Operation] => [`${method.toUpperCase()} ${path}`, it]),
  );

test.each([true, false])("it is an OpenAPI 3.1 document; with a token: %p", async (guarded) => {
  const { valid, errors } = await new Validator().validate(documentOf(guarded));
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
});

test("it has every question once, with an id of its own", () => {
  const operations = operationsOf(true);
  expect(operations.map(([key]) => key).sort()).toEqual(Object.keys(ACTS).sort());
  const ids = operations.map(([, { operationId }]) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/);
});

test("it says what needs the token, and nothing of one where there is none", () => {
  for (const [key, { security }] of operationsOf(true)) {
    expect([key, security]).toEqual([key, ACTS[key]!.open === true ? [] : [{ token: [] }]]);
  }
  for (const [, { security }] of operationsOf(false)) expect(security).toBeUndefined();
});

test("docs/admin.md has a row for each question, with its parameters and whether it needs the token", () => {
  const page = readFileSync(join(import.meta.dir, "../../docs/admin.md"), "utf8");
  const rows = page.matchAll(/^\| `((?:GET|POST) \/[^`?]*)(?:\?([^`]*))?` *\|.*\| (yes|no) *\|$/gm);
  const written = Array.from(rows, ([, key, query = "", token]) => [
    key,
    [...query.matchAll(/\w+(?==)/g)].map(([name]) => name),
    token,
  ]);
  const offered = Object.entries(ACTS).map(([key, { parameters = {}, open }]) => [
    key,
    Object.keys(parameters),
    open === true ? "no" : "yes",
  ]);
  const live = ["GET /", [], "no"];
  const sorted = (rows: readonly unknown[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
  expect(sorted(written)).toEqual(sorted([...offered, live]));
});
