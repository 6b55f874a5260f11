// The schema of who is picked among an upstream's targets.
import type { BalancePlan } from "./plan.ts";
import { then, type Shape } from "../shape.ts";
import { choice } from "../values.ts";

/** One of the policies that need no options. */
const word: Shape<BalancePlan> = then(choice("round-robin", "random", "least-busy", "fastest", "first"), (kind) => ({
  kind,
}));

/** How a target is picked. */
export const balanceShape: Shape<BalancePlan> = word;
