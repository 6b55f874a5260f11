// Ejection on threads that run at the same time: never more are out than may be, and whoever is out was told once.
import { expect, test } from "bun:test";
import { isEjected } from "../../src/balance/availability.ts";
import { boardMemory, MAIN_THREAD, SharedBoard } from "../../src/shared-board.ts";
import { type Task, targetsOfRound, WIDTH } from "./ejection-hammer.ts";

test("when two targets fail at the same moment on two threads, one is left", async () => {
  const [threads, rounds] = [2, 3000];
  const memory = boardMemory(threads * rounds * 2, WIDTH, [5, 6]);
  const gates = new Int32Array(new SharedArrayBuffer(rounds * 4));
  const board = new SharedBoard(memory, MAIN_THREAD, () => undefined);
  const targets = Array.from({ length: rounds }, (_, round) => targetsOfRound(board, round, threads));
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./ejection-hammer.ts", import.meta.url).href),
  );
  const told = await Promise.all(
    workers.map((worker, index) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      worker.addEventListener("message", ({ data }: MessageEvent<number>) => resolve(data));
      worker.postMessage({ memory, worker: index + 1, gates, threads, rounds } satisfies Task);
      return promise;
    }),
  );
  for (const worker of workers) worker.terminate();
  const out = targets.map((each) => each.filter((target) => isEjected(target, 1000)).length);
  expect(Math.max(...out)).toBe(1);
  expect(told.reduce((sum, count) => sum + count, 0)).toBe(out.reduce((sum, count) => sum + count, 0));
}, 30_000);
