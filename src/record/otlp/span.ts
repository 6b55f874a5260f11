// Spans as OTLP's JSON has them (opentelemetry-proto, trace.proto).
import type { Attribute } from "./attributes.ts";

/** The kind of a span of one who is asked. */
export const SERVER = 2;
/** Of one who asks. */
export const CLIENT = 3;

/** The status of what failed. */
export const STATUS_ERROR = 2;

/** A bit of a span's flags beside those of `traceparent`: whether its parent is elsewhere is known. */
export const KNOWS_PARENT = 0x100;
/** It is. */
export const REMOTE_PARENT = 0x200;

/** Something that happened in a span. */
export interface SpanEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly Attribute[];
}

/** A span. */
export interface Span {
  /** Hexadecimal, as OTLP's JSON has ids. */
  readonly traceId: string;
  readonly spanId: string;
  /** Absent for the root. */
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: typeof SERVER | typeof CLIENT;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly Attribute[];
  }[];
  /** Absent where nothing failed. */
  readonly status?: { readonly code: typeof STATUS_ERROR };
}
