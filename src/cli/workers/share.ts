// The part of the config's bounds that one of several workers has.
import type { Plan } from "../../config/plan.ts";
import type { UpstreamPlan } from "../../config/upstream/plan.ts";

/**
 * The plan of one worker. Each has an equal share of the connections to a target and of those who wait for one, so that
 * all together keep to what the config says; one at least.
 */
export function planOfWorker(plan: Plan, workers: number, host: string, port: number): Plan {
  const share = (all: number): number => Math.min(all, Math.max(1, Math.floor(all / workers)));
  const shareOf = (upstream: UpstreamPlan): UpstreamPlan => ({
    ...upstream,
    maxConnections: share(upstream.maxConnections),
    maxIdle: share(upstream.maxIdle),
    maxWaiting: share(upstream.maxWaiting),
  });
  return {
    ...plan,
    listen: { ...plan.listen, host, port },
    upstreams: Object.fromEntries(Object.entries(plan.upstreams).map(([name, each]) => [name, shareOf(each)])),
    auth: {
      ...plan.auth,
      schemes: plan.auth.schemes.map((scheme) =>
        scheme.kind === "forward-auth" ? { ...scheme, upstream: shareOf(scheme.upstream) } : scheme,
      ),
    },
  };
}
