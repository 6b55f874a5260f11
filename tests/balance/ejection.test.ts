// Ejection: which failures count, how many may be out and for how long, and how they come back; alone and with other threads.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Availability, isEjected } from "../../src/balance/availability.ts";
import { PolicyBalancer } from "../../src/balance/balancer.ts";
import { Ejection } from "../../src/balance/ejection.ts";
import { RoundRobin } from "../../src/balance/round-robin.ts";
import type { EjectionPlan } from "../../src/config/upstream/plan.ts";
import { type ErrorCode, GatewayError, MEANINGS, type Retry } from "../../src/errors.ts";
import type { AttemptRecord } from "../../src/exchange.ts";
import { chances } from "../../src/http/chance.ts";
import { CHECKED, DOWN, DRAINED, EJECTION_REASON, type Target, UP } from "../../src/target.ts";
import { reasonText, verdictOf } from "../../src/verdict.ts";
import { anExchange, targetsOf } from "./doubles.ts";

const PLAN: EjectionPlan = { failures: 3, timeMs: 30_000, maxTimeMs: 100_000, maxShare: 0.5 };
const x = anExchange();

const attempt = (status: number, code?: ErrorCode, retry: Retry = "never"): AttemptRecord => ({
  target: "",
  startedAt: 0,
  settledAt: 0,
  status,
  error: code && new GatewayError(code, "as the test wanted", { retry }),
});
const good = attempt(200);
const bad = attempt(0, "connection_refused", "safe");

/** Several threads that watch the same targets. */
function threadsOf(targets: readonly Target[], plan = PLAN, threads = 1) {
  const clock = { now: 1000 };
  const board = { version: 0, changed: () => void board.version++ };
  const told: string[] = [];
  const all = Array.from({ length: threads }, () => {
    const availability = new Availability<Target>(0, (target) => told.push(`back ${targets.indexOf(target)}`));
    const now = (): number => clock.now;
    const balancer = new PolicyBalancer(new RoundRobin<Target>(chances(1)), availability, board, now);
    balancer.use(targets);
    const ejection = new Ejection(plan, availability, board, now, (target, ms) => {
      told.push(`out ${targets.indexOf(target)} for ${ms / 1000}`);
    });
    return {
      settle: (at: number, what: AttemptRecord) => ejection.settled(targets[at]!, what),
      /** Indexes of those that are picked. */
      picked: () => [...new Set([...targets, ...targets].map(() => targets.indexOf(balancer.pick(x, [])!)))].sort(),
    };
  });
  const out = (): number[] => targets.flatMap((target, at) => (isEjected(target, clock.now) ? [at] : []));
  return { clock, told, out, all, one: all[0]! };
}

describe("what an attempt says of its target", () => {
  const statuses = [200, 204, 301, 400, 404, 429, 499, 500, 501, 502, 503, 504, 505, 599];
  test.each(statuses)("status %i", (status) => {
    expect(verdictOf(attempt(status))).toBe([502, 503, 504].includes(status) ? "bad" : "good");
  });

  test.each(Object.keys(MEANINGS) as ErrorCode[])("%s", (code) => {
    expect(verdictOf(attempt(0, code))).toBe(MEANINGS[code].fault === "upstream" ? "bad" : "none");
    expect(verdictOf(attempt(0, code, "safe"))).toBe(verdictOf(attempt(0, code)));
  });

  test.each(["client_disconnect", "connection_limit_reached", "proxy_loop_detected", "request_timeout"] as const)(
    "%s is no fault of the target's",
    (code) => expect(verdictOf(attempt(0, code))).toBe("none"),
  );

  test("a kept connection that the target had closed says nothing", () => {
    expect(verdictOf(attempt(0, "connection_terminated", "idempotent"))).toBe("none");
  });
});

test("a target is ejected by failures in a row, whichever threads saw them, and by no others", () => {
  const outcome = fc.record({
    thread: fc.nat(2),
    at: fc.nat(3),
    what: fc.constantFrom(good, bad, attempt(503), attempt(500)),
  });
  fc.assert(
    fc.property(fc.array(outcome, { maxLength: 60 }), (outcomes) => {
      const { all, out } = threadsOf(targetsOf([1, 1, 1, 1]), { ...PLAN, maxShare: 1 }, 3);
      const rows = [0, 0, 0, 0];
      const expected = new Set<number>();
      for (const { thread, at, what } of outcomes) {
        all[thread]!.settle(at, what);
        if (expected.has(at)) continue;
        rows[at] = verdictOf(what) === "bad" ? rows[at]! + 1 : 0;
        if (rows[at]! >= PLAN.failures && expected.size < 3) expected.add(at);
        expect(out()).toEqual([...expected].sort());
        for (const { picked } of all) expect(picked()).toEqual([0, 1, 2, 3].filter((each) => !expected.has(each)));
      }
    }),
  );
});

test("at most the share is out, one at least of two, and never all, whatever fails", () => {
  const shares = fc.double({ min: 0, max: 1, noNaN: true });
  const moves = fc.array(fc.record({ thread: fc.nat(1), at: fc.nat(11), ms: fc.nat(20_000) }), { maxLength: 150 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), shares, moves, (count, maxShare, moves) => {
      const { all, out, clock } = threadsOf(targetsOf(Array(count).fill(1)), { ...PLAN, failures: 1, maxShare }, 2);
      for (const { thread, at, ms } of moves) {
        clock.now += ms;
        all[thread]!.settle(at % count, bad);
        expect(out().length).toBeLessThanOrEqual(Math.min(count - 1, Math.max(1, Math.floor(count * maxShare))));
        for (const { picked } of all) {
          expect(picked()).toEqual([...Array(count).keys()].filter((each) => !out().includes(each)).sort());
        }
      }
    }),
  );
});

test("with one target there is no ejection", () => {
  const { one, out, told } = threadsOf(targetsOf([1]));
  for (let i = 0; i < 20; i++) one.settle(0, bad);
  expect([out(), told, one.picked()]).toEqual([[], [], [0]]);
});

test("each time in a row is longer, up to the most, and quiet times are forgotten one by one", () => {
  const { one, told, clock } = threadsOf(targetsOf([1, 1]));
  const fail = (): void => {
    for (let i = 0; i < 3; i++) one.settle(0, bad);
  };
  for (const seconds of [30, 60, 90, 100, 100]) {
    fail();
    expect(told.at(-1)).toBe(`out 0 for ${seconds}`);
    clock.now += seconds * 1000;
    expect(one.picked()).toEqual([0, 1]);
    expect(told.at(-1)).toBe("back 0");
  }
  // Five times in a row, of which two are forgotten.
  clock.now += 60_000;
  fail();
  expect(told.at(-1)).toBe("out 0 for 100");
  clock.now += 100_000 + 3 * 30_000;
  fail();
  expect(told.at(-1)).toBe("out 0 for 60");
  clock.now += 60_000 + 3_600_000;
  fail();
  expect(told.at(-1)).toBe("out 0 for 30");
});

test("who is ejected comes back by itself at its moment, and only one thread tells", () => {
  const { all, told, clock } = threadsOf(targetsOf([1, 1]), PLAN, 3);
  for (const { settle } of all) settle(1, bad);
  expect(told).toEqual(["out 1 for 30"]);
  clock.now += 29_999;
  expect(all.map(({ picked }) => picked())).toEqual([[0], [0], [0]]);
  clock.now += 1;
  expect(all.map(({ picked }) => picked())).toEqual([
    [0, 1],
    [0, 1],
    [0, 1],
  ]);
  expect(told).toEqual(["out 1 for 30", "back 1"]);
});

test("what was under way when a target was ejected does not eject it again", () => {
  const { one, told, clock } = threadsOf(targetsOf([1, 1]));
  for (let i = 0; i < 50; i++) one.settle(0, bad);
  clock.now += 30_000;
  one.settle(0, bad);
  expect(told.filter((text) => text.startsWith("out"))).toEqual(["out 0 for 30"]);
});

test("those whom checks call down are not there to be kept, and those who are ejected are the last resort", () => {
  const targets = targetsOf([1, 1, 1]);
  const { one, out } = threadsOf(targets, { ...PLAN, maxShare: 1 });
  targets[2]!.words[CHECKED] = DOWN;
  for (let i = 0; i < 5; i++) for (const at of [0, 1]) one.settle(at, bad);
  expect(out()).toEqual([0]);
  targets[1]!.words[CHECKED] = DOWN;
  one.settle(0, bad);
  const again = threadsOf(targets);
  expect(again.one.picked()).toEqual([0]);
  targets[0]!.words[DRAINED] = 1;
  expect(threadsOf(targets).one.picked()).toEqual([-1]);
});

test("below the panic share all are picked but those that an operator drains", () => {
  const targets = targetsOf([1, 1, 1, 1, 0]);
  const availability = new Availability<Target>(0.5, () => undefined);
  availability.use(targets);
  const live = (): number[] => availability.look(0).map((target) => targets.indexOf(target));
  targets[0]!.words[CHECKED] = UP;
  for (const at of [1, 2]) targets[at]!.words[CHECKED] = DOWN;
  expect(live()).toEqual([0, 3]);
  targets[3]!.words[CHECKED] = DOWN;
  expect(live()).toEqual([0, 1, 2, 3]);
  targets[1]!.words[DRAINED] = 1;
  expect(live()).toEqual([0, 2, 3]);
});

test("the reason is kept", () => {
  const targets = targetsOf([1, 1]);
  const { one } = threadsOf(targets, { ...PLAN, failures: 1 });
  one.settle(0, attempt(503));
  expect(reasonText(targets[0]!.words[EJECTION_REASON]!)).toBe("status 503");
  const others = targetsOf([1, 1]);
  threadsOf(others, { ...PLAN, failures: 1 }).one.settle(1, attempt(0, "connection_timeout", "safe"));
  expect(reasonText(others[1]!.words[EJECTION_REASON]!)).toBe("connection_timeout");
});
