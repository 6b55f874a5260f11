// A thread of the test of the shared table: takes units of the same keys as its fellows, as fast as it can.
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { LimitTable } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";
import type { TableMemory } from "../../src/shared.ts";

/** What a thread is told. */
export interface Task {
  readonly memory: TableMemory;
  readonly worker: number;
  /** One word: threads that are ready. All begin once all are. */
  readonly gate: Int32Array;
  readonly threads: number;
  readonly limit: number;
  readonly keys: number;
  readonly rounds: number;
}

const scope = globalThis as unknown as {
  addEventListener(kind: "message", listener: (event: { readonly data: Task }) => void): void;
  postMessage(admitted: readonly number[]): void;
};

scope.addEventListener("message", ({ data: { memory, worker, gate, threads, limit, keys, rounds } }) => {
  const limiter = new Limiter(new LimitTable(memory, worker));
  const rule = windowRule(limit, 3_600_000);
  const key = keyOf({ k0: 1, k1: 2 }, "test");
  const admitted = Array.from({ length: keys }, () => 0);
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < threads);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < keys; i++) {
      // Some are taken and given back, which must not let more through either.
      const now = round * 0.01;
      if (!limiter.take(rule, key, String(i), 1, now)) continue;
      if (round % 3 === 0) limiter.giveBack(rule, key, String(i), 1, now);
      else admitted[i]!++;
    }
  }
  scope.postMessage(admitted);
});
