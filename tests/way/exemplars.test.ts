// Exemplars of the whole gateway: which exchanges stand behind the buckets of durations, and that there are none without traces.
import { expect, test } from "bun:test";
import type { TracingOptions } from "../../src/config/telemetry/options.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { prometheusText, type TextFormat } from "../../src/record/prometheus.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";
import { readMetrics } from "../support/metrics-text.ts";

const DURATION = "http_server_request_duration_seconds";
const SAMPLED = "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED = "traceparent: 00-0bf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/** Exemplars as they are told, by the upper bound of the bucket. */
function exemplars(world: World, format: TextFormat = "openmetrics"): Record<string, Record<string, string>> {
  const families = readMetrics(prometheusText(world.metrics.collect(), format), format);
  const all = [...families.values()].flatMap(({ samples }) => samples).filter(({ exemplar }) => exemplar !== undefined);
  for (const { name } of all) expect(name).toBe(`${DURATION}_bucket`);
  return Object.fromEntries(all.map(({ labels, exemplar }) => [labels["le"], exemplar!]));
}

function traced(tracing: TracingOptions | undefined, tell: (world: World) => void): void {
  inWorld(toUpstream({}, { admin: {}, ...(tracing && { tracing }) }), (world) => {
    world.a.answerAll(() => answerText("hello", ["Connection: close"]));
    tell(world);
  });
}

const ask = (world: World, ...fields: string[]): unknown => world.ask("GET", "/", ["Connection: close", ...fields]);

test("a bucket names the span of the last sampled exchange that it has counted, with its duration and the time", () => {
  traced({}, (world) => {
    ask(world, SAMPLED);
    ask(world, SAMPLED);
    ask(world, UNSAMPLED);
    const [told] = Object.values(exemplars(world));
    const { trace_id, span_id } = world.records.at(-2)!;
    expect(told).toMatchObject({ trace_id, span_id });
    expect(Number(told!["at"])).toBeCloseTo(world.platform.wallClock() / 1000, 2);
    expect(Object.keys(exemplars(world))).toHaveLength(1);
    expect(exemplars(world, "prometheus")).toEqual({});
  });
});

test.each([
  ["sampled", UNSAMPLED, 0],
  ["sampled", SAMPLED, 1],
  ["all", UNSAMPLED, 1],
  ["none", SAMPLED, 0],
] as const)("with exemplars: %p a client's %p is that of %d buckets", (which, parent, count) => {
  traced({ exemplars: which }, (world) => {
    ask(world, parent);
    expect(Object.keys(exemplars(world))).toHaveLength(count);
  });
});

test("without tracing there are none", () => {
  traced(undefined, (world) => {
    ask(world, SAMPLED);
    expect(exemplars(world)).toEqual({});
  });
});

test("a reload that turns them off leaves what was told", () => {
  traced({}, (world) => {
    ask(world, SAMPLED);
    world.reload(toUpstream({}, { admin: {} }));
    ask(world, SAMPLED);
    expect(Object.keys(exemplars(world))).toHaveLength(1);
  });
});
