// The cases of cases.json against the executable: one test for each variant.
import { describe, expect, test } from "bun:test";
import { missing } from "../support/requirements.ts";
import { CONFIGS } from "./configs.ts";
import { readCases, type Variant } from "./format.ts";
import { runVariant } from "./run-case.ts";

/** Cases whose variants wait for seconds: they wait together. */
const SLOW = new Set(["GW-11", "GW-19", "GW-20", "GW-25", "GW-28", "GW-35", "GW-44"]);
const TIMEOUT_MS = 60_000;

const cases = readCases();

test("every case of the file is run", () => {
  expect(Object.keys(CONFIGS).sort()).toEqual(cases.map((theCase) => theCase.id).sort());
});

for (const theCase of cases) {
  const lack = theCase.kind === "tls" ? missing("openssl") : undefined;
  describe(theCase.id, () => {
    const variants: readonly Variant[] = theCase.client.variants ?? [{ name: "as described" }];
    for (const variant of variants) {
      const title = `${theCase.id} ${theCase.title}: ${variant.name}`;
      const run = async (): Promise<void> => {
        const failures = await runVariant(theCase, variant);
        if (failures.length > 0 && variant.optional !== true) throw new Error(failures.join("\n"));
        if (failures.length > 0) console.warn(`optional, does not hold: ${title}\n${failures.join("\n")}`);
      };
      if (lack !== undefined) test.skip(`${title} (skipped: ${lack})`, () => {});
      else if (SLOW.has(theCase.id)) test.concurrent(title, run, TIMEOUT_MS);
      else test(title, run, TIMEOUT_MS);
    }
  });
}
