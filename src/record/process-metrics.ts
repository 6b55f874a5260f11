// The process in numbers: what runs, what it takes of the machine, and how many threads serve.
import type { Platform } from "../platform.ts";
import { FAMILIES } from "./families.ts";
import type { Metrics, Readings } from "./metrics.ts";

/** What runs. */
export interface Build {
  readonly version: string;
  /** Short id of the commit; "" when unknown. */
  readonly revision: string;
}

/** Lets the process be read. For the main thread: once, however many workers there are. */
export function meterProcess(
  metrics: Metrics,
  platform: Pick<Platform, "runtime" | "usage">,
  { version, revision }: Build,
  workers: () => number,
): void {
  metrics.read(FAMILIES.buildInfo, () => [[{ version, revision, runtime: platform.runtime }, 1]]);
  metrics.readOne(FAMILIES.workers, workers);
  const { usage } = platform;
  if (usage === undefined) return;
  metrics.count(FAMILIES.cpu, {}, () => usage().cpuSeconds);
  metrics.readOne(FAMILIES.residentMemory, () => usage().residentBytes);
  metrics.readOne(FAMILIES.startTime, () => usage().startedAtSeconds);
  metrics.read(FAMILIES.openFiles, () => ifTold(usage().openFiles));
  metrics.read(FAMILIES.mostFiles, () => ifTold(usage().mostFiles));
}

function ifTold(value: number | undefined): ReturnType<Readings<never>> {
  return value === undefined ? [] : [[{}, value]];
}
