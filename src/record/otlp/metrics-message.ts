// Metrics as OTLP has them: the second form of the registry.
import type { Family } from "../family.ts";
import type { Exemplars, FamilySamples, Sample } from "../metrics.ts";
import { type Attribute, flagAttribute, nanoseconds, textAttribute } from "./attributes.ts";
import type { Origin } from "./resource.ts";

/** Counts since the beginning, and not since the last message (AggregationTemporality). */
const CUMULATIVE = 2;

/** The label of the series that holds what was too much for a family. */
const OVERFLOW = flagAttribute("otel.metric.overflow", true);

/**
 * All of it as an ExportMetricsServiceRequest. Moments are nanoseconds since the epoch, in a text; `since` is that of the
 * registry, and 0 for one that is not known.
 */
export function metricsMessage(
  families: readonly FamilySamples[],
  { resource, scope }: Origin,
  since: string,
  now: string,
): object {
  const metrics = families.map(({ family, samples }) => {
    const { name, unit, help } = family;
    return { name, description: help, ...(unit === "" ? {} : { unit }), ...pointsOf(family, samples, since, now) };
  });
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] };
}

function pointsOf(family: Family, samples: readonly Sample[], since: string, now: string): object {
  const common = (sample: Sample): object => ({
    attributes: attributesOf(family, sample),
    startTimeUnixNano: sample.since === undefined ? since : nanoseconds(sample.since),
    timeUnixNano: now,
  });
  const numbers = samples.map((sample) => ({ ...common(sample), asDouble: finite(sample.values[0]!) }));
  switch (family.kind) {
    case "counter":
      return { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints: numbers } };
    case "gauge":
      // What OpenTelemetry's conventions have under these names is added to and taken from.
      return family.name.startsWith("http.")
        ? { sum: { aggregationTemporality: CUMULATIVE, isMonotonic: false, dataPoints: numbers } }
        : { gauge: { dataPoints: numbers } };
    case "histogram": {
      const { bounds } = family;
      const dataPoints = samples.map((sample) => {
        const counts = sample.values.subarray(0, bounds.length + 1);
        return {
          ...common(sample),
          count: String(counts.reduce((sum, count) => sum + count, 0)),
          sum: finite(sample.values[bounds.length + 1]!),
          bucketCounts: [...counts].map(String),
          explicitBounds: bounds,
          ...(sample.exemplars && { exemplars: exemplarsOf(sample.exemplars) }),
        };
      });
      return { histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
    }
  }
}

function exemplarsOf(exemplars: Exemplars): object[] {
  return exemplars.flatMap((exemplar) => {
    if (exemplar === undefined) return [];
    const { traceId, spanId, value, at } = exemplar;
    return [{ timeUnixNano: nanoseconds(at), asDouble: value, traceId, spanId }];
  });
}

/** A label without a value is one that is not there. */
function attributesOf({ labels }: Family, sample: Sample): Attribute[] {
  if (sample.labels === undefined) return [OVERFLOW];
  return sample.labels.flatMap((value, at) => (value === "" ? [] : [textAttribute(labels[at]!, value, 1024)]));
}

/** JSON has no other numbers: OTLP writes those in a text. */
function finite(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
