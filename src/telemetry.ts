// Telemetry of a plan, brought to life: its traces, and what sends spans and metrics.
import type { Watch } from "./admin/live/watch.ts";
import type { Keep } from "./carried.ts";
import type { Plan } from "./config/plan.ts";
import type { OtlpEndpoint } from "./config/telemetry/plan.ts";
import type { Stage, StageName } from "./exchange.ts";
import { markedStage } from "./marked-stage.ts";
import type { Platform } from "./platform.ts";
import { FAMILIES } from "./record/families.ts";
import type { Metrics } from "./record/metrics.ts";
import { MetricsPush } from "./record/otlp/metrics-push.ts";
import { originOf } from "./record/otlp/resource.ts";
import { OtlpSender } from "./record/otlp/sender.ts";
import { type SpanCounts, SpanQueue } from "./record/otlp/span-queue.ts";
import { Tracing } from "./record/trace/tracing.ts";
import { clientTls } from "./http/client-tls.ts";

/** How long what is left may take to be sent when the gateway ends. */
export const FLUSH_MS = 3000;

/** What a gateway reports of its work, beside its log. */
export interface Telemetry {
  /** Undefined where the plan has none. */
  readonly tracing: Tracing | undefined;
  /** Undefined without an admin listener. */
  readonly watch: Watch | undefined;
  /** Notes when a stage has the exchange, for whoever wants to know. The stage itself where nobody ever does. */
  mark(stage: Stage, name: StageName): Stage;
  /** Undefined where metrics are not pushed, or others push them. */
  readonly push: MetricsPush | undefined;
  /** That of another plan takes over: metrics are pushed once, and spans of what is under way are still sent. */
  giveWay(next: Telemetry): void;
  /** Sends all that waits; resolves when it has gone, or has taken too long. */
  flush(): Promise<void>;
}

/** What it is made with, whatever the plan. */
interface Surroundings {
  readonly platform: Platform;
  /** Of the process. */
  readonly instance: string;
  /** Undefined where nobody counts. */
  readonly metrics: Metrics | undefined;
  readonly watch: Watch | undefined;
  /** Gets what is still sent for a plan that was let go, until it has gone or has taken too long. */
  readonly farewells: Set<Promise<void>>;
}

/** Makes it. */
export function createTelemetry(
  plan: Pick<Plan, "name" | "tracing" | "otlp" | "serverTiming">,
  { platform, instance, metrics, watch, farewells }: Surroundings,
  keep: Keep,
): Telemetry {
  const { name, tracing, otlp } = plan;
  const queue =
    tracing &&
    otlp?.traces &&
    keep(
      "otlp.traces",
      [name, otlp.traces, otlp.resource],
      () => {
        const { traces, resource } = otlp;
        const origin = originOf(name, instance, resource, platform);
        const queue = new SpanQueue(traces!, senderTo(traces!, "spans", platform), origin, platform);
        return { queue, unread: metrics && meterSpans(metrics, queue.counts) };
      },
      ({ queue, unread }) => {
        const farewell = queue.flush(FLUSH_MS).then(() => {
          unread?.();
          farewells.delete(farewell);
        });
        farewells.add(farewell);
      },
    ).queue;
  // The main thread pushes what all workers have counted.
  const pushes = platform.shared === undefined && metrics !== undefined && otlp?.metrics !== undefined;
  const push = pushes
    ? keep(
        "otlp.metrics",
        [name, otlp.metrics, otlp.resource],
        () => pushTo(plan, instance, () => metrics, platform)!,
        (part) => part.close(),
      )
    : undefined;
  return {
    tracing: tracing && new Tracing(tracing, queue, platform),
    watch,
    mark:
      queue === undefined && watch === undefined && !plan.serverTiming
        ? (stage) => stage
        : (stage, name) => markedStage(stage, name, platform),
    push,
    giveWay(next) {
      if (push !== next.push) push?.close();
    },
    async flush() {
      await Promise.all([queue?.flush(FLUSH_MS), push?.flush(FLUSH_MS)]);
    },
  };
}

/** Pushes metrics, where the plan says so. */
export function pushTo(
  { name, otlp }: Pick<Plan, "name" | "otlp">,
  instance: string,
  read: () => Metrics | Promise<Metrics>,
  platform: Platform,
): MetricsPush | undefined {
  if (otlp?.metrics === undefined) return undefined;
  const origin = originOf(name, instance, otlp.resource, platform);
  return new MetricsPush(otlp.metrics, senderTo(otlp.metrics, "metrics", platform), read, origin, platform);
}

function senderTo(plan: OtlpEndpoint, what: string, platform: Platform): OtlpSender {
  const { url, tls } = plan;
  const host = new URL(url).hostname.replace(/^\[|\]$/g, "");
  return new OtlpSender(plan, tls && clientTls(tls, host), what, platform);
}

function meterSpans(metrics: Metrics, counts: SpanCounts): () => void {
  const outcomes = Object.keys(counts) as (keyof SpanCounts)[];
  const ends = outcomes.map((outcome) =>
    metrics.count(FAMILIES.otlpExports, { signal: "traces", outcome }, () => counts[outcome]),
  );
  return () => ends.forEach((end) => end());
}
