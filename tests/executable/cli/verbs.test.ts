// What every verb keeps to, whoever adds the next one: help, exit codes, colour, and no question where nobody can answer.
import { afterAll, describe, expect, test } from "bun:test";
import { EXIT_TEXTS } from "../../../src/cli/exit.ts";
import type { Verb } from "../../../src/cli/verb.ts";
import { VERBS } from "../../../src/cli/verbs.ts";
import { cleanUp, folderWith, RIGHT_CONFIG, type Run, sluice } from "./run-sluice.ts";

afterAll(cleanUp);

/** Escapes of colours and cursors, and returns to the beginning of a line: nothing but a terminal wants them. */
// oxlint-disable-next-line no-control-regex
const FOR_TERMINALS = /[\u001b\r]/;
const BUG = 70;

/** What a verb may end with, by what it says of itself. */
const codesOf = ({ exits }: Verb): number[] => [
  0,
  64,
  ...exits.map((each) => (typeof each === "number" ? each : each[0])),
];

async function bare(words: readonly string[], env: Record<string, string> = {}, files = {}): Promise<Run> {
  return sluice(words, { cwd: folderWith(files), env });
}

describe.each(Object.keys(VERBS))("sluice %s", (name) => {
  const words = name.split(" ");
  const verb = VERBS[name]!();

  test("its examples are command lines of its own, with what they do", async () => {
    const { examples, summary } = await verb;
    expect(examples.length).toBeGreaterThan(0);
    for (const [line, does] of examples) {
      expect(line).toContain(`sluice ${name}`);
      expect(does).not.toBe("");
    }
    expect(summary).toMatch(/^[a-z].*[^.]$/);
  });

  test("--help goes to stdout, with its examples and what it may end with; nothing else is asked of it", async () => {
    const { code, stdout, stderr } = await bare([...words, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    const { examples, exits } = await verb;
    for (const [line] of examples) expect(stdout).toContain(line);
    for (const each of exits) {
      const [exitCode, means] = typeof each === "number" ? [each, EXIT_TEXTS[each]] : each;
      expect(stdout.split("\n").map((line) => line.trim().replace(/ +/, " "))).toContain(`${exitCode} ${means}`);
    }
    expect(stdout).toMatch(/\n {2}--color=.*\n(?:.*\n)*Exit codes\n {2}0 .*\n(?: .*\n)* {2}64 /);
    expect(stdout).not.toMatch(FOR_TERMINALS);
  });

  test("NO_COLOR goes before FORCE_COLOR", async () => {
    const help = [...words, "--help"];
    expect((await bare(help, { FORCE_COLOR: "1" })).stdout).toMatch(FOR_TERMINALS);
    expect((await bare(help, { FORCE_COLOR: "1", NO_COLOR: "1" })).stdout).not.toMatch(FOR_TERMINALS);
  });

  test("a flag that it does not have: exit 64", async () => {
    const { code, stdout, stderr } = await bare([...words, "--no-such-flag"]);
    expect(stderr).toContain(`sluice ${name} has no flag --no-such-flag.`);
    expect([code, stdout]).toEqual([64, ""]);
  });

  test.each([
    ["in an empty folder", {}],
    ["beside a wrong config", { "gateway.config.ts": "export default {};" }],
    ["beside a right config that runs nowhere", name === "run" ? {} : { "gateway.config.ts": RIGHT_CONFIG }],
  ])("where nobody can answer, %s, it asks nothing, ends as it says it does, and draws nothing", async (_, files) => {
    const { code, stdout, stderr } = await bare(words, {}, files);
    expect(code).not.toBe(BUG);
    expect(codesOf(await verb)).toContain(code);
    expect(stdout + stderr).not.toMatch(FOR_TERMINALS);
    if (code !== 0) expect(stderr).not.toBe("");
  });
});
