// What is left of a limit, looked up beside those who count.
import { expect, test } from "bun:test";
import { leftIn } from "../../src/limit/left.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { runLimit } from "../../src/limit/limit.ts";
import { LimitTable, tableMemory } from "../../src/limit/table.ts";
import { exchange } from "../route/plans.ts";
import { planOf } from "../config/support.ts";

const plan = planOf({
  limits: { few: { limit: 5, window: "1m" }, daily: { limit: 7, per: "day" } },
  routes: { r: { match: "/", answer: {} } },
}).limits.limits;

test.each([1, 2])("with %d workers a look sees what was counted, and counts nothing", (workers) => {
  const memory = tableMemory(64, workers);
  const secret = { k0: 1, k1: 2 };
  let wall = Date.UTC(2026, 0, 1);
  const platform = { now: () => 1000, wallClock: () => wall };
  const limiter = new Limiter(new LimitTable(memory, 1));
  const left = (): number[] => plan.map((limit) => leftIn({ memory, secret, ahead: 0 }, limit, "127.0.0.1", platform));
  const running = plan.map((limit) => runLimit(limit, limiter, secret, () => 1000, platform));
  expect(left()).toEqual([5, 7]);
  for (const limit of running) for (let i = 0; i < 3; i++) limit.take(exchange("GET", "/"));
  const before = new Int32Array(memory.entries);
  expect(left()).toEqual([2, 4]);
  expect(left()).toEqual([2, 4]);
  expect(running.map((limit) => limit.left("127.0.0.1"))).toEqual([2, 4]);
  expect(running.map((limit) => limit.left("10.0.0.1"))).toEqual([5, 7]);
  expect(new Int32Array(memory.entries)).toEqual(before);
  wall += 86_400_000;
  expect(left()).toEqual([2, 7]);
});
