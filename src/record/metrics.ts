// The registry: every series that is counted, of this thread or of all workers together.
import { FAMILIES } from "./families.ts";
import type { Family, Kind, Labels } from "./family.ts";

/**
 * Most series of a family of counters or histograms (the default of OpenTelemetry's SDKs). What is more is counted all
 * the same, in one series that says so.
 */
const MOST_SERIES = 2000;

/** A number that grows. */
export class Counter {
  readonly values = new Float64Array(1);

  /** Counts. */
  add(count = 1): void {
    this.values[0]! += count;
  }
}

/** Observed values, counted by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** A count for each bucket (not cumulative), one for what is above all bounds, and the sum. */
  readonly values: Float64Array;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.values = new Float64Array(bounds.length + 2);
  }

  /** Counts a value. */
  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.values[at]! += 1;
    this.values[bounds.length + 1]! += value;
  }
}

/** A series as it stands. `labels` is undefined for the one of all that was too much. */
export interface Sample {
  readonly labels: readonly string[] | undefined;
  /** One value; of a histogram a count for each bucket, one for what is above, and the sum. */
  readonly values: Float64Array;
}

/** A family and its series as they stand. */
export interface FamilySamples {
  readonly family: Family;
  readonly samples: readonly Sample[];
}

/** What has changed in a family of a worker: growth of counters and histograms, values of gauges. */
export interface Change extends Sample {
  readonly family: string;
}

/** A series and all that adds to it. */
class Series {
  readonly labels: readonly string[] | undefined;
  /** What was counted here: of a counter or histogram. */
  readonly own: Counter | Histogram;
  /** What is read. */
  readonly sources = new Set<() => number>();
  /** What `changes` has told; undefined before the first time. */
  told: Float64Array | undefined = undefined;
  /** What workers have told of a gauge. */
  readonly ofWorkers = new Map<number, number>();

  constructor(family: Family, labels: readonly string[] | undefined) {
    this.labels = labels;
    this.own = family.kind === "histogram" ? new Histogram(family.bounds) : new Counter();
  }

  /** As it stands now. */
  get values(): Float64Array {
    const values = this.own.values.slice();
    for (const read of this.sources) values[0]! += read();
    for (const value of this.ofWorkers.values()) values[0]! += value;
    return values;
  }
}

/** All series of one family. */
class Group {
  readonly family: Family;
  readonly series = new Map<string, Series>();
  #rest: Series | undefined = undefined;

  constructor(family: Family) {
    this.family = family;
  }

  at(labels: readonly string[] | undefined): Series {
    if (labels === undefined) return this.#overflow();
    const key = JSON.stringify(labels);
    let series = this.series.get(key);
    if (series !== undefined) return series;
    // Gauges are read of what the config names: they are not bounded again, for half of them would tell nothing.
    if (this.series.size >= MOST_SERIES && this.family.kind !== "gauge") return this.#overflow();
    series = new Series(this.family, labels);
    this.series.set(key, series);
    return series;
  }

  get all(): Series[] {
    return this.#rest === undefined ? [...this.series.values()] : [...this.series.values(), this.#rest];
  }

  #overflow(): Series {
    return (this.#rest ??= new Series(this.family, undefined));
  }
}

/** The series of a process, or those of one worker. They outlive the plan: what was counted stays. */
export class Metrics {
  readonly #groups = new Map<string, Group>(Object.values(FAMILIES).map((family) => [family.name, new Group(family)]));

  /** The counter with these labels, from now on there. */
  counter<L extends string>(family: Family<"counter", L>, labels: Labels<L>): Counter {
    return this.#series(family, labels).own as Counter;
  }

  /** The histogram with these labels, from now on there. */
  histogram<L extends string>(family: Family<"histogram", L>, labels: Labels<L>): Histogram {
    return this.#series(family, labels).own as Histogram;
  }

  /**
   * Lets a value be read whenever somebody asks; several sources of one series are added up. Gives the function that
   * ends it: what a counter has counted stays, a gauge is less by it.
   */
  read<L extends string>(family: Family<"counter" | "gauge", L>, labels: Labels<L>, source: () => number): () => void {
    const { own, sources } = this.#series(family, labels);
    sources.add(source);
    return () => {
      if (sources.delete(source) && family.kind === "counter") (own as Counter).add(source());
    };
  }

  #series<L extends string>(family: Family<Kind, L>, labels: Labels<L>): Series {
    return this.#groups.get(family.name)!.at(family.labels.map((label) => labels[label]));
  }

  /** All families that have series, as they stand. */
  collect(): FamilySamples[] {
    return [...this.#groups.values()].flatMap(({ family, all }) =>
      all.length === 0 ? [] : [{ family, samples: all.map(({ labels, values }) => ({ labels, values })) }],
    );
  }

  /** What has changed since the last call, for {@link merge} in the main thread. */
  changes(): Change[] {
    const changes: Change[] = [];
    for (const { family, all } of this.#groups.values()) {
      for (const series of all) {
        const values = series.values;
        const { told } = series;
        series.told = values;
        if (told !== undefined && values.every((value, at) => value === told[at])) continue;
        const grown = told === undefined || family.kind === "gauge" ? values : values.map((v, at) => v - told[at]!);
        changes.push({ family: family.name, labels: series.labels, values: grown });
      }
    }
    return changes;
  }

  /** Takes over what a worker has counted. */
  merge(worker: number, changes: readonly Change[]): void {
    for (const { family, labels, values } of changes) {
      const group = this.#groups.get(family)!;
      const series = group.at(labels);
      if (group.family.kind === "gauge") series.ofWorkers.set(worker, values[0]!);
      else for (const [at, value] of values.entries()) series.own.values[at]! += value;
    }
  }

  /** A worker has ended: its gauges are gone, what it counted stays. */
  forget(worker: number): void {
    for (const { all } of this.#groups.values()) for (const { ofWorkers } of all) ofWorkers.delete(worker);
  }
}
