// The breaker on threads that run at the same time: no failure is lost, and probes are counted exactly.
import { expect, test } from "bun:test";
import { UPSTREAM_WORDS } from "../../src/board.ts";
import { boardMemory, MAIN_THREAD, SharedBoard } from "../../src/shared-board.ts";
import type { Target } from "../../src/target.ts";
import { Breaker } from "../../src/upstream/breaker.ts";
import { planOf, type Task, type Told } from "./breaker-hammer.ts";

test("the very last failure of all threads opens it, and then they get exactly the probes", async () => {
  const [threads, rounds, attempts, probes] = [4, 40, 3000, 5];
  const memory = boardMemory(256, UPSTREAM_WORDS, [3, 4]);
  const gates = new Int32Array(new SharedArrayBuffer(rounds * 2 * 4));
  // Rows are kept although a thread may be done with its breaker.
  const board = new SharedBoard(memory, MAIN_THREAD, () => undefined);
  const platform = { now: () => 60_000, notice: () => undefined };
  const plan = planOf({ threads, attempts, probes });
  const breakers = Array.from(
    { length: rounds },
    (_, round) => new Breaker<Target>({ name: `up${round}`, plan, board, platform }),
  );
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL("./breaker-hammer.ts", import.meta.url).href),
  );
  const told = await Promise.all(
    workers.map((worker, index) => {
      const { promise, resolve } = Promise.withResolvers<Told>();
      worker.addEventListener("message", ({ data }: MessageEvent<Told>) => resolve(data));
      worker.postMessage({ memory, worker: index + 1, gates, threads, rounds, attempts, probes } satisfies Task);
      return promise;
    }),
  );
  for (const worker of workers) worker.terminate();
  expect(breakers.map(({ circuit }) => circuit)).toEqual(breakers.map(() => "half-open"));
  const admitted = breakers.map((_, round) => told.reduce((sum, each) => sum + each[round]!, 0));
  expect(admitted).toEqual(admitted.map(() => probes));
}, 30_000);
