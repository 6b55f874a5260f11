// The stage that picks one of several upstreams: by a branch's own conditions, else by its share.
import { callerBy } from "../callers.ts";
import type { SplitDestination } from "../config/shaping/plan.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { chances } from "../http/chance.ts";
import { hash0, hashText } from "../http/key-hash.ts";
import type { Platform } from "../platform.ts";
import { whenHolds } from "./when.ts";

/** Makes the stage. It sets `x.upstream`. It runs once who calls is known. */
export function splitStage({ branches, by }: SplitDestination, platform: Pick<Platform, "random">): Stage {
  const meant = branches.flatMap(({ when, leadsTo }) =>
    when === undefined ? [] : [{ holds: whenHolds(when), upstream: leadsTo.upstream }],
  );
  const sharing = branches.filter(({ weight }) => weight > 0);
  const upstreams = sharing.map(({ leadsTo }) => leadsTo.upstream);
  const ends = endsOf(sharing.map(({ weight }) => weight));
  const chance = chances(platform.random(1)[0]!);
  const textOf = by && callerBy(by);
  const placeOf = (x: Exchange): number => {
    const text = textOf?.(x) ?? "";
    return text === "" ? chance() : placeOfText(text);
  };
  return (x) => {
    for (const { holds, upstream } of meant) {
      if (!holds(x)) continue;
      x.upstream = upstream;
      return;
    }
    x.upstream = upstreams[shareAt(ends, placeOf(x))]!;
  };
}

/** Where the share of each weight ends when all of them together reach from 0 to 1. */
export function endsOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}

/** Whose share holds a place from 0 up to 1. */
export function shareAt(ends: readonly number[], place: number): number {
  let at = 0;
  while (place >= ends[at]!) at++;
  return at;
}

/** Not secret: every gateway puts a caller at the same place, on every route and after every restart. */
const KEY = { k0: 0x736c7569, k1: 0x63650a0d };

/** The place of a caller, from 0 up to 1. */
export function placeOfText(text: string): number {
  hashText(KEY, text);
  return (hash0 >>> 0) / 2 ** 32;
}
