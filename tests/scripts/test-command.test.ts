// The test command itself: counts, processes left behind, needs that are not met.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { readReport } from "../../scripts/test/junit.ts";
import { findTool } from "../../scripts/test/needs.ts";
import { run } from "../../scripts/test/run.ts";
import { until } from "../support/deadline.ts";

test("the counts of a report leave failed and skipped out of passed", () => {
  const xml = `<?xml version="1.0"?>
<testsuites name="bun test" tests="6" assertions="9" failures="1" skipped="2" time="0.01">
  <testsuite name="tests/a.test.ts" file="tests/a.test.ts" tests="4" failures="1" skipped="2"></testsuite>
  <testsuite name="tests/b.test.ts" file="tests/b.test.ts" tests="2" failures="0" skipped="0"></testsuite>
</testsuites>`;
  const { counts, files } = readReport(xml);
  expect(counts).toEqual({ passed: 3, failed: 1, skipped: 2 });
  expect([...files]).toEqual(["tests/a.test.ts", "tests/b.test.ts"]);
});

test("a report that was never written counts nothing", () => {
  expect(readReport("").counts).toEqual({ passed: 0, failed: 0, skipped: 0 });
});

test("a command that fails gives its code and all it printed", async () => {
  const outcome = await run(["sh", "-c", "echo out; echo err >&2; exit 3"], 10_000);
  expect(outcome.code).toBe(3);
  expect(outcome.output).toContain("out\n");
  expect(outcome.output).toContain("err\n");
  expect(outcome.left).toEqual([]);
});

test("a process that outlives its command is named and ended", async () => {
  const outcome = await run(["sh", "-c", "sleep 100 & echo $!"], 10_000);
  expect(outcome.code).toBe(0);
  expect(outcome.left).toEqual([`${outcome.output.trim()} sleep 100`]);
  // It may lie there as a zombie until init looks.
  await until(() => !isRunning(outcome.output.trim()), "its end");
}, 15_000);

function isRunning(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

test("a process that left its command's session is found all the same", async () => {
  const outcome = await run(["sh", "-c", "setsid sleep 101 >&- 2>&- & sleep 0.2"], 10_000);
  expect(outcome.left.map((each) => each.replace(/^\d+ /, ""))).toEqual(["sleep 101"]);
}, 15_000);

test("a command that takes too long is ended and fails", async () => {
  const outcome = await run(["sleep", "100"], 200);
  expect(outcome.code).toBe(124);
  expect(outcome.output).toContain("it took longer than 0.2 s");
});

test("a program is found where Debian keeps servers, and one that is not installed is not", () => {
  expect(findTool("sh")).toMatch(/\/sh$/);
  expect(findTool("no-such-program")).toBeUndefined();
});
