// Which exchanges are recorded, and in which form.
import { expect, test } from "bun:test";
import type { LogPlan } from "../../src/config/log/plan.ts";
import type { Plan } from "../../src/config/plan.ts";
import { recorder } from "../../src/record/record.ts";
import { LOG, WHOLE, exchange, recordingPlatform, route } from "./exchanges.ts";

function recorded(log: LogPlan | false, isTerminal: boolean, routeLogs?: boolean): readonly string[] {
  const platform = recordingPlatform();
  const x = exchange();
  if (routeLogs !== undefined) x.route = { ...route("orders", "/"), log: routeLogs };
  recorder({ log } as Plan, { ...platform, terminal: isTerminal })(x, WHOLE);
  return platform.lines;
}

const format = (name: LogPlan["format"]): LogPlan => ({ ...LOG, format: name });

test.each([
  ["json", true, true],
  ["json", false, true],
  ["pretty", true, false],
  ["pretty", false, false],
  ["auto", true, false],
  ["auto", false, true],
] as const)("format %s with a terminal: %p writes JSON: %p", (name, isTerminal, json) => {
  const lines = recorded(format(name), isTerminal);
  expect(lines).toHaveLength(1);
  expect(lines[0]!.startsWith("{")).toBe(json);
});

test("a plan without a log writes nothing", () => {
  expect(recorded(false, false)).toEqual([]);
});

test("a route decides for itself; without a route there is a line", () => {
  expect(recorded(format("json"), false, false)).toEqual([]);
  expect(recorded(format("json"), false, true)).toHaveLength(1);
  expect(recorded(format("json"), false)).toHaveLength(1);
});
