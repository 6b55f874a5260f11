// The registry as OTLP has it, judged by the official schema, and pushed to a collector by the whole gateway.
import { describe, expect, test } from "bun:test";
import { FAMILIES } from "../../../src/record/families.ts";
import { Metrics } from "../../../src/record/metrics.ts";
import { metricsMessage } from "../../../src/record/otlp/metrics-message.ts";
import { originOf } from "../../../src/record/otlp/resource.ts";
import { FakeCollector } from "../../support/fake-collector.ts";
import { answerText } from "../../../src/platforms/fake/peers.ts";
import { inWorldOf, toUpstream } from "../../support/fake-world.ts";
import { type ReadMetric, readRequest } from "../../support/otlp-schema.ts";

const ORIGIN = originOf("edge", "4711", [["service.name", "said"]], { runtime: "bun" });

const KIND = { "http.request.method": "GET", "url.scheme": "http" };
const PLACE = { "http.route": "/*", "sluice.route": "", ...KIND };
const ATTEMPTS = {
  ...{ "sluice.upstream": "up", "sluice.target": "http://a.test", "server.address": "a.test", "server.port": "80" },
  ...{ "http.request.method": "GET", "http.response.status_code": "200", "error.type": "" },
};

function told(metrics: Metrics): Map<string, ReadMetric> {
  const message = metricsMessage(metrics.collect(), ORIGIN, "1000", "2000");
  const { metrics: read, resource, scope } = readRequest("/v1/metrics", JSON.stringify(message));
  expect(resource).toMatchObject({ "service.name": "said", "service.instance.id": "4711" });
  expect(scope).toBe("sluice");
  return new Map(read.map((metric) => [metric.name, metric]));
}

describe("a family is told", () => {
  test("as a sum that grows, a gauge, or a histogram with its own buckets", () => {
    const metrics = new Metrics();
    metrics.counter(FAMILIES.faults, { route: "all", fault: "delay" }).add(3);
    metrics.readOne(FAMILIES.limitEntries, () => 7);
    metrics.read(FAMILIES.serverActive, () => [[KIND, 2]]);
    const size = metrics.histogram(FAMILIES.requestSize, PLACE);
    for (const bytes of [1, 300, 2 ** 40]) size.observe(bytes);
    const read = told(metrics);
    const common = { startTimeUnixNano: "1000", timeUnixNano: "2000" };
    expect(read.get("sluice.faults.injected")).toEqual({
      name: "sluice.faults.injected",
      kind: "sum",
      isMonotonic: true,
      points: [{ ...common, attributes: { route: "all", fault: "delay" }, asDouble: 3 }],
    });
    expect(read.get("sluice.limit.entries")).toMatchObject({
      kind: "gauge",
      points: [{ attributes: {}, asDouble: 7 }],
    });
    expect(read.get("http.server.active_requests")).toMatchObject({
      ...{ kind: "sum", isMonotonic: false, unit: "{request}" },
      points: [{ attributes: KIND, asDouble: 2 }],
    });
    const histogram = read.get("http.server.request.body.size")!;
    expect([histogram.kind, histogram.unit]).toEqual(["histogram", "By"]);
    const [point] = histogram.points;
    expect(point).toMatchObject({ attributes: { "http.route": "/*", ...KIND }, count: "3", sum: 301 + 2 ** 40 });
    expect(point!["explicitBounds"]).toEqual(FAMILIES.requestSize.bounds);
    expect(point!["bucketCounts"]).toEqual(["1", "1", ...Array.from({ length: 10 }, () => "0"), "1"]);
  });

  test("under the names that the conventions have for a process, where they have some", () => {
    const metrics = new Metrics();
    metrics.counter(FAMILIES.cpu, {}).add(2);
    const { residentMemory, openFiles, mostFiles, startTime } = FAMILIES;
    for (const family of [residentMemory, openFiles, mostFiles, startTime]) metrics.readOne(family, () => 7);
    const read = [...told(metrics).values()].map(({ name, kind, unit, isMonotonic }) => [
      name,
      kind,
      unit,
      isMonotonic,
    ]);
    expect(read).toEqual([
      ["process.cpu.time", "sum", "s", true],
      ["process.memory.usage", "sum", "By", false],
      ["sluice.process.start_time", "gauge", "s", undefined],
      ["process.unix.file_descriptor.count", "sum", "{file_descriptor}", false],
      ["sluice.process.max_fds", "gauge", undefined, undefined],
    ]);
  });

  test("with numbers where the conventions have numbers", () => {
    const metrics = new Metrics();
    metrics.histogram(FAMILIES.clientDuration, { ...ATTEMPTS, "error.type": "500" });
    const [point] = told(metrics).get("http.client.request.duration")!.points;
    expect(point!.attributes).toMatchObject({
      ...{ "server.port": 80, "http.response.status_code": 200, "error.type": "500" },
    });
  });

  test("with the exemplars of its buckets", () => {
    const metrics = new Metrics();
    const size = metrics.histogram(FAMILIES.requestSize, PLACE);
    const trace = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };
    size.observeIn(trace, 300, 1_700_000_000_000);
    size.observe(1);
    const [point] = told(metrics).get("http.server.request.body.size")!.points;
    expect(point!["exemplars"]).toEqual([{ timeUnixNano: "1700000000000000000", asDouble: 300, ...trace }]);
  });

  test("with the beginning of a series that was let go and has come back", () => {
    const metrics = new Metrics();
    const count = (): number => metrics.histogram(FAMILIES.clientDuration, ATTEMPTS).observe(1);
    count();
    metrics.letGo(0, 1_700_000_000_000);
    metrics.letGo(600_000, 1_700_000_600_000);
    count();
    const [point] = told(metrics).get("http.client.request.duration")!.points;
    expect(point).toMatchObject({ count: "1", startTimeUnixNano: "1700000600000000000" });
  });

  test("with the series that holds what was too much", () => {
    const metrics = new Metrics();
    for (let at = 0; at < 2001; at++) metrics.counter(FAMILIES.faults, { route: String(at), fault: "x" }).add();
    const points = told(metrics).get("sluice.faults.injected")!.points;
    expect(points).toHaveLength(2001);
    expect(points.at(-1)).toMatchObject({ attributes: { "otel.metric.overflow": true }, asDouble: 1 });
  });

  test("with values that JSON has no numbers for", () => {
    const metrics = new Metrics();
    metrics.readOne(FAMILIES.limitEntries, () => Infinity);
    const message = metricsMessage(metrics.collect(), ORIGIN, "1000", "2000");
    expect(JSON.stringify(message)).toContain('"asDouble":"Infinity"');
  });
});

describe("metrics are pushed", () => {
  const otlp = { endpoint: "http://collector.test", metrics: { interval: "10s" } } as const;

  test("again and again, with what was counted since the beginning, without an admin listener", () =>
    inWorldOf({ ...toUpstream(), otlp }, async (world) => {
      const collector = new FakeCollector(world.platform);
      world.a.answerAll(() => answerText("ok", ["Connection: close"]));
      const counts: unknown[] = [];
      for (let round = 0; round < 3; round++) {
        world.ask("GET", "/", ["Connection: close"]);
        world.advance(10_000);
        await world.rest();
        const duration = collector.metrics.find(({ name }) => name === "http.server.request.duration")!;
        counts.push(duration.points[0]!["count"]);
        expect(duration.points[0]!["startTimeUnixNano"]).toBe(`${world.platform.clock.epoch + 1000}000000`);
      }
      expect(counts).toEqual(["1", "2", "3"]);
      expect(collector.received.map(({ url }) => url)).toEqual(Array(3).fill("http://collector.test/v1/metrics"));
    }));

  test("with the beginning of their counting, where a reload is the first to push them", () =>
    inWorldOf({ ...toUpstream(), admin: {} }, async (world) => {
      const collector = new FakeCollector(world.platform);
      world.advance(50_000);
      world.reload({ ...toUpstream(), admin: {}, otlp });
      world.advance(10_000);
      await world.rest();
      const [point] = collector.metrics[0]!.points;
      expect(point!["startTimeUnixNano"]).toBe(`${world.platform.clock.epoch + 1000}000000`);
    }));

  test("one that fails is made up for by the next, and the last one goes when the gateway drains", () =>
    inWorldOf({ ...toUpstream(), otlp }, async (world) => {
      const collector = new FakeCollector(world.platform);
      collector.answer = () => new Response("", { status: 400 });
      world.advance(10_000);
      await world.rest();
      expect(world.platform.notices.splice(0)).toEqual([
        { level: "warn", text: "otlp: http://collector.test does not take metrics: status 400" },
      ]);
      collector.answer = () => Response.json({});
      void world.gateway.drain();
      await world.rest();
      expect(collector.received).toHaveLength(2);
      const exports = collector.metrics.find(({ name }) => name === "sluice.otlp.exports")!;
      expect(exports.points.map(({ attributes, asDouble }) => [attributes["outcome"], asDouble])).toEqual([
        ["refused", 1],
      ]);
      expect(world.platform.notices.splice(0).map(({ level }) => level)).toEqual(["info"]);
    }));

  test("not while the collector asks for patience, and then as they are by then", () =>
    inWorldOf({ ...toUpstream(), otlp }, async (world) => {
      const collector = new FakeCollector(world.platform);
      world.a.answerAll(() => answerText("ok", ["Connection: close"]));
      collector.answer = () => new Response("", { status: 503, headers: { "retry-after": "35" } });
      const pass = async (seconds: number): Promise<void> => {
        for (let second = 0; second < seconds; second++) {
          world.advance(1000);
          await world.rest();
        }
      };
      await pass(10);
      collector.answer = () => Response.json({});
      await pass(30);
      expect(collector.received).toHaveLength(1);
      world.ask("GET", "/", ["Connection: close"]);
      await pass(5);
      expect(collector.received).toHaveLength(2);
      const duration = collector.metrics.find(({ name }) => name === "http.server.request.duration")!;
      expect(duration.points.map(({ count }) => count)).toEqual(["1"]);
      world.platform.notices.splice(0);
    }));

  test("once, to the collector of the config that runs, while exchanges of an earlier one go on", () =>
    inWorldOf({ ...toUpstream(), otlp }, async (world) => {
      const collector = new FakeCollector(world.platform);
      world.ask("GET", "/", ["Connection: close"]);
      world.reload({ ...toUpstream(), otlp: { ...otlp, endpoint: "http://new.test" } });
      world.advance(10_000);
      await world.rest();
      expect(collector.received.map(({ url }) => url)).toEqual(["http://new.test/v1/metrics"]);
      world.a.last.answer(200);
      world.settle();
    }));

  test("and never where they are turned off", () =>
    inWorldOf({ ...toUpstream(), otlp: { ...otlp, metrics: false } }, async (world) => {
      const collector = new FakeCollector(world.platform);
      world.advance(100_000);
      await world.rest();
      expect(collector.received).toEqual([]);
    }));
});
