// What the gateway that runs the config knows, so that an explanation says what it would do now. It is asked, and nothing is counted.
import type { KeyStatus } from "../../admin/overseen.ts";
import type { UpstreamCount } from "../../admin/live/tick.ts";
import type { Plan } from "../../config/plan.ts";
import type { TargetPlan } from "../../config/upstream/plan.ts";
import { readTargetAddress } from "../../discover/target-url.ts";
import { adminPlace, type AdminPlace } from "../admin-place.ts";
import type { Left } from "./policies.ts";
import type { Step } from "./rehearsal.ts";

/** Longest wait for a gateway on the same machine. */
const PATIENCE_MS = 1000;

/** What a running gateway has answered over its admin listener. */
export interface Running {
  /** Where it was asked: as a person writes it. */
  readonly name: string;
  /** Whether it runs the config that is explained; undefined where it does not tell. */
  readonly same: boolean | undefined;
  readonly upstreams: readonly UpstreamCount[];
  /** The API keys that are revoked there. */
  readonly revoked: readonly KeyStatus[];
  /** Asks what it has left for each caller that a limit was asked about. */
  left(steps: readonly Step[]): Promise<Left>;
}

/**
 * Asks it; where the config has no admin listener, or nobody answers there in time, nothing is known.
 * @param hash of the config that is explained
 */
export async function askRunning({ admin }: Pick<Plan, "admin">, hash: string): Promise<Running | undefined> {
  const place = admin && adminPlace(admin);
  if (place === undefined) return undefined;
  // One of another version may not know all of these.
  const [targets, revoked, version] = await Promise.all([
    ask<{ upstreams: readonly UpstreamCount[] }>(place, "/targets"),
    ask<{ keys: readonly KeyStatus[] }>(place, "/keys/revoked"),
    ask<{ config?: string }>(place, "/version"),
  ]);
  if (targets === undefined) return undefined;
  return {
    name: place.name,
    same: version?.config === undefined ? undefined : version.config === hash,
    upstreams: targets.upstreams,
    revoked: revoked?.keys ?? [],
    left: (steps) => leftOf(place, steps),
  };
}

/** The plan with the targets that the gateway has found, where they are found while it runs. */
export function withFound(plan: Plan, running: Running | undefined): Plan {
  const found = (name: string): readonly TargetPlan[] | undefined =>
    running?.upstreams
      .find((each) => each.name === name)
      ?.targets.flatMap(({ url, weight }) => {
        const address = readTargetAddress(url);
        return typeof address === "string" ? [] : [{ ...address, weight }];
      });
  const upstreams = Object.entries(plan.upstreams).map(([name, upstream]) => [
    name,
    upstream.discovery === undefined ? upstream : { ...upstream, targets: found(name) ?? upstream.targets },
  ]);
  return { ...plan, upstreams: Object.fromEntries(upstreams) as Plan["upstreams"] };
}

/** Undefined where it does not answer, or not this. */
async function ask<T>({ url, how }: AdminPlace, path: string): Promise<T | undefined> {
  try {
    const response = await fetch(`${url}${path}`, { ...how, signal: AbortSignal.timeout(PATIENCE_MS) });
    return response.ok ? ((await response.json()) as T) : undefined;
  } catch {
    return undefined;
  }
}

async function leftOf(place: AdminPlace, steps: readonly Step[]): Promise<Left> {
  const known = new Map<string, number>();
  const keyOf = (limit: string, caller: string): string => JSON.stringify([limit, caller]);
  const asked = steps.map(async (step) => {
    if (step.kind !== "limit" || step.caller === undefined) return;
    const query = new URLSearchParams({ limit: step.name, caller: step.caller });
    const told = await ask<{ left: number }>(place, `/limits?${query}`);
    if (told !== undefined) known.set(keyOf(step.name, step.caller), told.left);
  });
  await Promise.all(asked);
  return (limit, caller) => known.get(keyOf(limit, caller));
}
