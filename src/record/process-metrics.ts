// The process in numbers: what runs, what it takes of the machine, and how many threads serve.
import type { Platform, ProcessUsage } from "../platform.ts";
import { FAMILIES } from "./families.ts";
import type { Metrics } from "./metrics.ts";

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
  metrics.read(FAMILIES.buildInfo, { version, revision, runtime: platform.runtime }, () => 1);
  metrics.read(FAMILIES.workers, {}, workers);
  const { usage } = platform;
  if (usage === undefined) return;
  const { openFiles, mostFiles } = usage();
  metrics.read(FAMILIES.cpu, {}, () => usage().cpuSeconds);
  metrics.read(FAMILIES.residentMemory, {}, () => usage().residentBytes);
  metrics.read(FAMILIES.startTime, {}, () => usage().startedAtSeconds);
  const files = (read: (usage: ProcessUsage) => number | undefined) => (): number => read(usage()) ?? 0;
  if (openFiles !== undefined)
    metrics.read(
      FAMILIES.openFiles,
      {},
      files((now) => now.openFiles),
    );
  if (mostFiles !== undefined)
    metrics.read(
      FAMILIES.mostFiles,
      {},
      files((now) => now.mostFiles),
    );
}
