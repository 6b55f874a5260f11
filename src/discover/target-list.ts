// Lists of targets as people write them, in a config, in a file or as what a function returns: what must hold of them.
import type { TargetPlan, UpstreamPlan } from "../config/upstream/plan.ts";
import { A_TARGET_URL, readTargetAddress } from "./target-url.ts";

/** Largest weight of a target. */
export const MOST_WEIGHT = 1_000_000;
/** Most targets of one upstream that are found while it runs. */
export const MOST_TARGETS = 4096;

/** A target as it is written; nobody has looked at it yet. */
export interface WrittenTarget {
  readonly url: unknown;
  /** The weight; undefined for 1. */
  readonly weight: unknown;
}

/** What is wrong with a list, or with one member. */
export interface ListFault {
  /** Of the member; undefined for the list. */
  readonly index: number | undefined;
  /** Which part of the member is wrong. */
  readonly of: "url" | "weight";
  /** A noun phrase: what ought to stand there. */
  readonly wanted: string;
  readonly hint: string | undefined;
}

/** The targets that are written; or what is wrong with them, at least one thing. */
export function planList(
  written: readonly WrittenTarget[],
  protocol: UpstreamPlan["protocol"],
): { readonly targets: readonly TargetPlan[] } | { readonly faults: readonly ListFault[] } {
  if (written.length === 0 || written.length > MOST_TARGETS) {
    const wanted = `a list of 1 to ${MOST_TARGETS} targets`;
    return { faults: [{ index: undefined, of: "url", wanted, hint: "A weight of 0 takes a target out." }] };
  }
  const faults: ListFault[] = [];
  const targets = written.map(({ url, weight = 1 }, index): TargetPlan | undefined => {
    const address = typeof url === "string" ? readTargetAddress(url) : "It is a text.";
    if (typeof address === "string") {
      faults.push({ index, of: "url", wanted: A_TARGET_URL, hint: address });
      return undefined;
    }
    if (typeof weight !== "number" || !Number.isInteger(weight) || weight < 0 || weight > MOST_WEIGHT) {
      faults.push({ index, of: "weight", wanted: `a whole number from 0 to ${MOST_WEIGHT}`, hint: undefined });
      return undefined;
    }
    return { ...address, weight };
  });
  faults.push(...faultsBetween(targets, protocol));
  return faults.length > 0 ? { faults } : { targets: targets as TargetPlan[] };
}

/** What is wrong with the scheme of a target, for this protocol. */
export function schemeFault(
  protocol: UpstreamPlan["protocol"] | undefined,
  isSecure: boolean,
): { readonly scheme: string; readonly as: string; readonly hint: string } | undefined {
  if (protocol === "h2" && !isSecure) {
    return { scheme: "https", as: 'as protocol "h2" needs', hint: 'HTTP/2 without TLS is "h2c".' };
  }
  if (protocol !== "h2c" || !isSecure) return undefined;
  return { scheme: "http", as: 'as protocol "h2c" needs', hint: 'HTTP/2 over TLS is "h2".' };
}

/** What is wrong between the targets of an upstream, of which those that are wrong themselves are undefined. */
export function* faultsBetween(
  targets: readonly (TargetPlan | undefined)[],
  protocol: UpstreamPlan["protocol"] | undefined,
): Generator<ListFault> {
  if (targets.length > 0 && targets.every((target) => target?.weight === 0)) {
    const hint = "With all weights 0 none gets a request.";
    yield { index: undefined, of: "weight", wanted: "a target of weight above 0", hint };
  }
  const places = new Map<string, number>();
  for (const [index, target] of targets.entries()) {
    if (target === undefined) continue;
    const wrong = schemeFault(protocol, target.secure);
    if (wrong !== undefined)
      yield { index, of: "url", wanted: `an ${wrong.scheme} target, ${wrong.as}`, hint: wrong.hint };
    const place = `${target.secure}|${target.host}|${target.port}`;
    const twin = places.get(place);
    if (twin === undefined) places.set(place, index);
    else
      yield { index, of: "url", wanted: "a target of its own", hint: `It is targets.${twin} again: use \`weight\`.` };
  }
}
