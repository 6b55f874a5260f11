// Where a request goes: which upstream and target, how long is waited, what is tried again, and where the config says so.
import type { Destination, RoutePlan, UpstreamDestination } from "../../config/plan.ts";
import type { TargetPlan, UpstreamPlan } from "../../config/upstream/plan.ts";
import { formatDuration } from "../../http/duration.ts";
import { destinationText } from "../route-text.ts";
import type { Places } from "../config-places.ts";
import type { Rehearsal } from "./rehearsal.ts";
import type { Running } from "./running.ts";

/** A target, and what a gateway that runs knows of it. */
export interface TargetView {
  readonly url: string;
  /** As the admin listener has it; undefined where nobody was asked, as all that follows. */
  readonly state: string | undefined;
  /** Why it is in no use, and until when. */
  readonly why: string | undefined;
  /** Connections to the target in use. */
  readonly inUse: number | undefined;
}

/** Where a request would go: the upstream, the target, and why that one. */
export interface WayView {
  readonly upstream: string;
  /** The one that is picked; undefined when the request comes to none. */
  readonly target: string | undefined;
  /** How many might be picked in its place, with itself. */
  readonly candidates: number;
  /** Whether it is that one whatever was picked before, and in whichever worker. */
  readonly certain: boolean;
  readonly targets: readonly TargetView[];
  /** What holds, and where it stands; "default" where nothing is written. */
  readonly settings: readonly (readonly [name: string, value: string, place: string])[];
  readonly place: string;
}

/** By its name in the config, the member of the plan. */
const CLOCKS = {
  connect: "connectMs",
  send: "sendMs",
  firstByte: "firstByteMs",
  idle: "idleMs",
  whole: "wholeMs",
} as const;

/** The way of a route that forwards; undefined for others. */
export function wayOf(
  route: RoutePlan,
  { x, candidates, targetsOf }: Rehearsal,
  places: Places,
  running: Running | undefined,
): WayView | undefined {
  const to = branchOf(route.destination, x.upstream?.name);
  if (to === undefined) return undefined;
  const { upstream, timeouts, retries, hedge, fallback } = to;
  const ofRoute = (...rest: string[]): string[] => ["routes", route.name, ...rest];
  const ofUpstream = (...rest: string[]): string[] => ["upstreams", upstream.name, ...rest];
  const either = (...rest: string[]): string => places.written(ofRoute(...rest), ofUpstream(...rest)) ?? "default";
  const known = running?.upstreams.find(({ name }) => name === upstream.name);
  const on = retries && [...retries.on.failures, ...retries.on.statuses].join(", ");
  const settings: WayView["settings"] = [
    ...(route.destination.kind === "split"
      ? [["split", destinationText(route.destination), places.near(ofRoute("split"))] as const]
      : []),
    ["balance", upstream.balance.kind, places.written(ofUpstream("balance")) ?? "default"],
    ...(upstream.discovery === undefined
      ? []
      : [["targets", `found while it runs (${upstream.discovery.kind})`, places.near(ofUpstream("targets"))] as const]),
    ...(known?.circuit === undefined ? [] : [["circuit", known.circuit, either("breaker")] as const]),
    ...Object.entries(CLOCKS)
      .filter(([, member]) => member !== "wholeMs" || timeouts.wholeMs > 0)
      .map(
        ([name, member]) => [`timeouts.${name}`, formatDuration(timeouts[member]), either("timeouts", name)] as const,
      ),
    ["retries", retries === undefined ? "none" : `up to ${retries.attempts} attempts, on ${on}`, either("retries")],
    ...(hedge === undefined ? [] : [["hedge", `after ${formatDuration(hedge.afterMs)}`, either("hedge")] as const]),
    ...(fallback === undefined ? [] : [["fallback", destinationText(fallback.leadsTo), either("fallback")] as const]),
  ];
  return {
    upstream: upstream.name,
    target: x.attempts[0]?.target,
    candidates,
    certain: candidates < 2 || isSteady(upstream),
    targets: targetsOf(upstream.name).map((target) => targetView(target, known)),
    settings,
    place: places.near(ofUpstream()),
  };
}

function isSteady({ balance, slowStartMs }: UpstreamPlan): boolean {
  if (slowStartMs !== undefined) return false;
  return balance.kind === "first" || (balance.kind === "hash" && balance.bound === undefined);
}

function targetView({ url }: TargetPlan, known: Running["upstreams"][number] | undefined): TargetView {
  const told = known?.targets.find((target) => target.url === url);
  const why = [
    ...(told?.reason === undefined ? [] : [told.reason]),
    ...(told?.seconds === undefined ? [] : [`for ${told.seconds} s more`]),
  ];
  return {
    url,
    state: told?.state,
    why: why.length === 0 ? undefined : why.join(", "),
    inUse: told?.connections?.active,
  };
}

/** The upstream that was picked, and what the route says of the way there. */
function branchOf(destination: Destination, upstream: string | undefined): UpstreamDestination | undefined {
  if (destination.kind === "upstream") return destination;
  if (destination.kind !== "split") return undefined;
  return destination.branches.find(({ leadsTo }) => leadsTo.upstream.name === upstream)?.leadsTo;
}
