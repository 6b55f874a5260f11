// What a user writes about telemetry: which traces are recorded, and where spans and metrics are sent.
import type { Duration, UpstreamTls } from "../options.ts";
import type { Hidden } from "../secrets.ts";

/** Traces: what becomes of `traceparent`, and of which exchanges spans are sent to where `otlp` says. */
export interface TracingOptions {
  /** The share of traces that begin here and are recorded, from 0 to 1. Default: `1`. */
  sample?: number;
  /**
   * What decides on a trace that is continued. `"follow"`: whoever began it; `"ignore"`: `sample`, by the trace's id, so
   * that all gateways of one share decide alike. Default: `"follow"`.
   */
  parent?: "follow" | "ignore";
  /**
   * Also record exchanges that failed: a status from 500 on, or an answer that broke off. That is known at their end:
   * upstreams were told that the trace is not recorded. Default: `false`.
   */
  errors?: boolean;
  /**
   * Whose `traceparent` is continued: that of `"everyone"`, of `listen.trustedProxies`, or of `"nobody"`. Any other begins
   * a new trace, which links to the one that was said. Default: `"everyone"`.
   */
  trust?: "everyone" | "proxies" | "nobody";
  /** Whose `baggage` upstreams and handlers see. Default: `"proxies"`, those of `listen.trustedProxies`. */
  baggage?: "everyone" | "proxies" | "nobody";
  /**
   * Which exchanges `http_server_request_duration_seconds` names as exemplars, one a bucket, for a way from a chart to a
   * trace: those whose trace is `"sampled"`, `"all"`, or `"none"`. Default: `"sampled"`.
   */
  exemplars?: "sampled" | "all" | "none";
  /** Query parameters whose values spans mask, beside the built-in list of credentials and what the log masks. */
  redactQuery?: readonly string[];
}

/** A collector, by OTLP over HTTP with JSON. */
export interface OtlpOptions {
  /** Its URL; `/v1/traces` and `/v1/metrics` are put behind it. Default: `"http://localhost:4318"`. */
  endpoint?: string | Hidden;
  /** Fields of each request, such as `{ authorization: env("OTLP_TOKEN") }`. */
  headers?: Readonly<Record<string, string | Hidden>>;
  /** How the content of requests is compressed. Default: `"none"`. */
  compression?: "gzip" | "none";
  /** For one request. What fails for a time is sent again, for 30 s in all. Default: `"10s"`. */
  timeout?: Duration;
  tls?: UpstreamTls;
  /** The spans of `tracing`; `false` sends none. */
  traces?: false | OtlpTracesOptions;
  /** What `/metrics` of `admin` has, with or without `admin`; `false` sends none. */
  metrics?: false | OtlpMetricsOptions;
  /** What is said of the gateway, beside `service.name` (the gateway's name), `service.version` and `service.instance.id`. */
  resource?: Readonly<Record<string, string>>;
}

/** How spans are sent to the collector. */
export interface OtlpTracesOptions {
  /** How long a span waits for others at most. Default: `"5s"`. */
  delay?: Duration;
  /** Most spans in one request; so many are sent at once. Default: `512`. */
  batch?: number;
  /** Most spans that wait; more are dropped and counted. Default: `2048`. */
  queue?: number;
}

/** How metrics are sent to the collector. */
export interface OtlpMetricsOptions {
  /** The time between two pushes. Default: `"60s"`. */
  interval?: Duration;
}
