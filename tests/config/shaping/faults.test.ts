// Faults made on purpose: what they come out as, what is refused, and that nobody runs them without knowing.
import { expect, test } from "bun:test";
import { planWarnings } from "../../../src/config/warnings.ts";
import { faultLines, HELLO, planOf } from "../support.ts";

const gateway = (faults: unknown): object => ({ routes: { it: { ...HELLO, faults } } });

test("shares are whole where nothing is said", () => {
  const { faults } = planOf(gateway({ delay: { by: "200ms" }, abort: { status: 503, share: 0.05 } })).routes[0]!;
  expect(faults).toEqual({ delay: { ms: 200, share: 1 }, abort: { status: 503, share: 0.05 }, when: undefined });
});

test.each([
  ["nothing", {}, "", "at least one of delay, abort"],
  ["only conditions", { when: { header: { a: "b" } } }, "", "at least one of delay, abort"],
  ["a status that is none", { abort: { status: 200 } }, ".abort.status", "a whole number from 400 to 599"],
  ["a share over 1", { abort: { status: 503, share: 5 } }, ".abort.share", "a share from 0 to 1"],
  ["a share in words", { delay: { by: "1s", share: "5%" } }, ".delay.share", "a share from 0 to 1"],
  ["no duration", { delay: { share: 1 } }, ".delay.by", "a duration"],
  ["an unknown key", { dealy: { by: "1s" } }, ".dealy", 'Did you mean "delay"?'],
  ["a group nobody asks for", { abort: { status: 503 }, when: { consumer: "a" } }, ".when.consumer", "asks nobody"],
])("%s is refused", (_, faults, path, words) => {
  const lines = faultLines(gateway(faults)).filter((line) => line.includes(words));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toStartWith(`routes.it.faults${path}: `);
});

test("a plan with faults warns, and names the routes; one without does not", () => {
  const routes = { a: { match: "/a", answer: {} }, b: { match: "/b", answer: {}, faults: { delay: { by: "1s" } } } };
  expect(planWarnings(planOf({ routes }), 0)).toEqual([expect.stringMatching(/^FAULTS ARE MADE ON PURPOSE on b: /)]);
  expect(planWarnings(planOf({ routes: { a: routes.a } }), 0)).toEqual([]);
});
