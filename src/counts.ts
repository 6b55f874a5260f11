// What limits count in: a table of the process, empty or as the last process left it.
import type { LimitsPlan } from "./config/limit/plan.ts";
import { readSnapshot, writeSnapshot } from "./limit/snapshot.ts";
import { tableMemory } from "./limit/table.ts";
import type { Platform } from "./platform.ts";
import type { Counts } from "./shared.ts";

/** What is asked of a platform to keep counts. */
export type CountsPlatform = Pick<Platform, "now" | "wallClock" | "random" | "sha256" | "files" | "notice">;

/** A table for so many workers. What the snapshot holds is in it; a file that is no good is told of, and nothing is. */
function openCounts(plan: LimitsPlan, workers: number, platform: CountsPlatform): Counts {
  const [k0 = 0, k1 = 0] = platform.random(2);
  const memory = tableMemory(plan.capacity, workers);
  const empty = { memory, secret: { k0, k1 }, ahead: 0 };
  const { snapshot } = plan;
  if (snapshot === undefined) return empty;
  const warn = (what: string): Counts => {
    platform.notice("warn", `limiting.snapshot: ${snapshot} ${what}: limits count from zero`);
    return empty;
  };
  try {
    const bytes = platform.files?.load(snapshot);
    if (bytes === undefined) return empty;
    const counts = readSnapshot(bytes, memory, platform, hash(platform));
    return typeof counts === "string" ? warn(counts) : counts;
  } catch (error) {
    return warn(`cannot be read (${messageOf(error)})`);
  }
}

/** A table of another capacity, in which goes on what was counted, if anything was. Nobody counts meanwhile. */
export function movedCounts(
  from: Counts | undefined,
  plan: LimitsPlan,
  workers: number,
  platform: CountsPlatform,
): Counts {
  if (from === undefined) return openCounts(plan, workers, platform);
  const memory = tableMemory(plan.capacity, workers);
  return readSnapshot(writeSnapshot(from, platform, hash(platform)), memory, platform, hash(platform)) as Counts;
}

/** Writes the snapshot, if the config wants one. Nobody counts meanwhile. Never rejects: what goes wrong is told. */
export async function saveCounts(plan: LimitsPlan, counts: Counts, platform: CountsPlatform): Promise<void> {
  const { snapshot } = plan;
  if (snapshot === undefined) return;
  try {
    await platform.files?.replace(snapshot, writeSnapshot(counts, platform, hash(platform)));
  } catch (error) {
    const text = `limiting.snapshot: ${snapshot} cannot be written (${messageOf(error)}): limits will count from zero`;
    platform.notice("warn", text);
  }
}

/** Where there are files, hashes are made at once. */
function hash({ sha256 }: CountsPlatform): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => sha256(bytes) as Uint8Array;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
