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

/** A series of a target that is gone is told for so long: time enough for who reads it to have its last counts. */
const GONE_MS = 600_000;

/** One of the values that a bucket has counted, and the span in which it was measured. */
export interface Exemplar {
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** For each bucket, and what is above, the last one if there is one. */
export type Exemplars = readonly (Exemplar | undefined)[];

/** Observed values, counted by size. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** A count for each bucket (not cumulative), one for what is above all bounds, and the sum. */
  readonly values: Float64Array;
  /** Undefined until there is one. */
  exemplars: (Exemplar | undefined)[] | undefined = undefined;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.values = new Float64Array(bounds.length + 2);
  }

  /** Counts a value. Returns the number of its bucket. */
  observe(value: number): number {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]!) at++;
    this.values[at]! += 1;
    this.values[bounds.length + 1]! += value;
    return at;
  }

  /** Counts a value that can be looked at: its bucket has it as its exemplar, in place of the one before. */
  observeIn(trace: { readonly traceId: string; readonly spanId: string }, value: number, at: number): void {
    const { traceId, spanId } = trace;
    this.exemplars ??= Array.from({ length: this.#bounds.length + 1 }, () => undefined);
    this.exemplars[this.observe(value)] = { value, traceId, spanId, at };
  }
}

/** A series as it stands. `labels` is undefined for the one of all that was too much. */
export interface Sample {
  readonly labels: readonly string[] | undefined;
  /** One value; of a histogram a count for each bucket, one for what is above, and the sum. */
  readonly values: Float64Array;
  /** When its counting began, in milliseconds since the epoch, where that is later than that of the registry. */
  readonly since?: number | undefined;
  /** Of a histogram; of a change those that are new. */
  readonly exemplars?: Exemplars | undefined;
}

/** A family and its series as they stand. */
export interface FamilySamples {
  readonly family: Family;
  readonly samples: readonly Sample[];
}

/** What a worker tells of a family: growth of its counters and histograms, values of its gauges. */
export interface Change extends Sample {
  readonly family: string;
}

/** Labels and values of gauges, as they are when they are read. */
export type Readings<L extends string> = () => Iterable<readonly [labels: Labels<L>, value: number]>;

/** A series that grows, and all that adds to it. */
class Growing {
  readonly labels: readonly string[] | undefined;
  /** What was counted here. */
  readonly own: Counter | Histogram;
  /** What is counted elsewhere, and read. */
  readonly sources = new Set<() => number>();
  /** What `changes` has told; undefined before the first time. */
  told: Float64Array | undefined = undefined;
  /** Since when its target is gone; undefined while it is there, and for series that have none. */
  goneSince: number | undefined = undefined;
  /** See {@link Sample}. */
  readonly since: number | undefined;

  constructor(family: Family, labels: readonly string[] | undefined, since: number | undefined) {
    this.labels = labels;
    this.since = since;
    this.own = family.kind === "histogram" ? new Histogram(family.bounds) : new Counter();
  }

  /** As it stands now. */
  get values(): Float64Array {
    const values = this.own.values.slice();
    for (const read of this.sources) values[0]! += read();
    return values;
  }

  get exemplars(): Exemplars | undefined {
    return this.own instanceof Histogram ? this.own.exemplars : undefined;
  }

  /** What `changes` tells of exemplars: each once, for it is kept where it is told. */
  takeExemplars(): { readonly exemplars?: Exemplars } {
    const { exemplars } = this;
    if (exemplars === undefined) return {};
    (this.own as Histogram).exemplars = undefined;
    return { exemplars };
  }
}

/** A family of counters or histograms. */
class GrowingFamily {
  readonly family: Family;
  readonly #series = new Map<string, Growing>();
  #rest: Growing | undefined = undefined;
  /** When a series was let go last: none that is made now has counted anything since then. */
  #lastDeparture: number | undefined = undefined;

  constructor(family: Family) {
    this.family = family;
  }

  at(labels: readonly string[] | undefined): Growing {
    const key = JSON.stringify(labels);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    if (labels === undefined || this.#series.size >= MOST_SERIES) {
      return (this.#rest ??= new Growing(this.family, undefined, undefined));
    }
    const series = new Growing(this.family, labels, this.#lastDeparture);
    this.#series.set(key, series);
    return series;
  }

  get samples(): readonly Growing[] {
    const all = [...this.#series.values()];
    return this.#rest === undefined ? all : [...all, this.#rest];
  }

  get changes(): Change[] {
    const { name } = this.family;
    return this.samples.flatMap((series) => {
      const { values } = series;
      const { told } = series;
      series.told = values;
      if (told !== undefined && values.every((value, at) => value === told[at])) return [];
      const grown = told === undefined ? values : values.map((value, at) => value - told[at]!);
      return [{ family: name, labels: series.labels, values: grown, ...series.takeExemplars() }];
    });
  }

  merge({ labels, values, exemplars }: Change): void {
    const { own } = this.at(labels);
    for (const [at, value] of values.entries()) own.values[at]! += value;
    if (exemplars === undefined || !(own instanceof Histogram)) return;
    const known = own.exemplars ?? [];
    own.exemplars = exemplars.map((exemplar, at) => exemplar ?? known[at]);
  }

  /** Lets go of series whose target has been gone for long, and tells whether there were some. */
  letGo(isThere: (upstream: string, target: string) => boolean, now: number, wallClock: number): boolean {
    const before = this.#series.size;
    const [upstream, target] = ["sluice.upstream", "sluice.target"].map((label) => this.family.labels.indexOf(label));
    if (upstream! < 0 || target! < 0) return false;
    for (const [key, series] of this.#series) {
      if (isThere(series.labels![upstream!]!, series.labels![target!]!)) series.goneSince = undefined;
      else if (now - (series.goneSince ??= now) >= GONE_MS) this.#series.delete(key);
    }
    if (this.#series.size === before) return false;
    this.#lastDeparture = wallClock;
    return true;
  }
}

/** A family of gauges: nothing of it is kept. It holds what the config names, so that nobody bounds it again. */
class ReadFamily {
  readonly family: Family;
  readonly sources = new Set<Readings<string>>();
  /** What each worker has told last. */
  readonly ofWorkers = new Map<number, Change[]>();

  constructor(family: Family) {
    this.family = family;
  }

  get samples(): readonly Sample[] {
    const samples = new Map<string, { labels: readonly string[]; values: Float64Array }>();
    const add = (labels: readonly string[], value: number): void => {
      const key = JSON.stringify(labels);
      const known = samples.get(key);
      if (known === undefined) samples.set(key, { labels, values: Float64Array.of(value) });
      else if (this.family.across === "sum") known.values[0]! += value;
      else known.values[0] = value;
    };
    for (const read of this.sources) {
      for (const [labels, value] of read())
        add(
          this.family.labels.map((label) => labels[label]!),
          value,
        );
    }
    for (const changes of this.ofWorkers.values()) for (const { labels, values } of changes) add(labels!, values[0]!);
    return [...samples.values()];
  }

  get changes(): Change[] {
    return this.samples.map((sample) => ({ family: this.family.name, ...sample }));
  }
}

/** The series of a process, or those of one worker. They outlive the plan: what was counted stays. */
export class Metrics {
  /** How often series were let go: whoever keeps one gets it anew when this has changed. */
  departures = 0;
  /** When its counting began, in milliseconds since the epoch; 0 where nobody has said it. */
  readonly since: number;
  readonly #growing = new Map<string, GrowingFamily>();
  readonly #read = new Map<string, ReadFamily>();

  constructor(since = 0) {
    this.since = since;
    for (const family of Object.values<Family>(FAMILIES)) {
      if (family.kind === "gauge") this.#read.set(family.name, new ReadFamily(family));
      else this.#growing.set(family.name, new GrowingFamily(family));
    }
  }

  /** The counter with these labels, from now on there. */
  counter<L extends string>(family: Family<"counter", L>, labels: Labels<L>): Counter {
    return this.#at(family, labels).own as Counter;
  }

  /** The histogram with these labels, from now on there. */
  histogram<L extends string>(family: Family<"histogram", L>, labels: Labels<L>): Histogram {
    return this.#at(family, labels).own as Histogram;
  }

  /**
   * Lets a count be read whenever somebody asks; several sources of one series are added up. Returns an unsubscribe
   * function: what was counted stays.
   */
  count<L extends string>(family: Family<"counter", L>, labels: Labels<L>, source: () => number): () => void {
    const { own, sources } = this.#at(family, labels);
    sources.add(source);
    return () => {
      if (sources.delete(source)) (own as Counter).add(source());
    };
  }

  /** Lets gauges be read whenever somebody asks; several sources are added up. Returns an unsubscribe function. */
  read<L extends string>(family: Family<"gauge", L>, source: Readings<L>): () => void {
    const { sources } = this.#read.get(family.name)!;
    const readings = source as Readings<string>;
    sources.add(readings);
    return () => void sources.delete(readings);
  }

  /** As {@link read}, for one value without labels. */
  readOne(family: Family<"gauge", never>, source: () => number): () => void {
    return this.read(family, () => [[{}, source()]]);
  }

  #at<L extends string>(family: Family<Kind, L>, labels: Labels<L>): Growing {
    return this.#growing.get(family.name)!.at(family.labels.map((label) => labels[label]));
  }

  /** All families that have series, as they stand, in the order of the table. */
  collect(): FamilySamples[] {
    return Object.values<Family>(FAMILIES).flatMap((family) => {
      const { samples } = this.#growing.get(family.name) ?? this.#read.get(family.name)!;
      const now = samples.map(({ labels, values, since, exemplars }) => ({ labels, values, since, exemplars }));
      return now.length === 0 ? [] : [{ family, samples: now }];
    });
  }

  /** What has grown since the last call, and all gauges: for {@link merge} in the main thread. */
  changes(): Change[] {
    return [...this.#growing.values(), ...this.#read.values()].flatMap(({ changes }) => changes);
  }

  /** Takes over what a worker tells. */
  merge(worker: number, changes: readonly Change[]): void {
    this.forget(worker);
    for (const change of changes) {
      const growing = this.#growing.get(change.family);
      if (growing !== undefined) {
        growing.merge(change);
        continue;
      }
      const { ofWorkers } = this.#read.get(change.family)!;
      const known = ofWorkers.get(worker);
      if (known === undefined) ofWorkers.set(worker, [change]);
      else known.push(change);
    }
  }

  /**
   * Lets go of series of targets that `sluice.upstream.up` does not tell any more, ten minutes after that was seen first.
   * To be called now and then. A series that comes back counts from nothing, since the last departure.
   * @param now monotonic milliseconds
   * @param wallClock milliseconds since the epoch
   */
  letGo(now: number, wallClock: number): void {
    const { samples } = this.#read.get(FAMILIES.targetUp.name)!;
    const targets = new Set(samples.map(({ labels }) => JSON.stringify(labels)));
    const isThere = (upstream: string, target: string): boolean => targets.has(JSON.stringify([upstream, target]));
    for (const family of this.#growing.values()) if (family.letGo(isThere, now, wallClock)) this.departures++;
  }

  /** A worker has ended: its gauges are gone, what it counted stays. */
  forget(worker: number): void {
    for (const { ofWorkers } of this.#read.values()) ofWorkers.delete(worker);
  }
}
