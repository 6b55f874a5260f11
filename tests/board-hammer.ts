// A thread of the test of the shared board: claims rows, counts in them, and releases them, as fast as it can.
import { SharedBoard } from "../src/shared-board.ts";
import type { BoardMemory } from "../src/shared.ts";

/** What a thread is told. */
export interface Task {
  readonly memory: BoardMemory;
  readonly worker: number;
  /** One word: threads that are ready. All begin once all are. */
  readonly gate: Int32Array;
  readonly threads: number;
  readonly names: number;
  readonly rounds: number;
}

const scope = globalThis as unknown as {
  postMessage(message: string): void;
  addEventListener(kind: "message", listener: (event: { readonly data: Task }) => void): void;
};

scope.addEventListener("message", ({ data }) => {
  const { memory, worker, gate, threads, names, rounds } = data;
  const board = new SharedBoard(memory, worker, () => {
    throw new Error("the board is full");
  });
  Atomics.add(gate, 0, 1);
  while (Atomics.load(gate, 0) < threads);
  for (let round = 0; round < rounds; round++) {
    const name = `n${(round * 7 + worker) % names}`;
    Atomics.add(board.claim(name), 0, 1);
    board.release(name);
  }
  scope.postMessage("done");
});
