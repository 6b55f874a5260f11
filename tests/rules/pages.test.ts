// The pages name only what exists: scripts, verbs, files, options.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import manifest from "../../package.json" with { type: "json" };
import { codeBlocks, PAGES, pattern, readPage, standsIn } from "./markdown.ts";
import { ROOT } from "./source.ts";

test("what a page shows is matched line by line, with … for what changes", () => {
  expect("HTTP/1.1 200 OK\nDate: today\n\n{}").toMatch(pattern("HTTP/1.1 200 OK\n…\n{}"));
  expect("id: 17-a\nend").toMatch(pattern("id: …\nend"));
  expect("id: 17-a\nmore\nend").not.toMatch(pattern("id: …\nend"));
  expect("a.b").not.toMatch(pattern("a+b"));
});

test.each(PAGES)("%s names only scripts that package.json has", (page) => {
  const scripts = [...readPage(page).matchAll(/\bnpm (?:run ([a-z:-]+)|(start|test)\b)/g)];
  const unknown = scripts
    .map(([, run, short]) => run ?? short!)
    .filter((name) => !Object.hasOwn(manifest.scripts, name));
  expect(unknown).toEqual([]);
});

test.each(PAGES)("%s names only verbs that the executable has", (page) => {
  const verbs = [...readPage(page).matchAll(/(?:^\$ |`)(?:\.\/|dist\/)*sluice ([a-z]+)/gm)].map(([, verb]) => verb!);
  const known = readdirSync(join(ROOT, "src/cli"));
  expect(verbs.filter((verb) => !known.includes(`${verb}.ts`))).toEqual([]);
});

test.each(PAGES)("%s names only files that are there", (page) => {
  const named = readPage(page).matchAll(/`((?:src|tests|scripts|examples|\.ci)\/[\w./{},-]*)`/g);
  const paths = [...named].flatMap(([, path]) => expand(path!)).filter((path) => !path.includes("<"));
  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test.each(PAGES)("%s links only to what is there", (page) => {
  const links = [...readPage(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(([, link]) => link!);
  expect(links.filter((link) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([]);
});

test.each(PAGES)("%s links only to headings that are there", (page) => {
  const links = [...readPage(page).matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g)];
  const lost = links.filter(([, path, anchor]) => {
    const named = path === "" ? page : join(dirname(page), path!);
    return PAGES.includes(named) && !anchors(named).has(anchor!);
  });
  expect(lost.map(([link]) => link)).toEqual([]);
});

const EXAMPLES = readdirSync(join(ROOT, "examples"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => readFileSync(join(ROOT, "examples", name), "utf8").split("\n"));

test.each(PAGES.filter((page) => page.startsWith("docs/")))(
  "every config that %s shows stands in an example",
  (page) => {
    const shown = codeBlocks(page).filter(({ language }) => language === "ts");
    const strange = shown.filter(({ text }) => !EXAMPLES.some((source) => standsIn(source, text.split("\n"))));
    expect(strange.map(({ line, text }) => `${page}:${line}: ${text}`)).toEqual([]);
  },
);

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(page: string): Set<string> {
  const prose = readPage(page).replaceAll(/^```.*?^```/gms, "");
  const headings = [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!.toLowerCase());
  return new Set(headings.map((heading) => heading.replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-")));
}

/** `a/{b,c}.ts` as `a/b.ts` and `a/c.ts`. */
function expand(path: string): string[] {
  const [, before, list, after] = /^(.*?)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  return list === undefined ? [path] : list.split(",").flatMap((each) => expand(`${before}${each}${after}`));
}
