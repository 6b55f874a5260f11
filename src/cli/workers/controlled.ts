// What all workers have together, as operators see it: upstreams with the targets of now, and what is left of limits.
import type { Overseen } from "../../admin/overseen.ts";
import type { Plan } from "../../config/plan.ts";
import { leftIn } from "../../limit/left.ts";
import type { Platform } from "../../platform.ts";
import type { ControlledUpstream } from "../../target-control.ts";
import type { Task } from "./messages.ts";
import type { Searches } from "./searches.ts";

/** Those of the plan that runs, and of its searches. */
export function controlledUpstreams(plan: Plan, task: Task, { targets }: Searches): ControlledUpstream[] {
  return Object.values(plan.upstreams).map((upstream) => {
    const search = task.searches.get(upstream.name);
    const found = search === undefined ? undefined : targets.get(search);
    return { plan: upstream, targets: found ?? upstream.targets };
  });
}

/** What is left of limits, by the table that all workers count in. */
export function leftOf(plan: () => Plan, counts: () => Task["limits"], platform: Platform): Overseen["left"] {
  return (limit, caller) => {
    const known = plan().limits.limits.find(({ name }) => name === limit);
    const table = counts();
    return known && table && leftIn(table, known, caller, platform);
  };
}
