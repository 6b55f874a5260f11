// What the process and its threads take of the machine, by node:process and Linux's /proc. For Bun and Deno.
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import type { ProcessUsage, ThreadUsage } from "../platform.ts";

const startedAtSeconds = performance.timeOrigin / 1000;

/** As it is now. */
export function processUsage(): ProcessUsage {
  return {
    cpuSeconds: secondsOf(process.cpuUsage()),
    residentBytes: process.memoryUsage().rss,
    startedAtSeconds,
    openFiles: whereThereIs(() => readdirSync("/proc/self/fd").length),
    mostFiles: whereThereIs(() => {
      const most = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
      return most === undefined ? undefined : Number(most);
    }),
  };
}

/** What the thread that asks takes now. It costs some microseconds. */
export function threadUsage(): ThreadUsage {
  return { cpuSeconds: secondsOf(process.threadCpuUsage()), heapBytes: process.memoryUsage().heapUsed };
}

function secondsOf({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000_000;
}

/** Other systems have no /proc, and Deno may not be allowed to read it. */
function whereThereIs(read: () => number | undefined): number | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
