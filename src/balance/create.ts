// From the plan of an upstream to the policy that runs.
import type { BalancePlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { chances } from "../http/chance.ts";
import type { Platform } from "../platform.ts";
import type { Target } from "../target.ts";
import { Fastest } from "./fastest.ts";
import { First } from "./first.ts";
import { LeastBusy } from "./least-busy.ts";
import type { Policy } from "./policy.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import { SlowStart } from "./slow-start.ts";

/** The policy of an upstream. It has no targets yet. */
export function createPolicy<T extends Target>(plan: UpstreamPlan, platform: Platform): Policy<T> {
  const { balance, slowStartMs } = plan;
  const policy = policyOf<T>(balance, platform);
  return slowStartMs === undefined ? policy : new SlowStart(policy, slowStartMs, () => platform.now());
}

function policyOf<T extends Target>(balance: BalancePlan, platform: Platform): Policy<T> {
  const random = chances(platform.random(1)[0]!);
  switch (balance.kind) {
    case "round-robin":
      return new RoundRobin(random);
    case "random":
      return new Random(random);
    case "least-busy":
      return new LeastBusy(random);
    case "fastest":
      return new Fastest(random, () => platform.now());
    case "first":
      return new First();
  }
}
