// What keeps a gateway from its work: for readiness, and for operators.
import type { Parts } from "./parts.ts";
import { DRAINING, type Obstacle } from "./respond/readiness.ts";

/** What stands in the way of the gateway's work. */
export function obstaclesIn({
  schemes,
  upstreams,
  issued,
  issuedHosts,
  isDraining,
}: Pick<Parts, "schemes" | "upstreams" | "issued" | "issuedHosts" | "isDraining">): Obstacle[] {
  const found = [...schemes.values()].flatMap((scheme): Obstacle[] => {
    const reason = scheme.unready?.();
    return reason === undefined ? [] : [{ name: `auth.${scheme.name}`, reason }];
  });
  for (const { plan, targets } of upstreams.values()) {
    if (targets.length === 0) found.push({ name: `upstreams.${plan.name}`, reason: "it has no targets" });
  }
  // By what the plan asks for: whoever issues hears of it only when it runs.
  const held = new Set(issued?.state.certificates.flatMap(({ names }) => names));
  const awaited = issuedHosts.filter((host) => !held.has(host));
  if (awaited.length > 0)
    found.push({ name: "listen.tls.acme", reason: `no certificate yet for ${awaited.join(", ")}` });
  return isDraining() ? [DRAINING, ...found] : found;
}
