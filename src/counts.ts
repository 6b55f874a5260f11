// What limits count in: a table of the process, empty, as the last process left it, or as one hands it over that still runs.
import type { LimitsPlan } from "./config/limit/plan.ts";
import { messageOf } from "./errors.ts";
import { Limiter } from "./limit/limiter.ts";
import { readSnapshot, writeSnapshot } from "./limit/snapshot.ts";
import { mainTable, tableMemory } from "./limit/table.ts";
import type { Platform } from "./platform.ts";
import type { Counted, Counts } from "./shared.ts";

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
    const text = `limiting.snapshot: ${snapshot} cannot be written (${messageOf(error)}): limits will count from zero. Name a file in a folder that the gateway may write`;
    platform.notice("warn", text);
  }
}

/** What the table of another process must have in common with the one that hands its counts over. Numbers alone. */
export interface CountsOrigin {
  /** Of the hashes. */
  readonly k0: number;
  readonly k1: number;
  /** The table's clock, and the wall's at the same moment, in milliseconds. */
  readonly now: number;
  readonly wall: number;
}

/** Of these counts. */
export function originOf({ secret, ahead }: Counts, { now, wallClock }: CountsPlatform): CountsOrigin {
  return { ...secret, now: now() + ahead, wall: wallClock() };
}

/** An empty table for so many workers, in which the counts of another process can go on. */
export function countsAs(origin: CountsOrigin, plan: LimitsPlan, workers: number, platform: CountsPlatform): Counts {
  const now = origin.now + Math.max(0, platform.wallClock() - origin.wall);
  const secret = { k0: origin.k0, k1: origin.k1 };
  return { memory: tableMemory(plan.capacity, workers), secret, ahead: now - platform.now() };
}

/** All that counts. What is counted from now on is told, until {@link keepCounts}; see `Counts.told` and `Shared.counted`. */
export function handCounts(counts: Counts, platform: CountsPlatform): Uint8Array {
  return writeSnapshot(counts, platform, hash(platform), true);
}

/** The other process has not come to count: nothing is told any more. */
export function keepCounts({ memory }: Counts): void {
  mainTable(memory).handed(0);
}

/** What another process has handed over takes the place of what is counted here. Nobody counts meanwhile. @returns why not */
export function takeCounts(bytes: Uint8Array, counts: Counts, platform: CountsPlatform): string | undefined {
  const taken = readSnapshot(bytes, counts.memory, platform, hash(platform));
  return typeof taken === "string" ? taken : undefined;
}

/** Counts what the other process has counted since. @param told where it is told on, by one that is being taken over */
export function addCounted(
  all: readonly Counted[],
  { memory, ahead }: Counts,
  platform: CountsPlatform,
  told?: (counted: Counted) => void,
): void {
  const limiter = new Limiter(mainTable(memory), told);
  for (const counted of all) limiter.count(counted, platform.now() + ahead);
}

/** Where there are files, hashes are made at once. */
function hash({ sha256 }: CountsPlatform): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => sha256(bytes) as Uint8Array;
}
