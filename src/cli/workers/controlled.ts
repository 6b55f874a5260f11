// What all workers have together, as operators see it: upstreams with the targets of now, and limits.
import type { LimitControls, LimitStatus } from "../../admin/overseen.ts";
import type { Plan } from "../../config/plan.ts";
import { GatewayError } from "../../errors.ts";
import type { ControlledUpstream } from "../../target-control.ts";
import type { LimitQuestion, Task } from "./messages.ts";
import type { Searches } from "./searches.ts";
import type { Thread } from "./thread.ts";

/** Those of the plan that runs, and of its searches. */
export function controlledUpstreams(plan: Plan, task: Task, { targets }: Searches): ControlledUpstream[] {
  return Object.values(plan.upstreams).map((upstream) => {
    const search = task.searches.get(upstream.name);
    const found = search === undefined ? undefined : targets.get(search);
    return { plan: upstream, targets: found ?? upstream.targets };
  });
}

/** Limits count in memory of all workers: any of them can tell, and does what it is told for all. */
export function controlledLimits(living: () => ReadonlyMap<number, Pick<Thread, "askLimit">>): LimitControls {
  const ask = (act: LimitQuestion["act"], limit: string, caller: string): Promise<LimitStatus | undefined> => {
    const [worker] = living().values();
    if (worker !== undefined) return worker.askLimit({ act, limit, caller });
    const publicDetail = "No worker serves: nobody knows of limits.";
    return Promise.reject(new GatewayError("capacity_exhausted", publicDetail, { publicDetail }));
  };
  return { see: (...one) => ask("see", ...one), reset: (...one) => ask("reset", ...one) };
}
