// SharedBoard: rows found by name from every thread, like those of one; what the dead held; what does not fit.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { boardMemory, MAIN_THREAD, SharedBoard } from "../src/shared-board.ts";
import type { Task } from "./board-hammer.ts";

const KEY = [7, 11];
const never = (): void => {
  throw new Error("the board is not full");
};

test("threads that claim and release in any order share words by name, as long as one has a claim", () => {
  const step = fc.record({ thread: fc.nat(2), name: fc.nat(9), claim: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const memory = boardMemory(10, 4, KEY);
      const boards = [1, 2, MAIN_THREAD].map((claimant) => new SharedBoard(memory, claimant, never));
      const model = new Map<number, { claims: number[]; mark: number }>();
      let marks = 0;
      for (const { thread, name, claim } of steps) {
        const known = model.get(name);
        if (claim) {
          const words = boards[thread]!.claim(`name ${name}`);
          expect(words).toHaveLength(4);
          expect([...words]).toEqual(known === undefined ? [0, 0, 0, 0] : [known.mark, 0, 0, known.mark]);
          const now = known ?? { claims: [0, 0, 0], mark: 0 };
          now.claims[thread]!++;
          now.mark = ++marks;
          words[0] = words[3] = now.mark;
          model.set(name, now);
        } else if (known !== undefined && known.claims[thread]! > 0) {
          boards[thread]!.release(`name ${name}`);
          known.claims[thread]!--;
          if (known.claims.every((claims) => claims === 0)) model.delete(name);
        }
      }
      expect(memory.head[1]).toBe(0);
    }),
  );
});

test("a change that one thread tells is seen by all", () => {
  const memory = boardMemory(4, 4, KEY);
  const [one, other] = [new SharedBoard(memory, 1, never), new SharedBoard(memory, 2, never)];
  const before = other.version;
  one.changed();
  expect(other.version).not.toBe(before);
});

test("what finds no row is the thread's own, and that is told once", () => {
  const memory = boardMemory(2, 4, KEY);
  const told: number[] = [];
  const [one, other] = [1, 2].map((claimant) => new SharedBoard(memory, claimant, (rows) => told.push(rows)));
  const shared = one!.claim("a");
  one!.claim("b");
  const own = one!.claim("c");
  own[0] = 5;
  expect(one!.claim("c")).toBe(own);
  expect([...other!.claim("c")]).toEqual([0, 0, 0, 0]);
  expect(told).toEqual([2, 2]);
  shared[0] = 1;
  // A place that becomes free does not part those who have the name already.
  one!.release("b");
  expect(one!.claim("c")).toBe(own);
  for (let i = 0; i < 3; i++) one!.release("c");
  expect([...one!.claim("c")]).toEqual([0, 0, 0, 0]);
  expect(other!.claim("a")[0]).toBe(1);
  expect(told).toEqual([2, 2]);
});

test("a thread that died while it held the lock keeps nobody out", () => {
  const memory = boardMemory(4, 4, KEY);
  memory.head[1] = 3;
  const board = new SharedBoard(memory, 1, never);
  board.claim("a")[0] = 9;
  expect(new SharedBoard(memory, MAIN_THREAD, never).claim("a")[0]).toBe(9);
  expect(memory.head[1]).toBe(0);
});

test("four threads that claim, count and release at the same time lose no row and no claim", async () => {
  const threads = 4;
  const rounds = 3000;
  const names = 24;
  const memory = boardMemory(32, 4, KEY);
  const main = new SharedBoard(memory, MAIN_THREAD, never);
  const rows = Array.from({ length: names }, (_, i) => main.claim(`n${i}`));
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from({ length: threads }, () => new Worker(new URL("./board-hammer.ts", import.meta.url).href));
  await Promise.all(
    workers.map((worker, index) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      worker.addEventListener("message", () => resolve());
      worker.postMessage({ memory, worker: index + 1, gate, threads, names, rounds } satisfies Task);
      return promise;
    }),
  );
  for (const worker of workers) worker.terminate();
  expect(rows.reduce((sum, row) => sum + row[0]!, 0)).toBe(threads * rounds);
  expect(memory.head[1]).toBe(0);
  for (let i = 0; i < names; i++) main.release(`n${i}`);
  // All claims are given back: whoever comes now finds zeros.
  for (let i = 0; i < 32; i++) expect([...main.claim(`n${i}`)]).toEqual([0, 0, 0, 0]);
}, 30_000);
