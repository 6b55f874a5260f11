// Which traces are recorded: consistent probability sampling, by digits of the trace id that all who see it know.

/** The digits of an id or of `rv` that are compared: 56 bits. */
const DIGITS = 14;
const ALL = 2n ** 56n;

/** Digits of a threshold that say something, behind those that are `f`. */
const PRECISION = 4;

/** Decides on traces that have no parent to decide for them. */
export interface Sampler {
  /** Whether a trace is recorded. `randomness` are 14 hexadecimal digits. */
  takes(randomness: string): boolean;
  /** What `th` of the member `ot` says of traces that are taken. */
  readonly threshold: string;
}

/** Takes this share of all traces. Where another one takes a smaller share, it takes traces that this one takes, too. */
export function shareSampler(share: number): Sampler {
  if (share === 0) return { takes: () => false, threshold: "" };
  // No share is so small that it is none.
  const rest = Math.min(Math.round((1 - share) * 2 ** 53), 2 ** 53 - 1);
  const digits = ((ALL * BigInt(rest)) / 2n ** 53n).toString(16).padStart(DIGITS, "0");
  const significant = Math.min(DIGITS, /^f*/.exec(digits)![0].length + PRECISION);
  // What is cut off makes the share larger by less than one in 65536 of it, and never smaller.
  const least = digits.slice(0, significant).padEnd(DIGITS, "0");
  return { takes: (randomness) => randomness >= least, threshold: least.replace(/0+$/, "") || "0" };
}

/** The digits that decide: `rv` of the member `ot`, or else the last ones of the id. */
export function randomnessOf(traceId: string, members: readonly string[]): string {
  return /^ot=(?:.*;)?rv:([0-9a-f]{14})(?:;|$)/.exec(otOf(members))?.[1] ?? traceId.slice(-DIGITS);
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
