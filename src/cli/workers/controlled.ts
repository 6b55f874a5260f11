// The upstreams of all workers as operators see them: with the targets that the config says, or that are found now.
import type { Plan } from "../../config/plan.ts";
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
