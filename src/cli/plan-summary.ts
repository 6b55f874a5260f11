// What a plan holds, counted, for the lines that `check` and `run` print.
import type { Plan } from "../config/plan.ts";

/** "3 routes, 1 upstream". */
export function planSummary(plan: Plan): string {
  return `${counted(plan.routes.length, "route")}, ${counted(Object.keys(plan.upstreams).length, "upstream")}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
