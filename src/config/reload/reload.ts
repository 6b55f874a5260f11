// The schema of how another config takes the place of the one that runs.
import type { ReloadPlan } from "../plan.ts";
import { maybe, options, type Shape } from "../shape.ts";
import { choice } from "../values.ts";

/** How reloads are done. */
export const reloadShape: Shape<ReloadPlan> = options({ gate: maybe(choice("tests")) });
