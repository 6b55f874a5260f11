// Discovery: keeps the targets of an upstream as DNS, a file, a function or the main thread says.
import type { DiscoveryPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import type { Platform } from "../platform.ts";
import type { Follow } from "../target.ts";
import { dnsSource } from "./dns-source.ts";
import { functionSource } from "./function-source.ts";
import { LatestTargets } from "./latest-targets.ts";
import { Refresh } from "./refresh.ts";
import { srvSource } from "./srv-source.ts";
import { type Tell, targetNotices } from "./target-notices.ts";
import { WatchedFile } from "./watched-file.ts";

/** How long a gateway that starts waits for its first targets. */
const FIRST_MS = 5000;

/** A search for targets that goes on until it is closed. */
export interface Search {
  /** Resolves once targets are known, or could not be found at the first try; never when it was ended before. */
  readonly first: Promise<void>;
  /** Ends the search: nothing is asked any more. */
  close(): void;
}

/** The search for the targets of one upstream. */
export interface Discovery extends Search {
  readonly follow: Follow;
  /** How many lookups have failed. */
  readonly failures: number;
}

/** What of a platform discovery needs. */
export type DiscoveryNeeds = Pick<
  Platform,
  "files" | "names" | "shared" | "setTimer" | "clearTimer" | "random" | "notice"
>;

/**
 * Begins to look for the targets of an upstream whose plan says where. A set is never empty: whatever fails, the last one
 * stays. A worker does not look by itself: the main thread tells it.
 */
export function discover({ name, targets, discovery, protocol }: UpstreamPlan, platform: DiscoveryNeeds): Discovery {
  if (platform.shared !== undefined) {
    return { first: Promise.resolve(), follow: platform.shared.targets(name), failures: 0, close: () => {} };
  }
  const latest = new LatestTargets(targets);
  const tell = targetNotices(`upstreams.${name}`, targets, platform, (next) => latest.put(next));
  const search = searchOf(discovery!, protocol, platform, tell);
  return {
    first: search.first,
    follow: latest.follow,
    get failures() {
      return tell.failures;
    },
    close: () => search.close(),
  };
}

function searchOf(
  where: DiscoveryPlan,
  protocol: UpstreamPlan["protocol"],
  platform: DiscoveryNeeds,
  tell: Tell,
): Search {
  switch (where.kind) {
    case "file":
      return new WatchedFile(where.path, protocol, platform.files!, tell);
    case "dns":
      return new Refresh(dnsSource(where, platform), platform, tell);
    case "srv":
      return new Refresh(srvSource(where, platform), platform, tell);
    case "function":
      return new Refresh(functionSource(where, protocol), platform, tell);
  }
}

/** Resolves once all have come to a first end, or have taken too long for a gateway that starts. */
export function firstTargets(
  searches: readonly Search[],
  platform: Pick<Platform, "setTimer" | "clearTimer">,
): Promise<void> {
  if (searches.length === 0) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = platform.setTimer(resolve, FIRST_MS);
  void Promise.all(searches.map(({ first }) => first)).then(() => {
    platform.clearTimer(timer);
    resolve();
  });
  return promise;
}
