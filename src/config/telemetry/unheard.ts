// Variables of OpenTelemetry that this gateway does not hear, and why: whoever sets one is told.
import type { Variables } from "./environment.ts";

/** Some variables, and the reason why they are not heard. */
interface Unheard {
  readonly names: readonly string[];
  /** What a variable may say without anybody being told: it is so anyway. In lower case. */
  readonly fine?: readonly string[];
  readonly why: string;
}

const of = (prefix: string, ...names: readonly string[]): string[] => names.map((name) => `${prefix}_${name}`);

const ENDPOINT = ["ENDPOINT", "HEADERS", "TIMEOUT", "COMPRESSION", "PROTOCOL", "CERTIFICATE"];
const LOGS = "the access log is not sent by OTLP: log.to says where it goes";
const LIMITS = "what a span holds is bounded by itself";

/** All of the specification (1.50) that are not heard where the config asks for the environment. */
export const UNHEARD: readonly Unheard[] = [
  {
    names: ["OTEL_EXPORTER_OTLP_PROTOCOL", ...of("OTEL_EXPORTER_OTLP", "TRACES_PROTOCOL", "METRICS_PROTOCOL")],
    fine: ["http/json"],
    why: "what is sent is JSON over HTTP, which collectors take at the same address",
  },
  { names: ["OTEL_LOGS_EXPORTER"], fine: ["none"], why: LOGS },
  { names: of("OTEL_EXPORTER_OTLP_LOGS", ...ENDPOINT, "CLIENT_CERTIFICATE", "CLIENT_KEY"), why: LOGS },
  {
    names: of("OTEL_BLRP", "SCHEDULE_DELAY", "EXPORT_TIMEOUT", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"),
    why: LOGS,
  },
  {
    names: [
      ...of("OTEL_ATTRIBUTE", "COUNT_LIMIT", "VALUE_LENGTH_LIMIT"),
      ...of("OTEL_SPAN", "ATTRIBUTE_COUNT_LIMIT", "ATTRIBUTE_VALUE_LENGTH_LIMIT", "EVENT_COUNT_LIMIT"),
      ...of("OTEL", "SPAN_LINK_COUNT_LIMIT", "EVENT_ATTRIBUTE_COUNT_LIMIT", "LINK_ATTRIBUTE_COUNT_LIMIT"),
    ],
    why: LIMITS,
  },
  {
    names: of("OTEL_LOGRECORD", "ATTRIBUTE_COUNT_LIMIT", "ATTRIBUTE_VALUE_LENGTH_LIMIT"),
    why: LOGS,
  },
  {
    names: ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"],
    fine: ["cumulative"],
    why: "counts are since the gateway's start",
  },
  {
    names: ["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"],
    fine: ["explicit_bucket_histogram"],
    why: "histograms have the buckets of OpenTelemetry's conventions",
  },
  {
    names: ["OTEL_EXPORTER_OTLP_INSECURE", ...of("OTEL_EXPORTER_OTLP", "TRACES_INSECURE", "METRICS_INSECURE")],
    why: "it is for gRPC; the endpoint's http:// or https:// says whether TLS is spoken",
  },
  {
    names: of("OTEL_EXPORTER_PROMETHEUS", "HOST", "PORT"),
    why: "admin says where metrics are scraped",
  },
  { names: ["OTEL_CONFIG_FILE"], why: "the config of the gateway says what is recorded" },
  {
    names: ["OTEL_LOG_LEVEL"],
    why: "the gateway tells of its telemetry on stderr, once each time that something changes",
  },
];

/** A sentence for each that is set and says something else than what holds anyway; undefined where none is. */
export function unheard(variables: Variables): readonly string[] | undefined {
  const told = UNHEARD.flatMap(({ names, fine = [], why }) => {
    const set = names.filter((name) => !["", ...fine].includes(variables.text(name).toLowerCase()));
    return set.map((name) => `${name} is set, and is not heard: ${why}`);
  });
  return told.length > 0 ? told : undefined;
}
