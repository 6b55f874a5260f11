// The schema of how another config takes the place of the one that runs.
import type { ReloadPlan } from "../plan.ts";
import { maybe, options, type Shape } from "../shape.ts";
import { choice } from "../values.ts";

/** Checks the option `reload`. */
export const reloadShape: Shape<ReloadPlan> = options({ gate: maybe(choice("tests")) });
