// Durations counted by size, in steps of a tenth: finer than the metrics, and only while somebody looks.

/** The first step ends here, in milliseconds. */
const LEAST_MS = 0.05;
const STEP = Math.log(1.1);

/** Steps: the last one begins above 10 minutes. */
export const STEPS = 174;

/** The step of a duration. */
export function stepOf(ms: number): number {
  if (ms <= LEAST_MS) return 0;
  return Math.min(STEPS - 1, Math.ceil(Math.log(ms / LEAST_MS) / STEP));
}

/** The duration in the middle of a step, in milliseconds. */
export function msOf(step: number): number {
  return LEAST_MS * Math.exp((step - 0.5) * STEP);
}

/** The duration under which this share of all is, to a twentieth of it; undefined of none. */
export function quantile(counts: ArrayLike<number>, share: number): number | undefined {
  let all = 0;
  for (let step = 0; step < counts.length; step++) all += counts[step]!;
  if (all === 0) return undefined;
  const rank = Math.max(1, Math.ceil(all * share));
  let below = 0;
  let step = -1;
  while (below < rank) below += counts[++step]!;
  return msOf(step);
}

/** Adds counts to others. */
export function addCounts(to: { [step: number]: number }, counts: ArrayLike<number>): void {
  for (let step = 0; step < counts.length; step++) to[step]! += counts[step]!;
}

/** Counts as pairs of a step and a number, without those that are 0. */
export function toPairs(counts: ArrayLike<number>): number[] {
  const pairs: number[] = [];
  for (let step = 0; step < counts.length; step++) if (counts[step] !== 0) pairs.push(step, counts[step]!);
  return pairs;
}

/** Adds what {@link toPairs} has made. */
export function addPairs(to: { [step: number]: number }, pairs: readonly number[]): void {
  for (let at = 0; at < pairs.length; at += 2) to[pairs[at]!]! += pairs[at + 1]!;
}
