// What an operator sees of limits, and a caller who begins anew: with the whole limit, and nobody else changes.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LimitControl } from "../../src/limit-control.ts";
import { runLimit, type RunningLimit } from "../../src/limit/limit.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { LimitTable, tableMemory } from "../../src/limit/table.ts";
import { planOf } from "../config/support.ts";
import { exchange } from "../route/plans.ts";

const plan = planOf({
  limits: {
    few: { limit: 5, window: "1m" },
    many: { limit: 400, window: "1h" },
    daily: { limit: 7, per: "day" },
  },
  routes: { r: { match: "/", answer: {} } },
}).limits.limits;

/** What the operator is told. */
const told: string[] = [];

const CALLERS = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "2001:db8::/64"];

/** The limits as each of two workers runs them, on one table. */
function workers(capacity: number): [first: Map<string, RunningLimit>, second: Map<string, RunningLimit>] {
  const memory = tableMemory(capacity, 2);
  const platform = { wallClock: () => Date.UTC(2026, 0, 1) };
  const secret = { k0: 1, k1: 2 };
  const running = (worker: number): Map<string, RunningLimit> => {
    const limiter = new Limiter(new LimitTable(memory, worker));
    return new Map(plan.map((limit) => [limit.name, runLimit(limit, limiter, secret, () => 1000, platform)]));
  };
  return [running(1), running(2)];
}

const control = (limits: Map<string, RunningLimit>): LimitControl =>
  new LimitControl(() => ({ limits, limitStore: undefined }), { notice: (_, text) => void told.push(text) });
const lefts = (limits: Map<string, RunningLimit>): number[] =>
  [...limits.values()].flatMap((limit) => CALLERS.map((caller) => limit.left(caller)));

function takeOf(limits: Map<string, RunningLimit>, name: string, caller: string): boolean {
  const x = exchange("GET", "/");
  x.client = caller;
  return limits.get(name)!.take(x)!.allowed;
}

const name = fc.constantFrom(...plan.map(({ name }) => name));
const caller = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3");

test("after a reset the caller has the whole limit, in every worker, and nobody else has more or less", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(name, caller), { maxLength: 60 }), name, caller, async (taken, limit, who) => {
      const [first, second] = workers(64);
      for (const [name, caller] of taken) takeOf(first, name, caller);
      const before = lefts(first);
      const most = plan.find(({ name }) => name === limit)!.limit;
      const at = plan.findIndex(({ name }) => name === limit) * CALLERS.length + CALLERS.indexOf(who);
      told.length = 0;
      expect(await control(second).reset(limit, who)).toEqual({
        limit,
        caller: who,
        most,
        left: most,
        before: before[at]!,
      });
      expect(told).toEqual([`limits.${limit}: "${who}" begins anew: an operator says so; ${before[at]} were left`]);
      const wanted = before.with(at, most);
      expect(lefts(first)).toEqual(wanted);
      expect(lefts(second)).toEqual(wanted);
      for (let i = 0; i < most; i++) expect(takeOf(first, limit, who)).toBe(true);
      expect(takeOf(second, limit, who)).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test("a look sees what was counted, and counts nothing", async () => {
  const [first, second] = workers(64);
  for (let i = 0; i < 3; i++) takeOf(first, "few", "10.0.0.1");
  const before = lefts(first);
  const status = { limit: "few", caller: "10.0.0.1", most: 5, left: 2 };
  expect(await control(second).see("few", "10.0.0.1")).toEqual(status);
  expect(await control(first).see("few", "10.0.0.1")).toEqual(status);
  expect(lefts(first)).toEqual(before);
  expect(await control(first).see("none", "10.0.0.1")).toBeUndefined();
  expect(await control(first).reset("none", "10.0.0.1")).toBeUndefined();
});

test("what is given back after a reset never makes more than the whole limit", () => {
  const [first] = workers(64);
  const x = exchange("GET", "/");
  const taken = first.get("few")!.take(x)!;
  first.get("few")!.reset(x.client);
  taken.giveBack!();
  expect(first.get("few")!.left(x.client)).toBe(5);
});

describe("a caller is named as operators know it:", () => {
  const limits = planOf({
    limits: {
      address: { limit: 5, window: "1m", by: "address" },
      consumer: { limit: 5, window: "1m", by: "consumer" },
      claim: { limit: 5, window: "1m", by: { claim: "tenant" } },
      header: { limit: 5, window: "1m", by: { header: "x-tenant" } },
      route: { limit: 5, window: "1m", by: "route" },
    },
    routes: { r: { match: "/", answer: {} } },
  }).limits.limits;
  const platform = { wallClock: () => 0 };
  const limiter = new Limiter(new LimitTable(tableMemory(64, 1), 1));
  const running = new Map(
    limits.map((each) => [each.name, runLimit(each, limiter, { k0: 1, k1: 2 }, () => 1, platform)]),
  );

  test.each([
    ["address", "10.0.0.1", "10.0.0.1"],
    ["address", "::ffff:10.0.0.1", "10.0.0.1"],
    ["address", "2001:DB8::7", "2001:db8:0:0::/64"],
    ["address", "2001:db8:0:0::/64", "2001:db8:0:0::/64"],
    ["consumer", "acme", "consumer acme"],
    ["consumer", "consumer acme", "consumer acme"],
    ["consumer", "subject token 7", "subject token 7"],
    ["consumer", "10.0.0.1", "address 10.0.0.1"],
    ["consumer", "2001:db8::7", "address 2001:db8:0:0::/64"],
    ["claim", "blue", '"blue"'],
    ["claim", '"blue"', '"blue"'],
    ["claim", "7", "7"],
    ["header", "10.0.0.1", "10.0.0.1"],
    ["route", "orders", "orders"],
  ])("%s %s is %s", async (limit, written, counted) => {
    expect((await control(running).see(limit, written))!.caller).toBe(counted);
  });
});
