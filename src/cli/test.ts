// `sluice test [file]`: runs the tests beside a config, each file in a thread of its own, without touching the network.
import { dirname, join, resolve } from "node:path";
import { EXIT, Refusal, usageError } from "./exit.ts";
import { findConfig } from "./find-config.ts";
import { isTyped } from "./read-secret.ts";
import type { GivenFiles } from "./sources.ts";
import { shownPath } from "./terminal.ts";
import { isTestFile, testFilesBeside } from "./testing/files.ts";
import { fileText, resultsJson, tallyOf, tallyText } from "./testing/report.ts";
import { type FileResult, runFile } from "./testing/run-file.ts";
import { defineVerb } from "./verb.ts";

/** `sluice test`: runs the tests beside a config. */
export const test = defineVerb(
  {
    name: "test",
    summary: "runs the tests beside a config",
    notes: [
      "Runs the *.test.ts (.mts, .js, .mjs) files in the config's folder, or the one that is named. Nothing listens and",
      'nothing connects: a test imports { gateway, test, expect } from "sluice/test", says what the upstreams answer, and',
      "moves the clock. What tests print goes to stderr.",
      "--json prints { ok, passed, failed, skipped, files: [{ file, faults, tests: [{ names, state, ms, failure }] }] }.",
    ],
    examples: [
      ["sluice test", "run the tests of this folder"],
      ["sluice test /etc/sluice/gateway.config.ts", "those beside that config"],
      ["sluice test --filter=partner", "only tests with this in their name"],
    ],
    exits: [
      [0, "all have passed"],
      [1, "one has failed, or none has run"],
      [66, "there is nothing to run"],
      [78, "a file did not load"],
    ],
  },
  {
    file: { type: "positional", required: false, means: "config", description: "the config, or one test file" },
    filter: { type: "string", valueHint: "text", description: "only tests whose names hold this text" },
    given: {
      type: "boolean",
      description: "take files of the config from standard input: what a reload with a gate does",
    },
    json: { type: "boolean", description: "for machines: one JSON object on stdout" },
  },
  async ({ file, filter, given, json }, { terminal, embedded }) => {
    const files: FileResult[] = [];
    const inPlace = given === true ? await givenFiles() : undefined;
    for (const each of testFiles(file)) {
      const result = await runFile({ file: each, filter, given: inPlace }, embedded);
      files.push(result);
      const isShown = result.tests.length + result.faults.length > 0;
      if (json !== true && isShown) terminal.out(fileText(result, terminal.outColors));
    }
    const tally = tallyOf(files);
    const { passed, failed, skipped, wrong } = tally;
    if (passed + failed + skipped + wrong === 0) {
      throw new Refusal(EXIT.failure, `No test has ${JSON.stringify(filter)} in its name.`);
    }
    const exitCode = wrong > 0 ? EXIT.config : failed > 0 ? EXIT.failure : EXIT.ok;
    terminal.out(json === true ? JSON.stringify(resultsJson(files, exitCode)) : tallyText(tally));
    return exitCode;
  },
);

/** The files to run, in order. @throws Refusal (66) when there are none */
function testFiles(named: string | undefined): string[] {
  const config = findConfig(named);
  if (isTestFile(config)) return [resolve(config)];
  const files = testFilesBeside(config);
  if (files.length > 0) return files;
  const hint = `Write ${shownPath(join(dirname(config), "gateway.test.ts"))}: sluice test --help tells how.`;
  throw new Refusal(EXIT.noInput, `There is no test beside ${shownPath(config)}.`, { hint });
}

/** Of standard input: `{ "texts": [[path, text]], "others": [[path, text]] }`. @throws Refusal (64) */
async function givenFiles(): Promise<GivenFiles> {
  try {
    const { texts, others } = (isTyped() ? undefined : await Bun.stdin.json()) as Record<
      keyof GivenFiles,
      [string, string][]
    >;
    return { texts: new Map(texts), others: new Map(others) };
  } catch {
    throw usageError("--given reads { texts, others } as JSON on standard input: lists of paths and texts.");
  }
}
