// The schema of how the gateway leaves.
import type { Plan, ShutdownPlan } from "../plan.ts";
import { maybe, options, or, type Shape, then } from "../shape.ts";
import { duration } from "../values.ts";

/** Default of `drainDelay` where a load balancer may look at readiness. */
const DELAY_MS = 5000;

/** Returns the plan, once it is known what else the config says. */
export const shutdownShape: Shape<(plan: Pick<Plan, "admin" | "routes">) => ShutdownPlan> = then(
  options({ drainDelay: maybe(duration(0)), grace: or(duration(0), "25s") }),
  ({ drainDelay, grace }) =>
    ({ admin, routes }) => {
      const tells = admin !== undefined || routes.some(({ destination }) => destination.kind === "readiness");
      return { delayMs: drainDelay ?? (tells ? DELAY_MS : 0), graceMs: grace };
    },
);
