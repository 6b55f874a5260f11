// The table that several threads share: exact under contention, and free of what the dead held.
import { expect, test } from "bun:test";
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { buryWorker, LimitTable, tableMemory } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";
import type { Task } from "./table-hammer.ts";

const KEY = keyOf({ k0: 1, k1: 2 }, "test");
const RULE = windowRule(10, 60_000);

test.each([
  ["one key", 1, 20_000, 4000],
  ["keys that share sets, in a table that is nearly full", 40, 600, 2000],
] as const)(
  "four threads that hammer %s admit exactly the limit",
  async (_, keys, limit, rounds) => {
    const threads = 4;
    const memory = tableMemory(64, threads);
    const gate = new Int32Array(new SharedArrayBuffer(4));
    const workers = Array.from(
      { length: threads },
      () => new Worker(new URL("./table-hammer.ts", import.meta.url).href),
    );
    const counts = await Promise.all(
      workers.map((worker, index) => {
        const { promise, resolve } = Promise.withResolvers<readonly number[]>();
        worker.addEventListener("message", ({ data }: MessageEvent<readonly number[]>) => resolve(data));
        const roundsOfAll = keys === 1 ? rounds * 5 : rounds;
        worker.postMessage({
          memory,
          worker: index + 1,
          gate,
          threads,
          limit,
          keys,
          rounds: roundsOfAll,
        } satisfies Task);
        return promise;
      }),
    );
    for (const worker of workers) worker.terminate();
    const admitted = Array.from({ length: keys }, (_, key) => counts.reduce((sum, each) => sum + each[key]!, 0));
    expect(admitted).toEqual(admitted.map(() => limit));
    expect(memory.locks.every((lock) => lock === 0)).toBe(true);
  },
  30_000,
);

test("what a dead worker held is taken by the next who wants it", () => {
  const memory = tableMemory(16, 2);
  const [first, second] = [new LimitTable(memory, 1), new LimitTable(memory, 2)];
  first.hold(0);
  Atomics.store(memory.living, 1, 0);
  expect(new Limiter(second).take(RULE, KEY, "who", 1, 0)).toBe(true);
  expect([...memory.locks]).toEqual([0]);
});

test("a worker that is buried holds nothing, and its number may live again", () => {
  const memory = tableMemory(64, 2);
  const [first, second] = [new LimitTable(memory, 1), new LimitTable(memory, 2)];
  first.hold(0);
  first.hold(1);
  second.hold(2);
  buryWorker(memory, 1);
  expect([...memory.locks]).toEqual([0, 0, 2, 0]);
  expect([...memory.living]).toEqual([0, 0, 1, 0]);
  new LimitTable(memory, 1);
  expect([...memory.living]).toEqual([0, 1, 1, 0]);
});
