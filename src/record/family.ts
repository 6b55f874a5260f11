// A family of series: one thing that is counted, told apart by labels. What every encoder of metrics is told of it.

/** What the values of a family are: seconds, bytes, or a number of something, which in braces is told by OTLP alone. */
export type Unit = "s" | "By" | "" | `{${string}}`;

/**
 * `counter` grows; `gauge` is read whenever somebody asks; `histogram` counts what is observed by size, and its sum.
 */
export type Kind = "counter" | "gauge" | "histogram";

/** One family. Its label names, and how it is called by OpenTelemetry: other names are derived from this one. */
export interface Family<K extends Kind = Kind, L extends string = string> {
  readonly kind: K;
  /** With dots: "http.server.request.duration". */
  readonly name: string;
  readonly unit: Unit;
  /** One sentence without its full stop. */
  readonly help: string;
  readonly labels: readonly L[];
  /** What a gauge is of several workers: the sum of theirs, or the same in all of them. */
  readonly across: "sum" | "same";
  /** Upper bounds of a histogram's buckets, ascending; what is above the last one is counted too. */
  readonly bounds: readonly number[];
}

/** A value for each label; "" where there is none to tell. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** A family of counters. */
export function counter<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  unit: Unit = "",
): Family<"counter", L> {
  return { kind: "counter", name, unit, help, labels, across: "sum", bounds: [] };
}

/** A family of gauges. */
export function gauge<const L extends string = never>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  { unit = "", across = "sum" }: { readonly unit?: Unit; readonly across?: Family["across"] } = {},
): Family<"gauge", L> {
  return { kind: "gauge", name, unit, help, labels, across, bounds: [] };
}

/** A family of histograms. */
export function histogram<const L extends string = never>(
  name: string,
  unit: Unit,
  help: string,
  bounds: readonly number[],
  labels: readonly L[] = [],
): Family<"histogram", L> {
  return { kind: "histogram", name, unit, help, labels, across: "sum", bounds };
}
