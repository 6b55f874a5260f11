// The place of a worker: its number, and the thread that has it now.
import type { Task } from "./messages.ts";
import type { Thread } from "./thread.ts";

/** A worker that died is replaced after so long, then after twice as long, up to the most. */
const AGAIN_MS = 100;
const AGAIN_MOST_MS = 10_000;
/** A worker that lived for so long died of something new. */
const HEALTHY_MS = 60_000;

/** A worker's number, and the thread that has it now. */
export interface Place {
  readonly number: number;
  thread: Thread | undefined;
  /** The config that the thread runs. */
  task: Task | undefined;
  listening: boolean;
  /** Deaths in quick succession. */
  deaths: number;
  again: NodeJS.Timeout | undefined;
}

/** How long the place stays empty after its thread has died, having lived for so long. */
export function pauseAfter(place: Place, livedMs: number): number {
  place.deaths = livedMs > HEALTHY_MS ? 1 : place.deaths + 1;
  return Math.min(AGAIN_MS * 2 ** (place.deaths - 1), AGAIN_MOST_MS);
}

/** The worker runs from now on what it has loaded; resolves once it does. */
export async function take(place: Place, task: Task): Promise<void> {
  place.task = task;
  await place.thread?.take();
}
