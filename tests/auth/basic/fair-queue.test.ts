// The queue of passwords: whoever stands in it many times keeps nobody out.
import { expect, test } from "bun:test";
import { FairQueue } from "../../../src/auth/basic/fair-queue.ts";

/** Lets holders wait, and writes down whose turn it is (`a`) or who was sent away (`-a`). */
function story(most: number): { queue: FairQueue; come(...holders: string[]): void; told(): Promise<string[]> } {
  const queue = new FairQueue(most);
  const told: string[] = [];
  return {
    queue,
    come(...holders) {
      for (const holder of holders) void queue.turn(holder).then((turn) => told.push(turn ? holder : `-${holder}`));
    },
    async told() {
      await new Promise((resolve) => setImmediate(resolve));
      return told.splice(0);
    },
  };
}

test("holders have their turns one after the other, each in its own order", async () => {
  const { queue, come, told } = story(10);
  come("a", "a", "a", "b", "c", "b");
  expect(await told()).toEqual([]);
  for (let i = 0; i < 6; i++) expect(queue.next()).toBe(true);
  expect(await told()).toEqual(["a", "b", "c", "a", "b", "a"]);
  expect(queue.next()).toBe(false);
});

test("when all places are taken, the longest line gives way, and nobody gains by asking again", async () => {
  const { queue, come, told } = story(4);
  come("a", "a", "a", "a", "a");
  expect(await told()).toEqual(["-a"]);
  come("b");
  expect(await told()).toEqual(["-a"]);
  come("b");
  expect(await told()).toEqual(["-a"]);
  // Two and two: whoever comes now with a line as long is sent away, and somebody new is not.
  come("a", "b", "b");
  expect(await told()).toEqual(["-a", "-b", "-b"]);
  come("c");
  expect(await told()).toEqual(["-a"]);
  for (let i = 0; i < 4; i++) expect(queue.next()).toBe(true);
  expect(queue.next()).toBe(false);
  expect((await told()).sort()).toEqual(["a", "b", "b", "c"]);
});

test("a place that was taken from somebody is free again", async () => {
  const { queue, come, told } = story(2);
  come("a", "a", "b");
  queue.next();
  queue.next();
  expect(await told()).toEqual(["-a", "a", "b"]);
  come("a", "a", "a");
  expect(await told()).toEqual(["-a"]);
});
