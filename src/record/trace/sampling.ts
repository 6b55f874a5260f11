// Which traces are recorded: consistent probability sampling, by digits of the trace id that all who see it know.

/** Digits that are compared: 52 bits, which a number holds. */
const DIGITS = 13;
const ALL = 2 ** 52;

/** Digits of a threshold that say something, behind those that are `f`. */
const PRECISION = 4;

/** Decides on traces that have no parent to decide for them. */
export interface Sampler {
  /** Whether a trace is recorded. `randomness` has 52 bits. */
  takes(randomness: number): boolean;
  /** What `th` of the member `ot` says of traces that are taken. */
  readonly threshold: string;
}

/** Takes this share of all traces. Where another one takes a smaller share, it takes traces that this one takes, too. */
export function shareSampler(share: number): Sampler {
  if (share === 0) return { takes: () => false, threshold: "" };
  // No share is so small that it is none.
  const rest = Math.min(Math.round((1 - share) * ALL), ALL - 1);
  const digits = rest.toString(16).padStart(DIGITS, "0");
  const significant = Math.min(DIGITS, /^f*/.exec(digits)![0].length + PRECISION);
  // What is cut off makes the share larger by less than one in 65536 of it, and never smaller.
  const threshold = digits.slice(0, significant).replace(/0+$/, "") || "0";
  const least = Number.parseInt(threshold.padEnd(DIGITS, "0"), 16);
  return { takes: (randomness) => randomness >= least, threshold };
}

/** The bits that decide: the first 52 of `rv` of the member `ot`, or else of the last 56 of the id. */
export function randomnessOf(traceId: string, members: readonly string[]): number {
  const digits = /^ot=(?:.*;)?rv:([0-9a-f]{14})(?:;|$)/.exec(otOf(members))?.[1] ?? traceId.slice(-14);
  return Number.parseInt(digits.slice(0, DIGITS), 16);
}

/** The members with what a decision says in `ot`, which comes first when it changes; `th` is undefined for a trace that is not taken. */
export function withThreshold(members: readonly string[], th: string | undefined): readonly string[] {
  const ot = otOf(members);
  if (ot === "" && th === undefined) return members;
  const others = ot
    .slice(3)
    .split(";")
    .filter((each) => each !== "" && !each.startsWith("th:"));
  const parts = th === undefined ? others : [`th:${th}`, ...others];
  const rest = members.filter((member) => member !== ot).slice(0, 31);
  return parts.length === 0 ? rest : [`ot=${parts.join(";")}`, ...rest];
}

function otOf(members: readonly string[]): string {
  return members.find((member) => member.startsWith("ot=")) ?? "";
}
