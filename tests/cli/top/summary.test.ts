// Summaries: what is told of the ticks that came.
import { expect, test } from "bun:test";
import { History } from "../../../src/admin/live/history.ts";
import { type Summary, summaryOf } from "../../../src/cli/top/summary.ts";
import { BUSY, outcome, pairsOf, tickAt } from "./ticks.ts";

function summaryAfter(...ticks: readonly Parameters<History["add"]>[0][]): Summary | undefined {
  const history = new History();
  for (const tick of ticks) history.add(tick);
  return summaryOf(history);
}

test("one tick is only a beginning, and so is the first of a process that has begun anew", () => {
  expect(summaryAfter()).toBeUndefined();
  expect(summaryAfter(BUSY[0])).toBeUndefined();
  const { process } = BUSY[0];
  const anew = tickAt(3, { process: { ...process, startedAtSeconds: process.startedAtSeconds + 60 } });
  expect(summaryAfter(...BUSY, anew)).toBeUndefined();
});

test("rates are of what has grown meanwhile, counts are those of the process", () => {
  const summary = summaryAfter(...BUSY)!;
  expect(summary).toMatchObject({ seconds: 2, cpu: 0.25, requests: { total: 1254, perSecond: 125, failed: 0.02 } });
  expect(
    summary.failures.map(({ code, status, route, count, lately }) => [code, status, route, count, lately]),
  ).toEqual([
    ["connection_refused", 502, "orders", 8, 4],
    ["rate_limit_exceeded", 429, "orders", 3, 3],
    ["route_not_found", 404, "", 2, 2],
    ["", 500, "users", 1, 1],
  ]);
  expect(summary.routes.map(({ route, total, perSecond }) => [route, total, perSecond])).toEqual([
    ["orders", 1251, 123.5],
    ["users", 1, 0.5],
    ["", 2, 1],
  ]);
  expect(summary.upstreams[0]!.targets[1]).toMatchObject({ attempts: 108, lately: { perSecond: 2, failed: 1 } });
  expect(summary.decisions).toEqual(BUSY[1].decisions);
});

test("what is older than ten seconds counts no more", () => {
  const ticks = Array.from({ length: 30 }, (_, at) =>
    tickAt(at, {
      outcomes: [outcome("r", 200, at < 15 ? at * 100 : 1500)],
      durations: at < 15 ? [["r", pairsOf(50)]] : [],
    }),
  );
  expect(summaryAfter(...ticks.slice(0, 15))!.requests.perSecond).toBe(100);
  expect(summaryAfter(...ticks)!).toMatchObject({
    seconds: 10,
    requests: { total: 1500, perSecond: 0, p99: undefined },
  });
});
