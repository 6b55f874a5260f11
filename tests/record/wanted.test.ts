// Which exchanges are written: filters and samples, and that errors are not lost by them.
import { describe, expect, test } from "bun:test";
import type { LogPlan } from "../../src/config/log/plan.ts";
import { GatewayError } from "../../src/errors.ts";
import type { Exchange } from "../../src/exchange.ts";
import { LOG, WHOLE, answer, exchange, recordingPlatform, route, logInto } from "./exchanges.ts";

function exchangeOf(status: number, name = "orders", attempts = 1): Exchange {
  const x = exchange();
  x.answer = answer(status);
  x.route = route(name, "/");
  x.attempts = Array.from({ length: attempts }, () => {
    return { target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 1, status, error: undefined };
  });
  return x;
}

/** How many of a thousand such exchanges are written. Each took 12.345 ms. */
function written(plan: Partial<LogPlan>, x: Exchange): number {
  const platform = { ...recordingPlatform(), random: () => new Int32Array([7]) };
  const log = logInto({ ...LOG, ...plan }, platform);
  for (let i = 0; i < 1000; i++) log(x, WHOLE);
  return platform.lines.length;
}

const ANY = { statuses: [], minMs: undefined, retried: false };

describe("only", () => {
  test.each([
    ["a class", { ...ANY, statuses: [4] }, exchangeOf(404), true],
    ["another class", { ...ANY, statuses: [4] }, exchangeOf(200), false],
    ["a status", { ...ANY, statuses: [302] }, exchangeOf(302), true],
    ["another status", { ...ANY, statuses: [302] }, exchangeOf(301), false],
    ["slow", { ...ANY, minMs: 12 }, exchangeOf(200), true],
    ["quick", { ...ANY, minMs: 13 }, exchangeOf(200), false],
    ["retried", { ...ANY, retried: true }, exchangeOf(200, "orders", 2), true],
    ["not retried", { ...ANY, retried: true }, exchangeOf(200), false],
    ["one of several", { statuses: [3], minMs: 12, retried: true }, exchangeOf(200), true],
    ["an error, whatever is picked", { ...ANY, statuses: [2] }, exchangeOf(503), true],
  ] as const)("%s", (_, only, x, isWritten) => {
    expect(written({ only }, x)).toBe(isWritten ? 1000 : 0);
  });
});

describe("a sample", () => {
  const rule = { statuses: undefined, routes: undefined };
  const gone = exchangeOf(200);
  gone.error = new GatewayError("connection_terminated", "gone");

  test("takes its share", () => {
    const some = written({ sample: [{ ...rule, share: 0.1 }] }, exchangeOf(200));
    expect(some).toBeGreaterThan(60);
    expect(some).toBeLessThan(150);
  });

  test.each([
    ["errors are always written", [{ ...rule, share: 0 }], exchangeOf(500), 1000],
    ["so is what the upstream broke", [{ ...rule, share: 0 }], gone, 1000],
    ["unless a rule names their status", [{ ...rule, statuses: [5], share: 0 }], exchangeOf(500), 0],
    ["what no rule fits is written", [{ ...rule, routes: ["health"], share: 0 }], exchangeOf(200), 1000],
    ["a rule may be of a route", [{ ...rule, routes: ["health"], share: 0 }], exchangeOf(200, "health"), 0],
    [
      "the first that fits counts",
      [
        { ...rule, routes: ["health"], share: 1 },
        { ...rule, share: 0 },
      ],
      exchangeOf(200, "health"),
      1000,
    ],
    ["status and route must both fit", [{ statuses: [2], routes: ["a"], share: 0 }], exchangeOf(404, "a"), 1000],
  ] as const)("%s", (_, sample, x, count) => {
    expect(written({ sample }, x)).toBe(count);
  });

  test("without a route a rule of routes does not fit", () => {
    const x = exchange();
    x.answer = answer(404);
    expect(written({ sample: [{ ...rule, routes: ["a"], share: 0 }] }, x)).toBe(1000);
  });
});
