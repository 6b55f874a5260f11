// npm test: runs every check and suite, prints what failed in full, and ends with one line of counts.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { type Counts, readReport } from "./junit.ts";
import { missingTools, NEEDS } from "./needs.ts";
import { type Outcome, run } from "./run.ts";
import { type Check, CHECKS, findSuites, type Suite } from "./suites.ts";

const ROOT = resolve(import.meta.dir, "../..");
const CHECK_LIMIT_MS = 120_000;
const SUITE_LIMIT_MS = 600_000;
/** How many suites run at a time. Those of the executable wait most of their time. */
const LANES = 2;
/** What a single test may take unless it says otherwise. Generous: a busy machine is not a fault. */
const TEST_LIMIT_MS = 30_000;

const total: Counts = { passed: 0, failed: 0, skipped: 0 };

async function main(filters: readonly string[]): Promise<void> {
  process.chdir(ROOT);
  process.env["PATH"] = [join(ROOT, "node_modules/.bin"), process.env["PATH"] ?? ""].join(delimiter);
  const wanted = (text: string) => filters.length === 0 || filters.some((filter) => text.includes(filter));
  const suites = findSuites(ROOT)
    .map((suite) => ({ ...suite, files: suite.files.filter(wanted) }))
    .filter((suite) => suite.files.length > 0);
  // A part of the suites still meets the executable as the sources have it now.
  const checks = CHECKS.filter((check) => wanted(check.name) || (check.name === "build" && suites.length > 0));
  for (const check of checks) await runCheck(check);
  await runSuites(suites);
  if (checks.length === 0 && suites.length === 0) {
    console.log(`No check and no test file matches ${filters.join(" ")}.`);
    total.failed++;
  }
  for (const tool of missingTools()) {
    const { debian, usedBy } = NEEDS[tool];
    console.log(`${tool} is missing, tests are skipped: ${usedBy}. Install it: apt-get install -y ${debian}`);
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

async function runCheck(check: Check): Promise<void> {
  const outcome = await run(check.command, CHECK_LIMIT_MS);
  const good = outcome.code === 0;
  report(check.name, good ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 }, outcome);
}

/** The longest first: the others find room beside it. */
async function runSuites(suites: readonly Suite[]): Promise<void> {
  const waiting = suites.toSorted((a, b) => b.files.length - a.files.length);
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await runSuite(next);
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

async function runSuite({ name, files }: Suite): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  const reportFile = join(folder, "report.xml");
  try {
    const paths = files.map((file) => `./${file}`);
    const options = [`--timeout=${TEST_LIMIT_MS}`, "--reporter=junit", `--reporter-outfile=${reportFile}`];
    const outcome = await run([process.execPath, "test", ...options, ...paths], SUITE_LIMIT_MS);
    const { counts, files: seen } = readReport(existsSync(reportFile) ? readFileSync(reportFile, "utf8") : "");
    const unseen = files.filter((file) => !seen.has(file));
    for (const file of unseen) console.log(`FAIL  ${file}: no test of it ran`);
    counts.failed += unseen.length;
    // The exit code knows of failures that belong to no test.
    if (outcome.code !== 0 && counts.failed === 0) counts.failed = 1;
    report(name, counts, outcome);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function report(name: string, counts: Counts, outcome: Outcome): void {
  for (const survivor of outcome.left) console.log(`FAIL  ${name} left a process behind: ${survivor}`);
  counts.failed += outcome.left.length;
  if (counts.failed > 0) console.log(outcome.output.replaceAll(/^\(pass\) .*\n/gm, "").trimEnd());
  const parts = [`${counts.passed} passed`];
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.skipped > 0) parts.push(`${counts.skipped} skipped`);
  console.log(`${counts.failed > 0 ? "FAIL" : "ok  "}  ${name}: ${parts.join(", ")} (${outcome.seconds.toFixed(1)} s)`);
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

await main(process.argv.slice(2));
