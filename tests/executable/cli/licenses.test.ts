// `sluice licenses`: the executable tells by itself under which licences it stands.
import { expect, test } from "bun:test";
import { noticesText } from "../../../scripts/third-party.ts";
import { ROOT } from "../../rules/source.ts";
import { sluice } from "./run-sluice.ts";

test("it prints the licences of all that is inside", async () => {
  const { code, stdout, stderr } = await sluice(["licenses"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe(noticesText(ROOT));
  expect(stdout).toContain("you may change them and link the executable anew");
});
