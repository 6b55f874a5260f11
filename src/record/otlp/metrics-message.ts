// Metrics as OTLP has them: the second form of the registry.
import type { Family } from "../family.ts";
import type { Exemplars, FamilySamples, Sample } from "../metrics.ts";
import { type Attribute, flagAttribute, nanoseconds, textAttribute, wholeAttribute } from "./attributes.ts";
import type { Origin } from "./resource.ts";

/** Counts since the beginning, and not since the last message (AggregationTemporality). */
const CUMULATIVE = 2;

/** The label of the series that holds what was too much for a family. */
const OVERFLOW = flagAttribute("otel.metric.overflow", true);

/** Labels that the conventions have as whole numbers. */
const WHOLE: ReadonlySet<string> = new Set(["http.response.status_code", "server.port"]);

/**
 * Families of the process have the names that Prometheus's libraries give them; here they have those of OpenTelemetry's
 * conventions. These have none for the last two, and what is not theirs does not stand among theirs.
 */
const NAMES: Readonly<Record<string, string>> = {
  "process.cpu": "process.cpu.time",
  "process.resident_memory": "process.memory.usage",
  "process.open_fds": "process.unix.file_descriptor.count",
  "process.max_fds": "sluice.process.max_fds",
  "process.start_time": "sluice.process.start_time",
};

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
    const { unit, help } = family;
    const name = NAMES[family.name] ?? family.name;
    return {
      name,
      description: help,
      ...(unit === "" ? {} : { unit }),
      ...pointsOf(family, name, samples, since, now),
    };
  });
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] };
}

function pointsOf(family: Family, name: string, samples: readonly Sample[], since: string, now: string): object {
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
      return /^(?:http|process)\./.test(name)
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
  return sample.labels.flatMap((value, at) => {
    const label = labels[at]!;
    if (value === "") return [];
    return [WHOLE.has(label) ? wholeAttribute(label, value) : textAttribute(label, value, 1024)];
  });
}

/** JSON has no other numbers: OTLP writes those in a text. */
function finite(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}
