// The pages of docs as a whole: the index leads to each, and the options that pages of words name exist.
import { expect, test } from "bun:test";
import { MEANINGS } from "../../src/errors.ts";
import { PAGES, readPage } from "./markdown.ts";
import { endsAnOption, quotedIn } from "./option-names.ts";

test("docs/README.md leads to every page of docs, but the index of a folder that it leads into", () => {
  const index = readPage("docs/README.md");
  const pages = PAGES.filter((page) => page.startsWith("docs/") && page !== "docs/README.md");
  const missing = pages.filter((page) => !index.includes(`](${page.slice("docs/".length)})`));
  expect(missing).toEqual(["docs/upstreams/README.md"]);
});

const OF_WORDS = ["coming-from", "troubleshooting", "not-there", "containers", "listener", "routes", "upstreams/tls"];
/** Members of a line of the log, files, and what others call theirs. */
const OTHERS =
  /^(?:sluice|error|client|network)\.\w|^forwardedHeaders\.|\.(?:log|md|ts|key|pem)$|^hono\.|^request\.signal$/;

test.each(OF_WORDS)("the options that docs/%s.md names exist", (page) => {
  const named = quotedIn(readPage(`docs/${page}.md`).replaceAll(/^```[^]*?^```/gm, "")).filter((text) =>
    /^[a-z]\w*(?:\.[A-Za-z]+)+$/.test(text),
  );
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((path) => !OTHERS.test(path) && !endsAnOption(path))).toEqual([]);
});

test("the codes that docs/troubleshooting.md names exist", () => {
  const named = [...readPage("docs/troubleshooting.md").matchAll(/^\| (\d{3}) `(\w+)`/gm)];
  expect(named.length).toBeGreaterThan(10);
  const wrong = named.filter(
    ([, status, code]) => (MEANINGS as Record<string, { status: number }>)[code!]?.status !== Number(status),
  );
  expect(wrong.map(([row]) => row)).toEqual([]);
});
