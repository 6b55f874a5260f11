// From the rounds of a comparison to a Markdown table of medians.

/** What one round gave for one contender. */
export interface Round {
  /** CPU time of its process tree for each answered request, in microseconds. */
  readonly cpuMicros: number;
  /** The same, divided by what the first contender used in the same round. */
  readonly ratio: number | undefined;
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly residentMiB: number;
}

/** All rounds of one contender at one number of connections. */
export interface Row {
  readonly gateway: string;
  readonly connections: number;
  readonly rounds: readonly Round[];
}

/** Median, least and greatest. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

/** Median, least and greatest of at least one number. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  const middle = sorted.length / 2;
  const median = sorted.length % 2 === 1 ? at(Math.floor(middle)) : (at(middle - 1) + at(middle)) / 2;
  return { median, least: at(0), greatest: at(sorted.length - 1) };
}

/** The rows as a Markdown table: medians, and least to greatest of the CPU columns. The first gateway is the measure. */
export function markdown(rows: readonly Row[]): string {
  const first = rows[0]?.gateway ?? "";
  const head = ["connections", "gateway", `CPU, x ${first}`, "CPU us/request", "requests/s", "p99 ms", "RSS MiB"];
  const lines = rows.map((row) => {
    const column = (pick: (round: Round) => number | undefined): Spread =>
      spread(row.rounds.map(pick).filter((value) => value !== undefined));
    const ratio = column((round) => round.ratio);
    return [
      String(row.connections),
      row.gateway,
      Number.isNaN(ratio.median) ? "-" : withRange(ratio, 2),
      withRange(
        column((round) => round.cpuMicros),
        1,
      ),
      column((round) => round.perSecond).median.toFixed(0),
      column((round) => round.p99Ms).median.toFixed(2),
      column((round) => round.residentMiB).median.toFixed(0),
    ];
  });
  const widths = head.map((title, index) => Math.max(title.length, ...lines.map((line) => line[index]?.length ?? 0)));
  const print = (cells: readonly string[]): string =>
    `| ${cells.map((cell, index) => (index === 1 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, index) => (index === 1 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [print(head), rule, ...lines.map(print)].join("\n");
}

function withRange({ median, least, greatest }: Spread, digits: number): string {
  const [middle, low, high] = [median, least, greatest].map((value) => value.toFixed(digits));
  return `${middle} (${low}-${high})`;
}
