// The plan of telemetry: traces, and where spans and metrics are sent.
import type { TlsPlan } from "../plan.ts";
import type { Secret } from "../secrets.ts";

/** What the environment says; undefined where the config says all. */
interface OfEnvironment {
  /** Methods that are told by name, in place of those of the standards. */
  readonly knownMethods?: readonly string[] | undefined;
  /** What of it is not heard, a sentence each. */
  readonly unheard?: readonly string[] | undefined;
}

/** Which traces are recorded, and whose are continued. */
export interface TracingPlan extends OfEnvironment {
  readonly sample: number;
  readonly parent: "follow" | "ignore";
  readonly errors: boolean;
  readonly trust: "everyone" | "proxies" | "nobody";
  readonly baggage: "everyone" | "proxies" | "nobody";
  /** Which exchanges are exemplars of their durations. */
  readonly exemplars: "sampled" | "all" | "none";
  /** Lower-case names of query parameters to mask in spans. */
  readonly redactQuery: readonly string[];
}

/** Where spans and metrics are sent. */
export interface OtlpPlan extends OfEnvironment {
  readonly traces: OtlpTracesPlan | undefined;
  readonly metrics: OtlpMetricsPlan | undefined;
  /** What is said of the gateway beside what it knows of itself. */
  readonly resource: readonly (readonly [key: string, value: string])[];
}

/** Where the requests with spans or metrics go. */
export interface OtlpEndpoint {
  /** The whole URL, path included. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string | Secret])[];
  readonly gzip: boolean;
  /** How long one request may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly tls: TlsPlan | undefined;
}

/** How spans are sent to the collector, with every default. */
export interface OtlpTracesPlan extends OtlpEndpoint {
  readonly delayMs: number;
  readonly batch: number;
  readonly queue: number;
  /** All tries of a batch together. */
  readonly exportMs: number;
}

/** How metrics are sent to the collector, with every default. */
export interface OtlpMetricsPlan extends OtlpEndpoint {
  readonly intervalMs: number;
  /** All tries of a push together. */
  readonly exportMs: number;
}
