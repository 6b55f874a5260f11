// A thread of the test of ejection on several threads: in each round a target of its own fails, together with its fellows'.
import { Availability } from "../../src/balance/availability.ts";
import { Ejection } from "../../src/balance/ejection.ts";
import { TARGET_WORDS } from "../../src/board.ts";
import { SharedBoard } from "../../src/shared-board.ts";
import type { BoardMemory } from "../../src/shared.ts";
import { rowOf, Target } from "../../src/target.ts";
import { targetsOf } from "./doubles.ts";

/** What a thread is told. */
export interface Task {
  readonly memory: BoardMemory;
  readonly worker: number;
  /** A word a round: threads that have come to it. */
  readonly gates: Int32Array;
  readonly threads: number;
  readonly rounds: number;
}

/** The targets of a round, with their rows. */
export function targetsOfRound(board: SharedBoard, round: number, count: number): Target[] {
  return targetsOf(Array.from({ length: count }, () => 1)).map(
    ({ plan }) => new Target(plan, board.claim(rowOf(`up${round}`, plan))),
  );
}

/** Words in a row. */
export const WIDTH = TARGET_WORDS;

const scope = globalThis as unknown as {
  postMessage(message: number): void;
  addEventListener(kind: "message", listener: (event: { readonly data: Task }) => void): void;
};

scope.addEventListener("message", ({ data }) => {
  const { memory, worker, gates, threads, rounds } = data;
  const board = new SharedBoard(memory, worker, () => undefined);
  const plan = { failures: 1, timeMs: 30_000, maxTimeMs: 30_000, maxShare: 0.5 };
  const failed = { target: "", startedAt: 0, settledAt: 0, status: 503, error: undefined };
  let ejected = 0;
  for (let round = 0; round < rounds; round++) {
    const targets = targetsOfRound(board, round, threads);
    const availability = new Availability<Target>(0, () => undefined);
    availability.use(targets);
    const ejection = new Ejection<Target>(
      plan,
      availability,
      board,
      () => 1000,
      () => ejected++,
    );
    Atomics.add(gates, round, 1);
    while (Atomics.load(gates, round) < threads);
    ejection.settled(targets[worker - 1]!, failed);
  }
  scope.postMessage(ejected);
});
