// Targets that a function of the user's gives.
import type { FunctionPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { namedMessageOf } from "../errors.ts";
import { planList, type WrittenTarget } from "./target-list.ts";
import type { Source } from "./refresh.ts";

/** Calls the function. What it gives must be as a config may write it. */
export function functionSource({ find, everyMs }: FunctionPlan, protocol: UpstreamPlan["protocol"]): Source {
  return {
    what: "the function `from`",
    async find(signal) {
      let given: unknown;
      try {
        given = await find(signal);
      } catch (thrown) {
        const what = namedMessageOf(thrown);
        throw new Error(`it has thrown ${what}`, { cause: thrown });
      }
      if (!Array.isArray(given)) throw new Error("it gave no list of targets");
      const list = planList(given.map(written), protocol);
      if ("targets" in list) return { targets: list.targets, againMs: everyMs };
      const { index, of, wanted, hint } = list.faults[0]!;
      const where = index === undefined ? "" : ` at ${index}${of === "weight" ? ".weight" : ""}`;
      throw new Error(
        `it gave something else than ${wanted}${where}${hint === undefined ? "" : `: ${hint.replace(/\.$/, "")}`}`,
      );
    },
    retryMs: () => everyMs,
  };
}

function written(member: unknown): WrittenTarget {
  if (typeof member !== "object" || member === null) return { url: member, weight: undefined };
  const { url, weight } = member as Partial<WrittenTarget>;
  return { url, weight };
}
