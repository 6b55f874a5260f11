// Lists of targets as people write them, in a config, in a file or as what a function returns: what must hold of them.
import type { TargetPlan } from "../config/upstream/plan.ts";
import { A_TARGET_URL, readTargetAddress } from "./target-url.ts";

/** Largest weight of a target. */
export const MOST_WEIGHT = 1_000_000;
/** Most targets of one upstream that are found while it runs. */
export const MOST_TARGETS = 4096;

/** A target as it is written; nobody has looked at it yet. */
export interface WrittenTarget {
  readonly url: unknown;
  /** Undefined: 1. */
  readonly weight: unknown;
}

/** What is wrong with a list, or with one member. */
export interface ListFault {
  /** Of the member; undefined for the list. */
  readonly index: number | undefined;
  /** Which part of the member. */
  readonly of: "url" | "weight";
  /** A noun phrase: what ought to stand there. */
  readonly wanted: string;
  readonly hint: string | undefined;
}

/** The targets that are written; or what is wrong with them, at least one thing. */
export function planList(
  written: readonly WrittenTarget[],
  protocol: "http1" | "h2",
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

/** What is wrong between the targets of an upstream, of which those that are wrong themselves are undefined. */
export function* faultsBetween(
  targets: readonly (TargetPlan | undefined)[],
  protocol: "http1" | "h2" | undefined,
): Generator<ListFault> {
  if (targets.length > 0 && targets.every((target) => target?.weight === 0)) {
    const hint = "With all weights 0 none gets a request.";
    yield { index: undefined, of: "weight", wanted: "a target of weight above 0", hint };
  }
  const places = new Map<string, number>();
  for (const [index, target] of targets.entries()) {
    if (target === undefined) continue;
    if (protocol === "h2" && !target.secure) {
      const wanted = 'an https target, as protocol "h2" needs';
      yield { index, of: "url", wanted, hint: "HTTP/2 is spoken over TLS only." };
    }
    const place = `${target.secure}|${target.host}|${target.port}`;
    const twin = places.get(place);
    if (twin === undefined) places.set(place, index);
    else
      yield { index, of: "url", wanted: "a target of its own", hint: `It is targets.${twin} again: use \`weight\`.` };
  }
}
