// The process and its threads in numbers: what runs, what they take of the machine, and how many serve.
import type { Platform } from "../platform.ts";
import { FAMILIES } from "./families.ts";
import type { Metrics, Readings } from "./metrics.ts";

/** What runs. */
export interface Build {
  readonly version: string;
  /** Short id of the commit; "" when unknown. */
  readonly revision: string;
}

/** Lets the process and its main thread be read. For that thread: once, however many workers there are. */
export function meterProcess(
  metrics: Metrics,
  platform: Pick<Platform, "runtime" | "usage" | "threadUsage">,
  { version, revision }: Build,
  workers: () => number,
): void {
  metrics.read(FAMILIES.buildInfo, () => [[{ version, revision, runtime: platform.runtime }, 1]]);
  metrics.readOne(FAMILIES.workers, workers);
  meterThread(metrics, platform, "main");
  const { usage } = platform;
  if (usage === undefined) return;
  metrics.count(FAMILIES.cpu, {}, () => usage().cpuSeconds);
  metrics.readOne(FAMILIES.residentMemory, () => usage().residentBytes);
  metrics.readOne(FAMILIES.startTime, () => usage().startedAtSeconds);
  metrics.read(FAMILIES.openFiles, () => ifTold(usage().openFiles));
  metrics.read(FAMILIES.mostFiles, () => ifTold(usage().mostFiles));
}

/**
 * Lets the thread that calls be read, in it.
 * @param worker its number among those that serve; "main" for the process's first one, which serves when there is no other
 */
export function meterThread(
  metrics: Metrics,
  { threadUsage }: Pick<Platform, "threadUsage">,
  worker: number | "main",
): void {
  if (threadUsage === undefined) return;
  const labels = { worker: String(worker) };
  metrics.count(FAMILIES.workerCpu, labels, () => threadUsage().cpuSeconds);
  metrics.read(FAMILIES.workerHeap, () => [[labels, threadUsage().heapBytes]]);
}

function ifTold(value: number | undefined): ReturnType<Readings<never>> {
  return value === undefined ? [] : [[{}, value]];
}
