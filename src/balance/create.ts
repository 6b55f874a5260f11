// From the plan of an upstream to the policy that runs.
import { callerBy } from "../callers.ts";
import type { PickPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { chances } from "../http/chance.ts";
import type { Platform } from "../platform.ts";
import type { Target } from "../target.ts";
import { Fastest } from "./fastest.ts";
import { First } from "./first.ts";
import { Hash } from "./hash.ts";
import { LeastBusy } from "./least-busy.ts";
import type { Policy } from "./policy.ts";
import { Random } from "./random.ts";
import { RoundRobin } from "./round-robin.ts";
import { SlowStart } from "./slow-start.ts";
import { Sticky } from "./sticky.ts";

/** The policy of an upstream. It has no targets yet. */
export function createPolicy<T extends Target>(plan: UpstreamPlan, platform: Platform): Policy<T> {
  const { slowStartMs } = plan;
  const policy = policyOf<T>(plan, platform, chances(platform.random(1)[0]!));
  return slowStartMs === undefined ? policy : new SlowStart(policy, slowStartMs, () => platform.now());
}

function policyOf<T extends Target>(
  { name, balance }: UpstreamPlan,
  platform: Platform,
  random: () => number,
): Policy<T> {
  switch (balance.kind) {
    case "hash": {
      const { by, bound } = balance;
      return new Hash(by.kind === "path" ? (x) => x.path : callerBy(by), bound, random);
    }
    case "sticky":
      return new Sticky(pickOf<T>(balance.pick, platform, random), name, balance, platform);
    default:
      return pickOf(balance, platform, random);
  }
}

function pickOf<T extends Target>({ kind }: PickPlan, platform: Platform, random: () => number): Policy<T> {
  switch (kind) {
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
