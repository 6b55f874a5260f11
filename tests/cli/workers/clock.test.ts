// All threads tell the same time, whenever they began.
import { expect, test } from "bun:test";
import { answerClock, clockMemory } from "../../../src/cli/workers/clock.ts";

/** As many as the thread answers. */
const ROUNDS = 20_000;

test("a thread that began later tells the main thread's time to a fraction of a tick of the shortest window", async () => {
  const worker = new Worker(new URL("./clock-thread.ts", import.meta.url).href);
  const clock = clockMemory();
  const probe = new SharedArrayBuffer(16);
  const probing = Promise.withResolvers<void>();
  worker.addEventListener("message", ({ data }: MessageEvent<string>) => {
    if (data === "clock") answerClock(clock);
    else probing.resolve();
  });
  worker.postMessage([clock, probe]);
  await probing.promise;
  const word = new Int32Array(probe, 0, 1);
  const time = new Float64Array(probe, 8, 1);
  // What the thread says lies between our question and our reading of its answer: where the two are near, it is exact.
  let lowest = -Infinity;
  let highest = Infinity;
  const TICK_MS = 1000 / 30_000;
  for (let round = 0; round < ROUNDS && (round < 200 || highest - lowest > TICK_MS / 2); round++) {
    const before = performance.now();
    Atomics.store(word, 0, 1);
    while (Atomics.load(word, 0) !== 2);
    const after = performance.now();
    lowest = Math.max(lowest, before - time[0]!);
    highest = Math.min(highest, after - time[0]!);
  }
  worker.terminate();
  expect(lowest).toBeLessThan(TICK_MS / 2);
  expect(highest).toBeGreaterThan(-TICK_MS / 2);
  expect(highest - lowest).toBeLessThan(TICK_MS);
});
