// What is made of ticks: rates of a time, quantiles, failures of late; and numbers as people read them.
import { describe, expect, test } from "bun:test";
import { History, shownSpan } from "../../../src/admin/live/history.ts";
import { STEPS, stepOf, toPairs } from "../../../src/admin/live/latencies.ts";
import { bytesText, countText, durationText, rateText, shareText, waitText } from "../../../src/admin/live/numbers.ts";
import type { OutcomeCount, TargetCount, Tick } from "../../../src/admin/live/tick.ts";
import { seenExchange } from "../../cli/top/ticks.ts";

/** A tick so many seconds after the first. */
function tick(second: number, outcomes: readonly OutcomeCount[], more: Partial<Tick> = {}): Tick {
  const process = {
    ...{ active: 0, connections: 0, cpuSeconds: second / 4, memory: 0, workers: 1, linesDropped: 0, version: "1" },
    startedAtSeconds: 1,
  };
  const at = 1_000_000 + second * 1000;
  const none = { upstreams: [], decisions: [], obstacles: [], durations: [], exchanges: [], uses: [] };
  return { at, name: "gate", outcomes, process, ...none, ...more };
}

const outcome = (route: string, status: number, count: number, code = ""): OutcomeCount => ({
  route,
  status,
  code,
  count,
});

function durations(route: string, ...all: number[]): Tick["durations"] {
  const counts = new Uint32Array(STEPS);
  for (const ms of all) counts[stepOf(ms)]! += 1;
  return [[route, toPairs(counts)]];
}

function history(...ticks: Tick[]): History {
  const made = new History();
  for (const each of ticks) made.add(each);
  return made;
}

describe("rates", () => {
  test("of nothing are nothing", () => {
    const none = {
      ...{ total: 0, perSecond: 0, refusedPerSecond: 0, failedPerSecond: 0, refused: 0, failed: 0 },
      ...{ p50: undefined, p90: undefined, p99: undefined },
    };
    expect(new History().rates(60_000)).toEqual(none);
    expect(history(tick(0, [outcome("a", 200, 7)])).rates(60_000)).toEqual({ ...none, total: 7 });
  });

  test("are of the time alone, totals are since the start", () => {
    const made = history(
      tick(0, [outcome("a", 200, 1000)]),
      tick(100, [outcome("a", 200, 1100), outcome("a", 404, 50), outcome("b", 502, 50)]),
      tick(110, [outcome("a", 200, 1170), outcome("a", 404, 70), outcome("b", 502, 60)]),
    );
    expect(made.rates(10_000)).toMatchObject({ total: 1300, perSecond: 10, refused: 0.2, failed: 0.1 });
    expect(made.routes(10_000)).toMatchObject([
      { route: "a", total: 1240, perSecond: 9, failed: 0 },
      { route: "b", total: 60, perSecond: 1, failed: 1 },
    ]);
    expect(made.rates(200_000).perSecond).toBeCloseTo(300 / 110);
  });

  test("count what broke off as failed, whatever its status, unless a client is at fault", () => {
    const made = history(
      tick(0, []),
      tick(10, [
        ...[outcome("a", 200, 6), outcome("a", 200, 1, "http_response_incomplete")],
        ...[outcome("a", 200, 2, "client_disconnect"), outcome("a", 504, 1, "deadline_exceeded")],
      ]),
    );
    expect(made.rates(60_000).failed).toBeCloseTo(0.2);
  });

  test("tell quantiles of those that ended within the time", () => {
    const made = history(
      tick(0, [], { durations: durations("a", 9999) }),
      tick(1, [], { durations: durations("a", 10, 10) }),
      tick(2, [], { durations: durations("b", 20, 400) }),
    );
    expect(made.rates(60_000).p50! / 10).toBeCloseTo(1, 1);
    expect(made.rates(60_000).p99! / 400).toBeCloseTo(1, 1);
    expect(made.rates(1000).p50! / 20).toBeCloseTo(1, 1);
  });

  test("of a process that has begun anew have no past", () => {
    const first = tick(0, [outcome("a", 200, 1000)]);
    const then = tick(5, [outcome("a", 200, 3)]);
    const made = history(first, tick(1, [outcome("a", 200, 1001)]), {
      ...then,
      process: { ...then.process, startedAtSeconds: 9 },
    });
    expect(made.rates(60_000)).toMatchObject({ total: 3, perSecond: 0 });
    expect(made.points).toEqual([]);
  });
});

test("failures are told by route, status and code, those of late first", () => {
  const made = history(
    tick(0, [outcome("a", 200, 5), outcome("a", 429, 90, "rate_limit_exceeded"), outcome("b", 503, 1)]),
    tick(9, [
      outcome("a", 200, 9),
      outcome("a", 429, 91, "rate_limit_exceeded"),
      outcome("b", 503, 4),
      outcome("a", 200, 1, "client_disconnect"),
    ]),
  );
  expect(
    made.failures(60_000).map(({ route, status, code, count, lately }) => [route, status, code, count, lately]),
  ).toEqual([
    ["b", 503, "", 4, 3],
    ["a", 429, "rate_limit_exceeded", 91, 1],
    ["a", 200, "client_disconnect", 1, 1],
  ]);
});

test("a target's rates are those of attempts at it", () => {
  const at = (attempts: number, failures: number): Pick<Tick, "upstreams"> => {
    const target: TargetCount = {
      ...{ url: "http://a", weight: 1, state: "up", attempts, failures },
      connections: { active: 0, idle: 0 },
    };
    return { upstreams: [{ name: "up", targets: [target], retries: 0, ejections: 0, openings: 0 }] };
  };
  const made = history(tick(0, [], at(100, 50)), tick(10, [], at(140, 60)));
  expect(made.target(60_000, "up", "http://a")).toEqual({ perSecond: 4, failed: 0.25 });
  expect(made.target(60_000, "up", "http://gone")).toEqual({ perSecond: 0, failed: 0 });
  expect(made.cpu(60_000)).toBeCloseTo(0.25);
});

test("the last thousand exchanges are remembered, the newest first, whatever else is forgotten", () => {
  const made = new History();
  for (let second = 0; second < 700; second++) {
    const exchanges = ["a", "b"].map((each) => seenExchange({ id: `${second}${each}` }));
    made.add(tick(second, [], second % 2 === 0 ? { exchanges } : {}));
  }
  const ids = made.exchanges.map(({ id }) => id);
  expect(ids.slice(0, 3)).toEqual(["698b", "698a", "696b"]);
  expect(ids).toHaveLength(700);
  for (let second = 700; second < 900; second++)
    made.add(tick(second, [], { exchanges: [1, 2, 3, 4].map(() => seenExchange()) }));
  expect(made.exchanges).toHaveLength(1000);
});

test("it remembers five minutes", () => {
  const made = new History();
  for (let second = 0; second < 1000; second++) made.add(tick(second, [outcome("a", 200, second * 2)]));
  expect(made.points.length).toBeLessThanOrEqual(301);
  expect(made.points.every(({ perSecond }) => perSecond === 2)).toBe(true);
  expect(made.rates(3_600_000)).toMatchObject({ total: 1998, perSecond: 2 });
});

describe("numbers are short:", () => {
  test.each<[string, string]>([
    [countText(0), "0"],
    [countText(0.04), "0.04"],
    [countText(2.345), "2.35"],
    [countText(23.45), "23.4"],
    [countText(1234), "1,234"],
    [countText(1234.5), "1,235"],
    [rateText(0), "0"],
    [rateText(0.04), "<0.1"],
    [rateText(6.19), "6.2"],
    [rateText(99.96), "100"],
    [rateText(1234.4), "1,234"],
    [waitText(0), "0 s"],
    [waitText(7001), "8 s"],
    [waitText(119_500), "2 min"],
    [waitText(3_590_000), "60 min"],
    [waitText(86_400_000), "24 h"],
    [durationText(undefined), "–"],
    [durationText(0), "0 ms"],
    [durationText(0.123), "0.12 ms"],
    [durationText(1.26), "1.3 ms"],
    [durationText(9.96), "10 ms"],
    [durationText(999.6), "1.00 s"],
    [durationText(12_345), "12.3 s"],
    [durationText(120_000), "2 min"],
    [shareText(0), "0%"],
    [shareText(0.0001), "<0.1%"],
    [shareText(0.0123), "1.2%"],
    [shareText(1), "100%"],
    [bytesText(0), "0 B"],
    [bytesText(1023), "1023 B"],
    [bytesText(1024), "1.0 KiB"],
    [bytesText(150 * 2 ** 20), "150 MiB"],
  ])("%s", (told, expected) => {
    expect(told).toBe(expected);
  });
});

test.each([
  ["one", [500], [440, 500]],
  ["few", [500, 501, 510], [450, 510]],
  ["those of two minutes", [500, 620], [500, 620]],
  ["more than five minutes", [500, 1500], [1200, 1500]],
])("a chart of %s points ends with the last one", (_, times, shown) => {
  expect(shownSpan(times)).toEqual(shown as [number, number]);
});

test("a chart without points shows no time", () => {
  expect(shownSpan([])).toEqual([null, null]);
});
