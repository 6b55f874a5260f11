// docs/options.md against the source: it is what the types of the options say.
import { expect, test } from "bun:test";
import { optionsPage } from "../../scripts/options-page.ts";
import { readPage } from "./markdown.ts";

test("docs/options.md is written from the options that there are (npm run options)", async () => {
  expect(readPage("docs/options.md")).toBe(await optionsPage());
});
