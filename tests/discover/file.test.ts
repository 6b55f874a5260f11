// Targets in a file: what it may hold, what is wrong with it and where, and what becomes of a change.
import { describe, expect, test } from "bun:test";
import { readTargetFile } from "../../src/discover/target-file.ts";
import { faultLines, faults } from "../config/support.ts";
import { Search } from "./rig.ts";

const A = "http://10.0.0.5:8080";
const B = "http://10.0.0.6:8080";

describe("a file of targets", () => {
  const right: [what: string, text: string, targets: [url: string, weight: number][]][] = [
    [
      "YAML, a URL a line",
      `- ${A}\n- ${B}\n`,
      [
        [A, 1],
        [B, 1],
      ],
    ],
    [
      "YAML, with weights",
      `# ours\n- url: ${A}\n  weight: 3\n- ${B}\n`,
      [
        [A, 3],
        [B, 1],
      ],
    ],
    [
      "JSON",
      JSON.stringify([A, { url: B, weight: 0 }]),
      [
        [A, 1],
        [B, 0],
      ],
    ],
    ["JSON with a byte order mark", `\ufeff["${A}"]`, [[A, 1]]],
    [
      "Windows' line ends",
      `- ${A}\r\n- ${B}\r\n`,
      [
        [A, 1],
        [B, 1],
      ],
    ],
  ];
  test.each(right)("%s", (_, text, targets) => {
    const list = readTargetFile(text, "http1");
    expect("targets" in list && list.targets.map(({ url, weight }) => [url, weight])).toEqual(targets);
  });

  const wrong: [what: string, text: string, at: string, words: string][] = [
    ["nothing", "", "1:1", "a list of targets. The file is empty"],
    ["comments alone", "# none\n", "1:1", "a list of targets"],
    ["an empty list", "[]", "1:1", "a list of 1 to 4096 targets"],
    ["no list", `targets:\n  - ${A}\n`, "1:1", "a list of targets"],
    ["no URL", `- ${A}\n- 10.0.0.6:8080\n`, "2:3", 'the URL of a target, such as "http://127.0.0.1:9001"'],
    ["a number", "- 8080\n", "1:3", "the URL of a target"],
    ["a path", `- ${A}/orders\n`, "1:3", "a route's `rewrite` changes paths"],
    ["a password", "- http://u:p@10.0.0.5\n", "1:3", "It holds user or password"],
    ["a list in the list", `- [${A}]\n`, "1:3", "or an object of `url` and `weight`"],
    ["an option that is none", `- url: ${A}\n  wieght: 2\n`, "2:3", "an option. Options here: url, weight"],
    ["no url", "- weight: 2\n", "1:3", "the URL of a target"],
    ["a weight in quotes", `- url: ${A}\n  weight: "2"\n`, "2:11", "a whole number from 0 to 1000000"],
    ["a weight below 0", `- url: ${A}\n  weight: -1\n`, "2:11", "a whole number from 0"],
    ["the same target twice", `- ${A}\n- ${A}/\n`, "2:3", "It is targets.0 again"],
    ["weights of 0 alone", `- url: ${A}\n  weight: 0\n`, "1:1", "a target of weight above 0"],
    ["an alias", `- &a ${A}\n- *a\n`, "2:3", "or an object of `url` and `weight`"],
    ["YAML that is cut", `- "${A}\n`, "2:1", "YAML or JSON that can be read"],
    ["JSON that is cut", `["${A}",`, "1:25", "YAML or JSON that can be read"],
    ["too much", `- ${A}\n`.repeat(60_000), "1:1", "a file of at most 1 MiB"],
  ];
  test.each(wrong)("with %s is refused at its line and column", (_, text, at, words) => {
    const list = readTargetFile(text, "http1");
    if ("targets" in list) throw new Error("it was taken");
    const [{ line, column, wanted, hint = "" }] = list.faults as [(typeof list.faults)[0]];
    expect(`${line}:${column}`).toBe(at);
    expect(`${wanted}. ${hint}`).toContain(words);
  });

  test("of an upstream of protocol h2 holds https targets", () => {
    expect(readTargetFile(`- ${A}\n`, "h2")).toMatchObject({ faults: [{ line: 1, column: 3 }] });
  });
});

const config = (targets: unknown, more: object = {}): object => ({
  upstreams: { orders: { targets, ...more } },
  routes: { all: { match: "/*", to: "orders" } },
});

describe("in a config", () => {
  test("a file that is wrong is a fault at its place in the file", () => {
    const [fault, ...rest] = faults(config({ file: "/t.yaml" }), { files: { "/t.yaml": `- ${A}\n- nothing\n` } });
    expect(rest).toEqual([]);
    expect(fault).toMatchObject({
      path: ["upstreams", "orders", "targets", "file"],
      place: { file: "/t.yaml", line: 2, column: 3 },
    });
    expect(fault).not.toHaveProperty("found");
  });
  test("a file that is not there is a fault", () => {
    expect(faultLines(config({ file: "none.yaml" }))).toEqual([
      'upstreams.orders.targets.file: "none.yaml" is not the name of a file of targets, such as "targets.yaml". No such file can be read.',
    ]);
  });
});

describe("a file that changes", () => {
  const PATH = "/etc/targets.yaml";
  const begin = (): Search => new Search({ file: PATH }, { [PATH]: `- ${A}\n` }).begin();

  test("is known from the start: nobody waits, nothing is told", async () => {
    const it = begin();
    await it.discovery.first;
    expect(it.urls).toEqual([A]);
    expect(it.sets).toEqual([]);
    expect(it.told).toEqual([]);
  });

  test("is read again: other targets, other weights, told once", () => {
    const it = begin();
    it.platform.files.write(PATH, `- ${A}\n- ${B}\n`);
    it.settle();
    expect(it.urls).toEqual([A, B]);
    expect(it.told).toEqual([`info: upstreams.orders: 2 targets from now on: new ${B}.`]);
    it.platform.files.write(PATH, `- url: ${A}\n  weight: 2\n- ${B}\n`);
    it.settle();
    expect(it.urls).toEqual([`${A} ×2`, B]);
    expect(it.told).toEqual([`info: upstreams.orders: 2 targets from now on: weighed anew ${A}.`]);
    it.end();
    expect(it.platform.files.watchers(PATH)).toBe(0);
  });

  test('has its order, which `balance: "first"` goes by; another order is a change', () => {
    const it = begin();
    it.platform.files.write(PATH, `- ${B}\n- ${A}\n`);
    it.settle();
    expect(it.urls).toEqual([B, A]);
    it.platform.files.write(PATH, `- ${A}\n- ${B}\n`);
    it.settle();
    expect(it.urls).toEqual([A, B]);
    expect(it.told.at(-1)).toBe("info: upstreams.orders: 2 targets from now on: in another order.");
    it.end();
  });

  const broken: [what: string, text: string | undefined, told: string][] = [
    ["empty", "", `${PATH}:1:1: wanted a list of targets. The file is empty`],
    [
      "cut",
      `- ${B}\n- htt`,
      `${PATH}:2:3: wanted the URL of a target, such as "http://127.0.0.1:9001". It begins with "http://" or "https://"`,
    ],
    ["gone", undefined, `${PATH}: it cannot be read (no such file: ${PATH})`],
  ];
  test.each(broken)("and is %s changes nothing, and says why once", (_, text, told) => {
    const it = begin();
    for (let i = 0; i < 3; i++) {
      it.platform.files.write(PATH, text);
      it.settle();
    }
    expect(it.urls).toEqual([A]);
    expect(it.told).toEqual([`warn: upstreams.orders: ${told}. The targets stay as they were.`]);
    it.platform.files.write(PATH, `- ${A}\n`);
    it.settle();
    expect(it.told).toEqual(["info: upstreams.orders: the targets are found again; they are the same."]);
    it.end();
  });

  test("before the gateway watches it is read as it is then", () => {
    const it = new Search({ file: PATH }, { [PATH]: `- ${A}\n` });
    it.platform.files.write(PATH, `- ${B}\n`);
    expect(it.begin().urls).toEqual([B]);
  });

  test("is read in order: what is read late of an older file does not count", () => {
    const it = begin();
    const texts: ((text: string) => void)[] = [];
    it.platform.files.read = () => new Promise((resolve) => texts.push(resolve));
    it.platform.files.write(PATH, "1");
    it.platform.files.write(PATH, "2");
    it.settle();
    texts[1]!(`- ${B}\n`);
    it.settle();
    texts[0]!(`- http://10.0.0.9\n`);
    it.settle();
    expect(it.urls).toEqual([B]);
  });
});
