// `sluice simulate`: whom a limit would have refused, counted by the limiter of the gateway.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readRecord } from "../../src/cli/logs/record.ts";
import { readRule, simulated } from "../../src/cli/simulate.ts";

const START = Date.UTC(2026, 0, 1);
const line = (ms: number, more: object = {}, seconds = 0): string =>
  JSON.stringify({
    time: new Date(START + ms).toISOString(),
    duration: seconds,
    "client.address": "10.0.0.1",
    ...more,
  });
const recordsOf = (lines: readonly string[]): NonNullable<ReturnType<typeof readRecord>>[] =>
  lines.map((each) => readRecord(each)!);

test("who asks more than the limit is told, with how often, and from when on", () => {
  const lines = [0, 100, 200, 300, 1300].map((ms) => line(ms));
  expect(
    simulated(recordsOf([...lines, line(50, { "client.address": "10.0.0.2" })]), readRule("2/1s"), "address"),
  ).toEqual({
    requests: 6,
    refused: 2,
    uncounted: 0,
    callers: [{ caller: "10.0.0.1", requests: 5, refused: 2, firstAt: "2026-01-01T00:00:00.200Z" }],
  });
});

test("a request counts when it began, though its line was written when it had ended", () => {
  const lines = [line(5000, {}, 5), line(100), line(10_000, {}, 0.1)];
  expect(simulated(recordsOf(lines), readRule("1/1s"), "address").refused).toBe(1);
});

describe("callers are told apart", () => {
  const acme = { "sluice.consumer": "acme", "sluice.route": "orders" };
  test.each([
    ["by consumer, else by address", "consumer", [acme, acme, {}, {}], ["10.0.0.1", "acme"]],
    [
      "by address, one of IPv6 by its /64",
      "address",
      [{ "client.address": "2001:db8::1" }, { "client.address": "2001:db8::2" }],
      ["2001:db8:0:0::/64"],
    ],
    ["by route", "route", [acme, acme], ["orders"]],
  ] as const)("%s", (_, by, lines, refused) => {
    const { callers } = simulated(recordsOf(lines.map((more, i) => line(i, more))), readRule("1/1s"), by);
    expect(callers.map(({ caller }) => caller).sort()).toEqual([...refused]);
  });

  test("of what the log does not tell nobody is blamed", () => {
    const found = simulated(recordsOf([line(0), line(1)]), readRule("1/1s"), "route");
    expect(found).toEqual({ requests: 2, refused: 0, uncounted: 2, callers: [] });
  });
});

test("in no window more are let through than the limit", () => {
  const times = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 19 }), (times, limit) => {
      const { requests, refused } = simulated(
        recordsOf(times.map((ms) => line(ms))),
        readRule(`${limit}/24d`),
        "address",
      );
      // Below 20 units the window is exact.
      expect(requests - refused).toBe(Math.min(times.length, limit));
    }),
  );
});

test.each(["100", "0/1s", "1000001/1s", "1/0s", "1/500ms", "1/25d", "x/1s", "1/1s/2", ""])(
  "--limit=%s is a mistake",
  (limit) => {
    expect(() => readRule(limit)).toThrow("--limit is a number and a window");
  },
);
