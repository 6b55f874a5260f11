// Kinds of requests: however many methods there are, they are few, and each is told as what it is.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ExchangeMetrics } from "../../src/record/exchange-metrics.ts";
import { Kinds } from "../../src/record/kinds.ts";
import { Metrics } from "../../src/record/metrics.ts";
import { SpanWriter } from "../../src/record/trace/spans.ts";
import { planOf } from "../config/support.ts";
import { exchange, recordingPlatform, WHOLE } from "./exchanges.ts";

const method = fc.oneof(fc.constantFrom("GET", "get", "QUERY", "PROPFIND", "_OTHER", "constructor", ""), fc.string());

test("whatever a client calls its method, its kind is one of few, and tells a known method by its name", () => {
  const lists = fc.option(fc.uniqueArray(fc.constantFrom("GET", "PROPFIND", "constructor")), { nil: undefined });
  fc.assert(
    fc.property(method, fc.constantFrom("http" as const, "https" as const), lists, (method, scheme, known) => {
      const kinds = new Kinds(known);
      const kind = kinds.of({ method, scheme });
      expect([kind >= 0, kind < kinds.count, kinds.count <= 22]).toEqual([true, true, true]);
      const told = kinds.labels(kind);
      expect(told).toEqual({ "http.request.method": kinds.known(method), "url.scheme": scheme });
      expect([method, "_OTHER"]).toContain(told["http.request.method"]);
      if (known !== undefined)
        expect(told["http.request.method"] === method).toBe([...known, "_OTHER"].includes(method));
    }),
  );
});

test("methods that the environment names are told by name in metrics and spans, and no others", () => {
  const plan = planOf(
    { tracing: "env", otlp: "env", routes: { r: { match: "/", answer: {} } } },
    { env: { OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: "PROPFIND" } },
  );
  const platform = recordingPlatform();
  const metrics = new Metrics();
  const counted = new ExchangeMetrics(metrics, plan, platform);
  const spans = new SpanWriter(plan.tracing!, platform);
  const trace = { stem: `${"1".repeat(32)}-${"2".repeat(14)}`, flags: 1, parentId: "", state: "", link: undefined };
  const names = ["PROPFIND", "GET"].map((method) => {
    const x = exchange({ method });
    counted.began(x);
    counted.ended(x, WHOLE);
    return /"name":"(\w+)/.exec(spans.of(x, trace as never, WHOLE)[0]!)![1];
  });
  expect(names).toEqual(["PROPFIND", "HTTP"]);
  const { samples } = metrics.collect().find(({ family }) => family.name === "http.server.request.duration")!;
  expect(samples.map(({ labels }) => labels![0])).toEqual(["PROPFIND", "_OTHER"]);
});
