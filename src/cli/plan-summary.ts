// What a plan holds, counted, for the lines that `check` and `run` print.
import { OWN_ROUTES, type Plan } from "../config/plan.ts";

/** Routes and upstreams of a plan, counted: "3 routes, 1 upstream". */
export function planSummary(plan: Plan): string {
  const routes = plan.routes.filter(({ name }) => !name.startsWith(OWN_ROUTES));
  return `${counted(routes.length, "route")}, ${counted(Object.keys(plan.upstreams).length, "upstream")}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
