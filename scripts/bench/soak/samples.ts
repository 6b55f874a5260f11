// Samples over a run, and whether what they show stays flat.

/** The gateway at one moment. */
export interface Sample {
  /** Milliseconds since the run began. */
  readonly at: number;
  /** Requests that have their outcome. */
  readonly done: number;
  readonly residentMiB: number;
  readonly sockets: number;
}

/** What the first and the last third of the samples say. */
export interface Verdict {
  readonly flat: boolean;
  /** Median of the first third after warm-up. */
  readonly before: number;
  /** Median of the last third. */
  readonly after: number;
}

/** The part of a run that is left out of a judgement. */
export const WARM_UP = 0.2;

/** Flat: the median of the last third is above that of the first by no more than a tenth, or by `slack` if that is more. */
export function judge(values: readonly number[], slack: number): Verdict {
  const settled = values.slice(Math.floor(values.length * WARM_UP));
  const third = Math.max(Math.floor(settled.length / 3), 1);
  const before = median(settled.slice(0, third));
  const after = median(settled.slice(-third));
  return { flat: after - before <= Math.max(slack, before / 10), before, after };
}

/** Every n-th sample as the lines of a table, so that about `lines` are printed. */
export function print(samples: readonly Sample[], lines: number): string {
  const step = Math.max(Math.ceil(samples.length / lines), 1);
  const shown = samples.filter((_, index) => index % step === 0 || index === samples.length - 1);
  const rows = shown.map(({ at, done, residentMiB, sockets }) =>
    [(at / 1000).toFixed(1), String(done), residentMiB.toFixed(1), String(sockets)]
      .map((cell) => cell.padStart(11))
      .join(""),
  );
  return [["seconds", "requests", "RSS MiB", "sockets"].map((cell) => cell.padStart(11)).join(""), ...rows].join("\n");
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
