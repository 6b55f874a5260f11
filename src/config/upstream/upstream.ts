// The schema of upstreams.
import type * as v from "valibot";
import { faultsBetween } from "../../discover/target-list.ts";
import { Problem, type ConfigReader } from "../fault.ts";
import { discoveryProblems, discoveryShape, type FoundDiscovery, targetsAt } from "./discovery.ts";
import type { TargetPlan, UpstreamPlan } from "./plan.ts";
import { either, isPlainObject, list, maybe, options, or, rightOnes, then, type Shape } from "../shape.ts";
import { fallbackShape } from "../shaping/fallback.ts";
import { balanceShape } from "./balance.ts";
import { breakerShape } from "./breaker.ts";
import { ejectionShape } from "./ejection.ts";
import { healthShape } from "./health.ts";
import { hostField } from "./host-field.ts";
import { hedgePlan, hedgeShape, retriesShape } from "./retries.ts";
import { targetShape } from "./target.ts";
import { timeoutsShape, upstreamTimeouts } from "./timeouts.ts";
import { tlsShape } from "../tls.ts";
import { choice, duration, size, whole } from "../values.ts";

/** An upstream without its name. @param upstreams names of all */
export function upstreamShape(reader: ConfigReader, upstreams: readonly string[]): Shape<Omit<UpstreamPlan, "name">> {
  const target = targetShape(reader);
  const shape = options(
    {
      targets: either(isPlainObject, discoveryShape(reader), list(target, "a list of at least one target", 1)),
      balance: or(balanceShape(reader), "round-robin"),
      slowStart: maybe(duration(1000, 86_400_000)),
      ejection: or(ejectionShape, {}),
      health: maybe(healthShape(reader)),
      breaker: maybe(breakerShape),
      protocol: or(choice("http1", "h2", "h2c"), "http1"),
      host: or(hostField, "upstream"),
      timeouts: maybe(timeoutsShape),
      retries: maybe(retriesShape),
      hedge: maybe(hedgeShape),
      fallback: maybe(fallbackShape(upstreams)),
      keepAlive: or(keepAlive, {}),
      connections: or(connections, {}),
      maxHead: or(size, "64KiB"),
      tls: or(tlsShape(reader), {}),
    },
    function* ({ targets: right, protocol, balance, slowStart }, { targets }) {
      if (isPlainObject(targets)) yield* discoveryProblems(right as FoundDiscovery | undefined, protocol);
      const written: readonly unknown[] = Array.isArray(targets) ? Array.from(targets) : [];
      yield* targetProblems(written, rightOnes(target, written), protocol);
      if (protocol === "h2c" && reader.background === false) {
        const hint = "Cloudflare lends no sockets, and its fetch speaks HTTP/2 over TLS only.";
        yield new Problem('"http1" or "h2"', { at: ["protocol"], hint });
      }
      if (balance?.kind === "first" && slowStart !== undefined) {
        const hint = 'With "first" there are no shares.';
        yield new Problem("another balance beside it", { at: ["slowStart"], found: false, hint });
      }
    },
  );
  return then(shape, ({ timeouts, retries, hedge, slowStart, keepAlive, connections, targets, ...rest }) => {
    const again = retries?.(undefined);
    return {
      ...rest,
      ...targetsAt(targets, rest.protocol),
      slowStartMs: slowStart,
      timeouts: upstreamTimeouts(timeouts, rest.protocol),
      retries: again,
      hedge: hedgePlan(hedge, again),
      ...pooling(keepAlive, connections),
    };
  });
}

/** What the pools of a service's targets keep to. */
export function pooling(
  kept: v.InferOutput<typeof keepAlive>,
  open: v.InferOutput<typeof connections>,
): Pick<UpstreamPlan, "idleMs" | "maxIdle" | "maxAgeMs" | "maxConnections" | "waitMs" | "maxWaiting"> {
  return {
    idleMs: kept.idle,
    maxIdle: kept.maxIdle,
    maxAgeMs: kept.maxAge,
    maxConnections: open.max,
    waitMs: open.wait,
    maxWaiting: open.maxWaiting,
  };
}

/** How long idle connections are kept. */
export const keepAlive = options({
  idle: or(duration(), "4s"),
  maxIdle: or(whole(0, 1_000_000), 256),
  maxAge: or(duration(), "5m"),
});

/** How many connections an upstream may take. */
export const connections = options({
  max: or(whole(1, 1_000_000), 4096),
  wait: or(duration(0), "5s"),
  maxWaiting: or(whole(0, 1_000_000), 1024),
});

/** What is wrong between the targets of an upstream. */
function* targetProblems(
  written: readonly unknown[],
  targets: readonly (TargetPlan | undefined)[],
  protocol: UpstreamPlan["protocol"] | undefined,
): Generator<Problem> {
  for (const { index, wanted, hint } of faultsBetween(targets, protocol)) {
    const at = index === undefined ? [] : isPlainObject(written[index]) ? [index, "url"] : [index];
    yield new Problem(wanted, { at: ["targets", ...at], ...(hint !== undefined && { hint }) });
  }
}
