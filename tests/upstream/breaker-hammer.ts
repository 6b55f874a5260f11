// A thread of the test of breakers that several threads share: fails together with its fellows, then asks to be let through.
import { SharedBoard } from "../../src/shared-board.ts";
import type { BoardMemory } from "../../src/shared.ts";
import type { Target } from "../../src/target.ts";
import { Breaker } from "../../src/upstream/breaker.ts";
import { anExchange, targetsOf } from "../balance/doubles.ts";

/** What a thread is told. */
export interface Task {
  readonly memory: BoardMemory;
  readonly worker: number;
  /** A word a round: threads that have come to it. */
  readonly gates: Int32Array;
  readonly threads: number;
  /** Upstreams, one after the other. */
  readonly rounds: number;
  /** Attempts of each thread in each round. */
  readonly attempts: number;
  readonly probes: number;
}

/** What a thread tells: how many it was let through as probes, in each round. */
export type Told = readonly number[];

/** The plan of all threads: only the very last failure of all of them opens it. */
export const planOf = ({ threads, attempts, probes }: Pick<Task, "threads" | "attempts" | "probes">) => ({
  errors: 1,
  slow: undefined,
  minimum: threads * attempts,
  windowMs: 10_000,
  openMs: 5000,
  probes,
});

const scope = globalThis as unknown as {
  postMessage(message: Told): void;
  addEventListener(kind: "message", listener: (event: { readonly data: Task }) => void): void;
};

scope.addEventListener("message", ({ data }) => {
  const { memory, worker, gates, threads, rounds, attempts } = data;
  const board = new SharedBoard(memory, worker, () => undefined);
  const [target] = targetsOf([1]) as [Target];
  const x = anExchange();
  const clock = { now: 1000 };
  const platform = { now: () => clock.now, notice: () => undefined };
  const meet = (gate: number): void => {
    Atomics.add(gates, gate, 1);
    while (Atomics.load(gates, gate) < threads);
  };
  const admitted = Array.from({ length: rounds }, (_, round) => {
    const breaker = new Breaker<Target>({ name: `up${round}`, plan: planOf(data), board, platform });
    clock.now = 1000;
    meet(round * 2);
    for (let i = 0; i < attempts; i++) {
      // All of them come to a new bucket at about the same time.
      const now = clock.now + i;
      breaker.settled(target, { target: "", startedAt: now, settledAt: now, status: 503, error: undefined }, x);
    }
    meet(round * 2 + 1);
    clock.now = 60_000;
    let count = 0;
    for (let i = 0; i < 100; i++) if (breaker.circuit !== "closed" && breaker.admit() === undefined) count++;
    return count;
  });
  scope.postMessage(admitted);
});
