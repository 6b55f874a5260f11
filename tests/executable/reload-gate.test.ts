// `reload: { gate: "tests" }`: what the tests beside a config refuse changes nothing, whatever they do.
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { get } from "../support/messages.ts";
import { readMetrics, sumOf } from "../support/metrics-text.ts";
import { exchange } from "../support/raw-client.ts";
import { config, endStories, SAY, says, start, type Story } from "../support/reload-story.ts";
import { sluice } from "./cli/run-sluice.ts";

afterEach(endStories);

const GATE = 'reload: { gate: "tests" },';
const HEAD = `import { existsSync, writeFileSync, writeSync } from "node:fs";
import { expect, gateway, test } from "sluice/test";
import config from "./gateway.config.ts";
`;
/** Tests that demand that it says one of these words. */
const demands = (...words: readonly string[]): string => `${HEAD}
test("it says what it may", async () => {
  const g = await gateway(config);
  expect(${JSON.stringify(words)}).toContain(await (await g.fetch("/")).text());
});
`;
const files = { "says.ts": says("one"), "gateway.test.ts": demands("one", "two") };

/** Waits until tests beside the config have made this file. */
const made = (story: Story, name: string): Promise<unknown> =>
  until(() => existsSync(join(story.gateway.folder, name)), `the file ${name}`, 10_000);

describe.each([1, 2])("with workers: %i", (workers) => {
  const gated = (more = "", head = "", routes = SAY): string =>
    config(routes, `workers: ${workers}, ${GATE} ${more}`, head);

  test("a config whose tests pass runs, and how many they were is told", async () => {
    const story = await start(gated(), { files });
    expect(await story.reload({ "says.ts": says("two") })).toBe(
      "sluice: reloaded gateway.config.ts (1 route, 0 upstreams), 1 test passed\n",
    );
    expect(await story.body()).toBe("two");
    await story.gateway.stop();
  });

  test("a test that fails changes nothing: which one and why is told, counted and remembered", async () => {
    const story = await start(gated("admin: { port: 0 },"), { files });
    const told = await story.reload({ "says.ts": says("three") });
    expect(told).toMatch(/^gateway\.test\.ts\n {2}✗ it says what it may(?: \(\d+ ms\))?\n {6}gateway\.test\.ts:7:/);
    expect(told).toContain(
      'Expected to contain: "three"\n      Received: [ "one", "two" ]\n1 test: 0 passed, 1 failed\n',
    );
    expect(told).toEndWith("sluice: error: gateway.config.ts was not reloaded: the gateway goes on as it was\n");
    expect(await story.body()).toBe("one");
    const ask = async (path: string): Promise<string> =>
      (await exchange(story.gateway.adminPort, get(path).replace("gw.test", "localhost"))).body.text;
    expect(sumOf(readMetrics(await ask("/metrics")), "sluice_config_reloads_total", { result: "failure" })).toBe(1);
    const { loads } = JSON.parse(await ask("/config")) as { loads: { ok: boolean; message: string }[] };
    expect(loads.at(-1)).toMatchObject({ ok: false, message: expect.stringContaining("it says what it may") });
    await story.reload({ "says.ts": says("two") });
    expect(await story.body()).toBe("two");
    await story.gateway.stop();
  });

  test("what was loaded is tested and runs, whatever is on the disk by then", async () => {
    const spoils = `import { writeFileSync } from "node:fs"; import { isMainThread } from "node:worker_threads";
      if (isMainThread && says === "two") writeFileSync(import.meta.dir + "/says.ts", "broken (");`;
    const story = await start(gated("", spoils), { files });
    expect(await story.reload({ "says.ts": says("two") })).toEndWith("1 test passed\n");
    expect(await story.body()).toBe("two");
    await story.gateway.stop();
  });

  test("while tests run, what serves imports its own files", async () => {
    const late = 'late: { match: "/late", handler: async () => new Response((await import("./late.ts")).late) }';
    const waits = `${HEAD}
test("waits", async () => {
  writeFileSync("waits", "");
  while (!existsSync("go")) await Bun.sleep(5);
  expect(config).toBeDefined();
});
`;
    const first = { ...files, "late.ts": 'export const late = "old";', "gateway.test.ts": waits };
    const story = await start(gated("", "", `${SAY}, ${late}`), { files: first });
    const told = story.reload({ "says.ts": says("two"), "late.ts": 'export const late = "new";' });
    await made(story, "waits");
    expect([await story.body("/late"), await story.body()]).toEqual(["old", "one"]);
    story.write({ go: "" });
    await told;
    expect([await story.body("/late"), await story.body()]).toEqual(["new", "two"]);
    await story.gateway.stop();
  });
});

const refusals: readonly (readonly [kind: string, text: string, told: string])[] = [
  ["a file that does not load", "export const = 1;", "gateway.test.ts:1:14  syntax error: "],
  ["a file without a test", "export {};", "there is no test in it."],
  ["tests that are all skipped", `${HEAD}test.skip("a", () => {});`, "no test beside gateway.config.ts has run"],
  [
    "a test that ends the process",
    `${HEAD}test("a", () => process.kill(process.pid, "SIGKILL"));`,
    "the process of the tests has ended with 137",
  ],
  ["an endless loop", `${HEAD}test("a", () => { for (;;); }, { timeout: "50ms" });`, "held its thread for more than"],
  [
    "more words than anybody reads",
    `${HEAD}test("a", () => { for (let i = 0; i < 300;) try { i += writeSync(1, "x".repeat(65536)) / 65536; } catch {} });`,
    "the tests wrote more than 16 MiB.",
  ],
];
test.each(refusals)("%s changes nothing", async (_, text, told) => {
  const story = await start(config(SAY, GATE), { files });
  expect(await story.reload({ "says.ts": says("two"), "gateway.test.ts": text })).toContain(told);
  expect(await story.body()).toBe("one");
  await story.gateway.stop();
});

test("without a test beside the config nothing is reloaded; check and the start warn", async () => {
  const story = await start(config(SAY, GATE));
  const warning =
    "sluice: warn: reload.gate: there is no *.test.ts beside gateway.config.ts: no reload will be taken\n";
  expect(story.gateway.stderr.text).toStartWith(warning);
  expect(await sluice(["check"], { cwd: story.gateway.folder })).toMatchObject({ code: 0, stderr: warning });
  expect(await story.reload({ "says.ts": says("two") })).toStartWith(
    "sluice: error: reload.gate: there is no test beside gateway.config.ts.\n",
  );
  expect(await story.body()).toBe("one");
  await story.reload({ "gateway.config.ts": config(SAY) });
  expect(await story.body()).toBe("two");
  await story.gateway.stop();
});

test("what tests write is not taken for what came of them", async () => {
  const writes = `${HEAD}test("a", () => { writeSync(1, '{"ok":false,'); console.log(config); });`;
  const story = await start(config(SAY, GATE), { files: { ...files, "gateway.test.ts": writes } });
  expect(await story.reload({ "says.ts": says("two") })).toEndWith("1 test passed\n");
  await story.gateway.stop();
});

test("a gateway that shuts down waits for no tests, and leaves none behind", async () => {
  const hangs = `${HEAD}test("hangs", () => { writeFileSync("hangs", ""); return new Promise(() => {}); }, { timeout: "40s" });`;
  const story = await start(config(SAY, GATE), { files: { ...files, "gateway.test.ts": hangs } });
  story.gateway.signal("SIGHUP");
  await made(story, "hangs");
  story.gateway.signal("SIGTERM");
  await story.gateway.stop();
});

test("nor does one that ends at once", async () => {
  const tells = `writeFileSync("pid", String(process.pid)); return new Promise(() => {});`;
  const hangs = `${HEAD}test("hangs", () => { ${tells} }, { timeout: "40s" });`;
  const story = await start(config(SAY, GATE), { files: { ...files, "gateway.test.ts": hangs } });
  story.gateway.signal("SIGHUP");
  await made(story, "pid");
  const pid = await until(() => readFileSync(join(story.gateway.folder, "pid"), "utf8"), "its number");
  story.gateway.signal("SIGQUIT");
  expect(await story.gateway.ended()).toBe(131);
  await until(() => !existsSync(`/proc/${pid}`), "the end of the tests");
});

test("--watch tries again when a test changes", async () => {
  const story = await start(config(SAY, GATE), { files, args: ["--watch"] });
  expect(await story.told(() => story.write({ "says.ts": says("three") }))).toContain("✗ it says what it may");
  const told = await story.told(() => story.write({ "gateway.test.ts": demands("three") }));
  expect(told).toEndWith("1 test passed\n");
  expect(await story.body()).toBe("three");
  await story.gateway.stop();
});

describe("sluice reload", () => {
  const asked = async (text: string): Promise<{ code: number; told: Record<string, unknown> }> => {
    const story = await start(config(SAY, `${GATE} admin: { socket: "admin.sock" },`), { files });
    story.write({ "says.ts": says("three"), "gateway.test.ts": text });
    const { code, stdout } = await sluice(["reload", "--json"], { cwd: story.gateway.folder });
    rmSync(join(story.gateway.folder, "admin.sock"));
    await story.gateway.stop();
    return { code, told: JSON.parse(stdout) as Record<string, unknown> };
  };

  test("ends with 1 where a test has failed, and tells which one and where", async () => {
    const { code, told } = await asked(demands("one"));
    expect(code).toBe(1);
    expect(told).toMatchObject({ ok: false, exitCode: 1 });
    expect(told["faults"]).toMatchObject([
      { file: expect.stringMatching(/gateway\.test\.ts$/), line: 7, test: ["it says what it may"] },
    ]);
  });

  test("ends with 78 where a test file does not load", async () => {
    const { code, told } = await asked("export const = 1;");
    expect([code, told["exitCode"]]).toEqual([78, 78]);
    expect(told["faults"]).toMatchObject([{ line: 1, column: 14 }]);
  });

  test("ends with 0 where all pass", async () => {
    const { code, told } = await asked(demands("three"));
    expect([code, told["message"]]).toEqual([0, "reloaded gateway.config.ts (1 route, 0 upstreams), 1 test passed"]);
  });
});
