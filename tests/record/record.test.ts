// In which form exchanges are written, and which are.
import { expect, test } from "bun:test";
import type { LogFormat } from "../../src/config/log/options.ts";
import { WHOLE, exchange, logInto, logOf, recordingPlatform, route } from "./exchanges.ts";

function recorded(format: LogFormat, isTerminal: boolean, routeLogs?: boolean): readonly string[] {
  const platform = recordingPlatform();
  const x = exchange();
  if (routeLogs !== undefined) x.route = { ...route("orders", "/"), log: routeLogs };
  logInto(logOf(format), { ...platform, terminal: isTerminal })(x, WHOLE);
  return platform.lines;
}

test.each([
  ["json", true, true],
  ["json", false, true],
  ["pretty", true, false],
  ["pretty", false, false],
  ["auto", true, false],
  ["auto", false, true],
] as const)("format %s with a terminal: %p writes JSON: %p", (name, isTerminal, json) => {
  const lines = recorded(name, isTerminal);
  expect(lines).toHaveLength(1);
  expect(lines[0]!.startsWith("{")).toBe(json);
});

test("a route decides for itself; without a route there is a line", () => {
  expect(recorded("json", false, false)).toEqual([]);
  expect(recorded("json", false, true)).toHaveLength(1);
  expect(recorded("json", false)).toHaveLength(1);
});
