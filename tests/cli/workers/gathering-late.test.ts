// What workers have seen, added up in the main thread: nothing is lost because one of them was busy.
import { expect, test } from "bun:test";
import type { Seen } from "../../../src/admin/live/seen.ts";
import type { TargetControls } from "../../../src/admin/overseen.ts";
import { Gathering } from "../../../src/cli/workers/gathering.ts";
import type { ToWorker } from "../../../src/cli/workers/messages.ts";
import { seenExchange } from "../top/ticks.ts";

const TARGETS: TargetControls = { list: () => [], drain: () => undefined };

const seenOf = (id: string): Seen => ({ exchanges: [seenExchange({ id })], durations: new Map(), uses: [] });

/** Two workers, of which the second one answers when it is told to. */
function twoWorkers(): { readonly gathering: Gathering; answerLate(id: string): void; hurry(): void } {
  let count = 0;
  let isLate = true;
  let asked: ToWorker | undefined;
  const answer = (worker: number, message: ToWorker | undefined, id: string): void => {
    if (message?.kind !== "count") throw new Error("it was not asked");
    const seen = message.look ? seenOf(id) : undefined;
    gathering.counted(worker, { kind: "counted", id: message.id, changes: [], obstacles: [], seen });
  };
  const living = new Map([
    [1, { send: (message: ToWorker) => queueMicrotask(() => answer(1, message, `quick-${++count}`)) }],
    [
      2,
      {
        send: (message: ToWorker) => {
          asked = message;
          if (!isLate) queueMicrotask(() => answer(2, message, `hurried-${count}`));
        },
      },
    ],
  ]);
  const gathering = new Gathering(() => living, TARGETS);
  return { gathering, answerLate: (id) => answer(2, asked, id), hurry: () => void (isLate = false) };
}

async function look(gathering: Gathering): Promise<string[]> {
  const { seen } = await gathering.overseen.look();
  return seen.flatMap(({ exchanges }) => exchanges.map(({ id }) => id)).sort();
}

test("what a worker that answers late has seen is told at the next question, once", async () => {
  const { gathering, answerLate, hurry } = twoWorkers();
  expect(await look(gathering)).toEqual(["quick-1"]);
  answerLate("late");
  hurry();
  await gathering.metrics();
  expect(await look(gathering)).toEqual(["hurried-3", "late", "quick-3"]);
  expect(await look(gathering)).toEqual(["hurried-4", "quick-4"]);
});
