// The head that an upstream sees, line by line, and who has put each line there.
import type { Plan, RoutePlan } from "../../config/plan.ts";
import { REDACTED } from "../../config/secrets.ts";
import type { Exchange } from "../../exchange.ts";
import type { Places } from "../config-places.ts";

/** A line of the head, and where it comes from: a place in the config, `the client` or `the gateway`. */
export interface HeadLine {
  readonly line: string;
  readonly from: string;
}

/** @param lines of the head, masked, in order */
export function headOf(
  lines: readonly string[],
  plan: Plan,
  route: RoutePlan,
  x: Exchange,
  places: Places,
): HeadLine[] {
  const set = new Map((route.requestFields?.set ?? []).map(([name]) => [name.toLowerCase(), name]));
  const owned = new Set(plan.auth.identity.owned);
  return lines.map((line, at) => {
    if (at === 0) {
      const rewrite = x.forwardTarget === undefined ? undefined : places.written(["routes", route.name, "rewrite"]);
      return { line, from: rewrite ?? "the client" };
    }
    const colon = line.indexOf(":");
    return { line, from: originOf(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()) };
  });

  function originOf(key: string, value: string): string {
    const name = set.get(key);
    if (name !== undefined) return places.near(["routes", route.name, "headers", "request", "set", name]);
    if (owned.has(key)) return places.written(["identity"]) ?? "the gateway";
    if (key === "host") return hostFrom();
    const { keys, values } = x.fields;
    const came = keys.some((each, at) => each === key && (value === REDACTED || values[at] === value));
    return came ? "the client" : "the gateway";
  }

  function hostFrom(): string {
    const upstream = x.upstream?.name ?? "";
    return places.written(["upstreams", upstream, "host"]) ?? places.near(["upstreams", upstream, "targets"]);
  }
}
