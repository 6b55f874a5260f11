// What is left of a limit for a caller, looked up beside those who count.
import type { LimitPlan } from "../config/limit/plan.ts";
import type { Platform } from "../platform.ts";
import type { Counts } from "../shared.ts";
import { runLimit } from "./limit.ts";
import { Limiter } from "./limiter.ts";
import { LimitTable } from "./table.ts";

/**
 * Units that are left. Nothing is counted, and no lock is taken: it looks in a copy of the table (8 MB for the default
 * capacity), which operators ask for, not requests.
 */
export function leftIn(
  { memory, secret, ahead }: Counts,
  plan: LimitPlan,
  caller: string,
  platform: Pick<Platform, "now" | "wallClock">,
): number {
  const { tags, entries, locks } = memory;
  const copy = {
    tags: new Int32Array(tags),
    entries: new Int32Array(entries),
    locks: new Int32Array(locks.length),
    living: new Int32Array(2),
  };
  const limiter = new Limiter(new LimitTable(copy, 1));
  return runLimit(plan, limiter, secret, () => platform.now() + ahead, platform).left(caller);
}
