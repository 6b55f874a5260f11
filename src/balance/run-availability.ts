// From the plan of an upstream to what decides which of its targets may be picked. Operators are told of every change.
import type { Board } from "../board.ts";
import type { UpstreamPlan } from "../config/upstream/plan.ts";
import { formatDuration } from "../http/duration.ts";
import type { Platform } from "../platform.ts";
import { EJECTION_REASON, type Target, type Watcher } from "../target.ts";
import { reasonText } from "../verdict.ts";
import { Availability } from "./availability.ts";
import { Ejection } from "./ejection.ts";

/** Who may be picked, and who must be told of attempts to know it. */
export interface RunningAvailability<T extends Target> {
  readonly availability: Availability<T>;
  readonly watchers: readonly Watcher<T>[];
  /** How often this thread has ejected a target. */
  ejections(): number;
}

/** Which targets of an upstream may be picked, and, with `ejection`, what takes them out for a while. */
export function runAvailability<T extends Target>(
  { name, ejection, health, targets, discovery }: UpstreamPlan,
  board: Board,
  platform: Platform,
): RunningAvailability<T> {
  const tell = (level: "info" | "warn", { plan }: Target, what: string): void =>
    platform.notice(level, `${name} ${plan.url}: ${what}`);
  const availability = new Availability<T>(health?.panic ?? 0, (target) =>
    tell("info", target, "picked again: its ejection is over"),
  );
  // The only target there is stays, whatever becomes of it.
  if (ejection === undefined || (discovery === undefined && targets.length === 1))
    return { availability, watchers: [], ejections: () => 0 };
  const watcher = new Ejection<T>(
    ejection,
    availability,
    board,
    () => platform.now(),
    (target, ms) => {
      const last = reasonText(target.words[EJECTION_REASON]!);
      const failures = ejection.failures === 1 ? "a failure" : `${ejection.failures} failures in a row, the last`;
      tell("warn", target, `ejected for ${formatDuration(ms)}: ${failures}: ${last}`);
    },
  );
  return { availability, watchers: [watcher], ejections: () => watcher.ejections };
}
