// `sluice test`: the executable alone runs the tests of a folder, says what failed and where, and always ends.
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../rules/source.ts";
import { cleanUp, folderWith, type Run, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

const CONFIG = `import { defineGateway, env } from "sluice";

export default defineGateway({
  upstreams: { app: { targets: ["http://127.0.0.1:9001", "http://127.0.0.1:9002"] } },
  routes: {
    app: { match: "/*", to: "app", headers: { request: { set: { "x-secret": env("SECRET") } } } },
    now: { match: "/now", handler: ({ c }) => c.text(new Date().toISOString()) },
  },
});
`;

const HEAD = `import { afterEach, beforeEach, describe, expect, gateway, test } from "sluice/test";
import config from "./gateway.config.ts";
const open = () => gateway(config, { env: { SECRET: "s3cret" } });
`;

/** What comes of a folder with the config and one test file, whose first lines are HEAD. */
function run(text: string, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Run> {
  const cwd = folderWith({ "gateway.config.ts": CONFIG, "gateway.test.ts": HEAD + text });
  return sluice(["test", ...args], { cwd, env });
}

describe("what a test can do", () => {
  const passing: readonly (readonly [promise: string, body: string])[] = [
    [
      "an upstream sees the request as it is forwarded",
      `g.upstream("app").reply({ status: 201, headers: { "x-a": "b" }, body: { id: 7 } });
       const answer = await g.fetch("/a?b=c", { body: { name: "Ada" } });
       expect([answer.status, answer.headers.get("x-a"), await answer.json()]).toEqual([201, "b", { id: 7 }]);
       const { method, path, headers, json } = g.upstream("app").last;
       expect([method, path, headers.get("x-secret"), json()]).toEqual(["POST", "/a?b=c", "s3cret", { name: "Ada" }]);`,
    ],
    [
      "answers come in turn, and the last goes on",
      `g.upstream("app").reply({ body: "a" }, (request) => ({ body: request.path }), { body: "c" });
       const texts = [];
       for (let i = 0; i < 4; i++) texts.push(await (await g.fetch("/x")).text());
       expect(texts).toEqual(["a", "/x", "c", "c"]);`,
    ],
    [
      "an upstream that refuses, and is there again",
      `g.upstream("app").refuse();
       expect((await g.clock.until(g.fetch("/"))).status).toBe(502);
       g.upstream("app").reply({});
       expect((await g.fetch("/")).status).toBe(200);`,
    ],
    [
      "one target refuses: the other one answers",
      `g.upstream("app").target("http://127.0.0.1:9001").refuse();
       for (let i = 0; i < 4; i++) expect((await g.clock.until(g.fetch("/"))).status).toBe(200);
       expect(new Set(g.upstream("app").requests.map(({ target }) => target))).toEqual(new Set(["127.0.0.1:9002"]));`,
    ],
    [
      "an upstream that hangs, until the clock is moved",
      `g.upstream("app").hang();
       const answer = g.fetch("/", { method: "POST", body: "x" });
       await g.rest();
       g.clock.advance("59s");
       await g.rest();
       g.clock.advance("2s");
       expect((await answer).status).toBe(504);`,
    ],
    [
      "an upstream that breaks off",
      `g.upstream("app").breakOff();
       await expect((await g.fetch("/")).text()).rejects.toThrow("broke off");`,
    ],
    [
      "an upstream that takes its time",
      `g.upstream("app").reply({ after: "2s" });
       const before = g.clock.now.getTime();
       await g.clock.until(g.fetch("/"));
       expect(g.clock.now.getTime() - before).toBe(2000);`,
    ],
    [
      "Date is the clock of the gateway, and begins at the same moment each time",
      `expect(await (await g.fetch("/now")).text()).toBe("2026-01-01T00:00:00.000Z");
       g.clock.advance("1d");
       expect(await (await g.fetch("/now")).text()).toBe("2026-01-02T00:00:00.000Z");
       g.clock.set("2030-05-05T00:00:00Z");
       expect(await (await g.fetch("/now")).text()).toBe("2030-05-05T00:00:00.000Z");`,
    ],
    [
      "the access log",
      `await g.fetch("/a");
       await g.rest();
       expect(g.log.map((line) => JSON.parse(line))).toMatchObject([{ "url.path": "/a", "client.address": "192.0.2.1" }]);`,
    ],
    ["promises that settle", `await expect(Promise.reject(new TypeError("no"))).rejects.toBeInstanceOf(TypeError);`],
  ];
  const body = passing.map(
    ([promise, code]) => `test(${JSON.stringify(promise)}, async () => {\nconst g = await open();\n${code}\n});`,
  );
  const all = run(body.join("\n"), ["--json"]);

  test.each(passing.map(([promise]) => promise))("%s", async (promise) => {
    const { files } = JSON.parse((await all).stdout) as { files: { tests: { names: string[]; state: string }[] }[] };
    const result = files[0]!.tests.find(({ names }) => names[0] === promise);
    expect(result).toMatchObject({ state: "passed" });
  });

  test("all of it: exit 0, and nothing on stderr", async () => {
    const { code, stderr } = await all;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

test("groups, hooks, rows and tests that are skipped, in order", async () => {
  const { code, stdout, stderr } = await run(`
beforeEach(() => console.log("before"));
afterEach(() => console.log("after"));
describe("a group", () => {
  beforeEach(() => console.log("before inner"));
  afterEach(() => console.log("after inner"));
  test("first", () => console.log("first"));
  test.skip("second", () => console.log("second"));
});
test.each([["a", 1], ["b", 2]])("row %# of %s", (letter, count) => console.log(letter, count));
`);
  expect(code).toBe(0);
  expect(stdout).toBe(`gateway.test.ts
  ✓ a group > first
  - a group > second (skipped)
  ✓ row 0 of a
  ✓ row 1 of b
4 tests: 3 passed, 1 skipped
`);
  expect(stderr.split("\n")).toEqual([
    ...["before", "before inner", "first", "after inner", "after"],
    ...["before", "a 1", "after", "before", "b 2", "after", ""],
  ]);
});

describe("what fails is told with its place", () => {
  test("a diff, and the line of the test", async () => {
    const { code, stdout } = await run(`test("an order", async () => {
  const g = await open();
  g.upstream("app").reply({ body: { id: 8 } });
  expect(await (await g.fetch("/")).json()).toEqual({ id: 7 });
});
`);
    expect(code).toBe(1);
    expect(stdout).toBe(`gateway.test.ts
  ✗ an order
      gateway.test.ts:7:45
        expect(await (await g.fetch("/")).json()).toEqual({ id: 7 });
      expect(received).toEqual(expected)

        {
      -   "id": 7,
      +   "id": 8,
        }

      - Expected  - 1
      + Received  + 1
1 test: 0 passed, 1 failed
`);
  });

  test("a config that is wrong: the places in the config", async () => {
    const { code, stdout } = await run('test("a", async () => void (await gateway(config)));\n');
    expect(code).toBe(1);
    expect(stdout).toContain("gateway.test.ts:4:");
    expect(stdout).toContain(
      "the config is wrong:\n      gateway.config.ts:6:65  routes.app.headers.request.set.x-secret: ",
    );
    expect(stdout).toContain("SECRET");
  });

  const failing: readonly (readonly [kind: string, code: string, told: string])[] = [
    [
      "a promise that never settles",
      'test("x", () => new Promise(() => {}), { timeout: "50ms" });',
      "did not end within 0.05 s: something that it waits for never comes.",
    ],
    [
      "an expected promise that never settles",
      'test("x", () => expect(new Promise(() => {})).resolves.toBe(1), { timeout: "50ms" });',
      "did not end within 0.05 s",
    ],
    [
      "a request that waits for the clock",
      'test("x", async () => { const g = await open(); g.upstream("app").hang(); await g.fetch("/slow"); }, { timeout: "200ms" });',
      "Without an answer: GET /slow.",
    ],
    ["an endless loop", 'test("x", () => { for (;;); }, { timeout: "50ms" });', "held its thread for more than 0.05 s"],
    ["the end of the process", 'test("x", () => process.exit(0));', "the thread has ended"],
    [
      "an error that nobody catches",
      'test("x", async () => { setTimeout(() => { throw new Error("alone"); }, 1); await new Promise(() => {}); });',
      "alone",
    ],
    [
      "a rejection that nobody handles",
      'test("x", async () => { void Promise.reject(new Error("alone")); await new Promise(() => {}); });',
      "alone",
    ],
    ["what is thrown is no error", 'test("x", () => { throw "text"; });', 'it threw "text"'],
    ["an afterEach that throws", 'afterEach(() => { throw new Error("after"); }); test("x", () => {});', "after"],
    [
      "an upstream that is not there",
      'test("x", async () => { (await open()).upstream("ap" as never); });',
      'There is no upstream "ap". Upstreams: app.',
    ],
  ];
  test.each(failing)("%s", async (_, code, told) => {
    const failed = await run(code);
    expect(failed.stdout).toContain("✗ x");
    expect(failed.stdout).toContain(told);
    expect(failed.stdout).toEndWith("1 test: 0 passed, 1 failed\n");
    expect(failed.code).toBe(1);
  });
});

describe("files that do not load: exit 78", () => {
  const broken: readonly (readonly [kind: string, text: string, told: string])[] = [
    ["a syntax error", "const = 1;", "gateway.test.ts:4:7  syntax error: "],
    ["an import that is not there", 'import "./absent.ts";', 'gateway.test.ts:4:8  there is no file "./absent.ts".'],
    ["an error", 'throw new Error("no");', "gateway.test.ts:4:11  the test threw while it was loading: no."],
    ["no test in it", "export {};", "gateway.test.ts  there is no test in it."],
    ["a describe that is async", 'describe("a", async () => {});', 'describe("a") must not be async'],
  ];
  test.each(broken)("%s", async (_, text, told) => {
    const { code, stdout } = await run(`${text}\n`);
    expect(stdout).toContain(told);
    expect(stdout).toEndWith("0 tests: 0 passed, a file did not load\n");
    expect(code).toBe(78);
  });
});

describe("the command line", () => {
  const TWO = 'test("one", () => {});\ntest("two", () => { throw new Error("no"); });\n';

  test("--filter runs only tests with this text in their names", async () => {
    const { code, stdout } = await run(TWO, ["--filter", "ONE"]);
    expect([code, stdout]).toEqual([0, "gateway.test.ts\n  ✓ one\n1 test: 1 passed\n"]);
  });

  test("--filter that nothing matches: exit 1", async () => {
    const { code, stdout, stderr } = await run(TWO, ["--filter=three"]);
    expect([code, stdout, stderr]).toEqual([1, "", 'sluice: error: No test has "three" in its name.\n']);
  });

  test("--json tells machines, and nothing else is on stdout", async () => {
    const { code, stdout } = await run(`${TWO}test("prints", () => console.log("noise"));\n`, ["--json"]);
    const { ok, passed, failed, files } = JSON.parse(stdout) as Record<string, unknown>;
    expect([code, ok, passed, failed]).toEqual([1, false, 2, 1]);
    expect(files).toMatchObject([
      {
        faults: [],
        tests: [{ names: ["one"], state: "passed" }, { failure: { line: 5, column: 31, message: "no" } }, {}],
      },
    ]);
  });

  test("a folder without tests: exit 66", async () => {
    const { code, stderr } = await sluice(["test"], { cwd: folderWith({ "gateway.config.ts": CONFIG }) });
    expect([code, stderr.split("\n")[0]]).toEqual([66, "sluice: error: There is no test beside gateway.config.ts."]);
  });

  test("an unknown flag: exit 64", async () => {
    expect((await run(TWO, ["--fliter=one"])).code).toBe(64);
  });

  test("colours only where they are wanted", async () => {
    expect((await run(TWO, [], { FORCE_COLOR: "1" })).stdout).toContain("\x1b[31m✗\x1b[39m two");
    expect((await run(TWO, [], { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toContain("\x1b[");
  });

  test("each file has a thread of its own", async () => {
    const file = `${HEAD}test("a", () => { expect((globalThis as never)["seen"]).toBeUndefined(); Object.assign(globalThis, { seen: 1 }); });\n`;
    const cwd = folderWith({ "gateway.config.ts": CONFIG, "a.test.ts": file, "b.test.mts": file });
    const { code, stdout } = await sluice(["test"], { cwd });
    expect([code, stdout]).toEqual([0, "a.test.ts\n  ✓ a\nb.test.mts\n  ✓ a\n2 tests: 2 passed\n"]);
  });
});

test("the example's tests pass: a monthly quota of 1000 in less than a second", async () => {
  const names = ["partners.config.ts", "partners.test.ts"];
  const cwd = folderWith(
    Object.fromEntries(names.map((name) => [name, readFileSync(join(ROOT, "examples/testing", name), "utf8")])),
  );
  const { code, stdout } = await sluice(["test", "partners.test.ts", "--json"], { cwd });
  const { passed, files } = JSON.parse(stdout) as { passed: number; files: { tests: { ms: number }[] }[] };
  expect([code, passed]).toEqual([0, 5]);
  expect(files[0]!.tests[2]!.ms).toBeLessThan(1000);
});
