// What a collector takes: the official protobuf definitions of OTLP judge each request, as JSON has it.
import root from "@opentelemetry/otlp-transformer/build/src/generated/root.js";

/** A message type, as protobufjs makes it. */
interface MessageType {
  fromObject(object: unknown): object;
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): unknown;
}

const services = (
  root as unknown as {
    opentelemetry: { proto: { collector: Record<"trace" | "metrics", { v1: Record<string, MessageType> }> } };
  }
).opentelemetry.proto.collector;

const TYPES = {
  "/v1/traces": services.trace.v1["ExportTraceServiceRequest"]!,
  "/v1/metrics": services.metrics.v1["ExportMetricsServiceRequest"]!,
};

/** An attribute as it is read: its value alone, whatever its kind. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A span as a collector understands it. */
export interface ReadSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Attributes;
  readonly events: readonly { readonly timeUnixNano: string; readonly name: string; readonly attributes: Attributes }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code: number };
}

/** A metric likewise. */
export interface ReadMetric {
  readonly name: string;
  readonly unit?: string;
  readonly kind: "sum" | "gauge" | "histogram";
  readonly isMonotonic?: boolean;
  readonly points: readonly (Readonly<Record<string, unknown>> & { readonly attributes: Attributes })[];
}

/** What a request says. */
export interface ReadRequest {
  readonly resource: Attributes;
  readonly scope: string;
  readonly spans: readonly ReadSpan[];
  readonly metrics: readonly ReadMetric[];
}

/**
 * Reads a request as a collector does. Throws when the schema does not have a field, has it with another type, or when
 * what the prose of the schema demands does not hold.
 */
export function readRequest(path: string, text: string): ReadRequest {
  const type = TYPES[path as keyof typeof TYPES];
  if (type === undefined) throw new Error(`no collector has ${path}`);
  const written: unknown = JSON.parse(text);
  const message = type.decode(type.encode(type.fromObject(withIds(written, "hex", "base64"))).finish());
  const understood = type.toObject(message, { longs: String, bytes: String, json: true });
  const [wanted, got] = [withoutEmpty(written), withIds(understood, "base64", "hex")].map((each) => canonical(each));
  if (wanted !== got) throw new Error(`a collector understands\n${got}\nof\n${wanted}`);
  return summed(written as Written);
}

interface Written {
  readonly resourceSpans?: readonly WrittenResource[];
  readonly resourceMetrics?: readonly WrittenResource[];
}

type KeyValues = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];

interface WrittenResource {
  readonly resource: { readonly attributes: KeyValues };
  readonly scopeSpans?: readonly { readonly scope: { readonly name: string }; readonly spans: readonly never[] }[];
  readonly scopeMetrics?: readonly { readonly scope: { readonly name: string }; readonly metrics: readonly never[] }[];
}

function summed({ resourceSpans, resourceMetrics }: Written): ReadRequest {
  const [only, ...others] = [...(resourceSpans ?? []), ...(resourceMetrics ?? [])];
  const parts = [...(only?.scopeSpans ?? []), ...(only?.scopeMetrics ?? [])];
  if (only === undefined || others.length > 0 || parts.length !== 1) throw new Error("one resource and one scope");
  return {
    resource: attributesOf(only.resource.attributes),
    scope: parts[0]!.scope.name,
    spans: (only.scopeSpans?.[0]?.spans ?? []).map(spanOf),
    metrics: (only.scopeMetrics?.[0]?.metrics ?? []).map(metricOf),
  };
}

type WrittenSpan = Omit<ReadSpan, "attributes" | "events" | "links"> & {
  readonly attributes: KeyValues;
  readonly events?: readonly { readonly timeUnixNano: string; readonly name: string; readonly attributes: KeyValues }[];
  readonly links?: ReadSpan["links"];
};

function spanOf(span: WrittenSpan): ReadSpan {
  const ids: [string, number][] = [
    [span.traceId, 32],
    [span.spanId, 16],
    [span.parentSpanId ?? "1".repeat(16), 16],
  ];
  for (const [id, length] of ids) {
    if (id.length !== length || !/^[0-9a-f]+$/.test(id) || /^0+$/.test(id)) throw new Error(`${id} is no id`);
  }
  if (span.name === "" || BigInt(span.endTimeUnixNano) < BigInt(span.startTimeUnixNano)) {
    throw new Error(`${span.name}: a span without a name, or that ends before it begins`);
  }
  return {
    ...span,
    attributes: attributesOf(span.attributes),
    events: (span.events ?? []).map((event) => ({ ...event, attributes: attributesOf(event.attributes) })),
    links: span.links ?? [],
  };
}

type WrittenPoints = {
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly { readonly attributes: KeyValues }[];
};

function metricOf(metric: Readonly<Record<string, unknown>>): ReadMetric {
  const { name, unit } = metric as { name: string; unit?: string };
  const kind = (["sum", "gauge", "histogram"] as const).find((each) => each in metric)!;
  const { isMonotonic, dataPoints } = metric[kind] as WrittenPoints;
  const points = dataPoints.map((point) => ({ ...point, attributes: attributesOf(point.attributes) }));
  return { name, ...(unit && { unit }), kind, ...(isMonotonic !== undefined && { isMonotonic }), points };
}

/** Keys are unique (common.proto). */
function attributesOf(all: KeyValues): Attributes {
  const read = Object.fromEntries(all.map(({ key, value }) => [key, valueOf(value)]));
  if (Object.keys(read).length !== all.length) throw new Error("a key stands twice");
  return read;
}

function valueOf(value: Readonly<Record<string, unknown>>): unknown {
  const { intValue, arrayValue } = value as { intValue?: string; arrayValue?: { values: KeyValues[0]["value"][] } };
  if (intValue !== undefined) return Number(intValue);
  if (arrayValue !== undefined) return arrayValue.values.map(valueOf);
  return Object.values(value)[0];
}

const IDS = new Set(["traceId", "spanId", "parentSpanId"]);

/** JSON of protobuf has bytes as base64, that of OTLP has ids as hexadecimal digits. */
function withIds(value: unknown, from: "hex" | "base64", to: "hex" | "base64"): unknown {
  return mapped(value, (key, each) =>
    IDS.has(key) && typeof each === "string" ? Buffer.from(each, from).toString(to) : withIds(each, from, to),
  );
}

/** Empty lists are as good as none. */
function withoutEmpty(value: unknown): unknown {
  return mapped(value, (_, each) => (Array.isArray(each) && each.length === 0 ? undefined : withoutEmpty(each)));
}

function mapped(value: unknown, change: (key: string, each: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((each) => change("", each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(key, each)]));
}

/** As text, whatever the order of keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
