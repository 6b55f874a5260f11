// Traces and pushes of the executable: a collector of the test's own takes them, hangs, answers 503, or is down.
import { afterEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closedPort } from "../support/closed-port.ts";
import { type Collector, startCollector } from "../support/collector.ts";
import { until } from "../support/deadline.ts";
import { type Gateway, startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { plain } from "../support/origin-exchange.ts";
import { exchange } from "../support/raw-client.ts";
import { type RawOrigin, startOrigin } from "../support/raw-origin.ts";
import { scrape, sumOf } from "../support/metrics-text.ts";

const ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT = `traceparent: 00-${ID}-b7ad6b7169203331-01`;

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

interface Started {
  readonly gateway: Gateway;
  readonly origin: RawOrigin;
}

/** A gateway whose spans and metrics go to this URL. */
async function start(collector: string, options: object = {}, more: object = {}): Promise<Started> {
  const origin = await startOrigin({ behaviour: (x) => x.send(plain("hello")) });
  const otlp = { endpoint: collector, metrics: false, traces: { delay: "50ms" }, ...options };
  const config = {
    listen: { host: "127.0.0.1", port: 0 },
    admin: { port: 0 },
    tracing: {},
    otlp,
    upstreams: { up: { targets: [origin.url] } },
    routes: { up: { match: "/up/*", to: "up" } },
    ...more,
  };
  const gateway = await startGateway(
    `import { defineGateway } from "sluice";\nexport default defineGateway(${JSON.stringify(config)});\n`,
  );
  stops.push(async () => {
    if (gateway.alive) gateway.signal("SIGKILL");
    await origin.stop();
  });
  return { gateway, origin };
}

function collect(port?: number): Collector {
  const collector = startCollector(port);
  stops.push(() => collector.stop());
  return collector;
}

const ask = (gateway: Gateway, ...fields: string[]): ReturnType<typeof exchange> =>
  exchange(gateway.port, get("/up/1", "Connection: close", ...fields));

describe.each([1, 3])("with %d workers", (workers) => {
  test("a collector gets the spans that targets and the log know, of one resource", async () => {
    const collector = collect();
    const { gateway, origin } = await start(collector.url, { compression: "gzip" }, { workers });
    for (let at = 0; at < 12; at++) await ask(gateway, PARENT);
    await until(() => collector.spans.length === 24, "all spans");
    const known = origin.requests.map(({ fields }) => fields.one("traceparent")!.slice(36, 52));
    const attempts = collector.spans.filter(({ kind }) => kind === 3);
    expect(attempts.map(({ spanId }) => spanId).toSorted()).toEqual(known.toSorted());
    expect(new Set(collector.spans.map(({ traceId }) => traceId))).toEqual(new Set([ID]));
    expect(new Set(collector.spans.map(({ spanId }) => spanId)).size).toBe(24);
    expect(new Set(collector.taken.map(({ resource }) => resource["service.instance.id"])).size).toBe(1);
    expect(collector.faults).toEqual([]);
    await gateway.stop();
  });

  test("what waits is sent when the gateway drains, and metrics for the last time", async () => {
    const collector = collect();
    const { gateway } = await start(
      collector.url,
      { traces: { delay: "1h" }, metrics: { interval: "1h" } },
      { workers },
    );
    for (let at = 0; at < 5; at++) await ask(gateway);
    expect(collector.asked).toBe(0);
    await gateway.stop();
    expect(collector.spans).toHaveLength(10);
    const duration = collector.metrics.find(({ name }) => name === "http.server.request.duration")!;
    expect(duration.points.map(({ count }) => count)).toEqual(["5"]);
    expect(collector.faults).toEqual([]);
  });
});

test("a collector that answers 503 gets the same spans later, and is told of once", async () => {
  const collector = collect();
  collector.mood = 503;
  const { gateway } = await start(collector.url);
  await ask(gateway);
  await until(() => collector.asked >= 2, "another try");
  collector.mood = "take";
  await until(() => collector.spans.length === 2, "the spans");
  expect(collector.spans).toHaveLength(2);
  await gateway.stop();
  expect(gateway.stderr.text.match(/does not take spans: status 503/g)).toHaveLength(1);
  expect(gateway.stderr.text.match(/takes spans again/g)).toHaveLength(1);
});

test("one that is down when the gateway starts gets them once it is there", async () => {
  const port = closedPort();
  const { gateway } = await start(`http://127.0.0.1:${port}`);
  expect((await ask(gateway)).status).toBe(200);
  await until(() => gateway.stderr.text.includes("does not take spans"), "the first failure");
  const collector = collect(port);
  await until(() => collector.spans.length === 2, "the spans");
  await gateway.stop();
});

test("one that hangs holds no request up; spans that are too many are dropped and counted; a drain ends", async () => {
  const collector = collect();
  collector.mood = "hang";
  const { gateway } = await start(collector.url, { traces: { delay: "10ms", batch: 2, queue: 4 } });
  for (let at = 0; at < 10; at++) expect((await ask(gateway)).status).toBe(200);
  const dropped = await until(async () => {
    const count = sumOf(await scrape(gateway.adminPort), "sluice_otlp_exports_total", { outcome: "dropped" });
    return count === 14 ? count : undefined;
  }, "the count");
  expect(dropped).toBe(14);
  const began = performance.now();
  await gateway.stop();
  expect(performance.now() - began).toBeLessThan(8000);
  expect(gateway.stderr.text.match(/more are dropped/g)).toHaveLength(1);
});

test("the example of a share records what fails, and sends it with its token, its resource and gzip", async () => {
  const collector = collect();
  const source = readFileSync(join(import.meta.dir, "../../examples/telemetry/tracing.config.ts"), "utf8");
  const gateway = await startGateway(source.replace("port: 8080", "port: 0"), {
    env: {
      ORDERS: `http://127.0.0.1:${closedPort()}`,
      COLLECTOR: collector.url,
      COLLECTOR_TOKEN: "Bearer 0123456789abcdef",
    },
  });
  expect((await exchange(gateway.port, get("/orders/1", "Connection: close"))).status).toBe(502);
  await gateway.stop();
  expect(collector.spans.map(({ name }) => name)).toContain("GET /orders/*");
  const resource = { "service.name": "edge", "deployment.environment.name": "production" };
  for (const { resource: told } of collector.taken) expect(told).toMatchObject(resource);
  expect(collector.metrics.map(({ name }) => name)).toContain("http.server.request.duration");
  const said = collector.fields.map((fields) => [fields.get("authorization"), fields.get("content-encoding")]);
  expect(said).toEqual(said.map(() => ["Bearer 0123456789abcdef", "gzip"]));
});

test("the example asks a collector for nothing but to take, with its token", async () => {
  const collector = collect();
  const source = readFileSync(join(import.meta.dir, "../../examples/telemetry/environment.config.ts"), "utf8");
  const origin = await startOrigin({ behaviour: (x) => x.send(plain("hello")) });
  stops.push(() => origin.stop());
  const gateway = await startGateway(source.replace("port: 8080", "port: 0"), {
    env: {
      ORDERS: origin.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: "edge",
      OTEL_BSP_SCHEDULE_DELAY: "50",
      OTEL_METRICS_EXPORTER: "none",
    },
  });
  await exchange(gateway.port, get("/orders/1", "Connection: close"));
  await until(() => collector.spans.length === 2, "the spans");
  expect(collector.taken[0]!.resource).toMatchObject({ "service.name": "edge", "process.runtime.name": "bun" });
  await gateway.stop();
});
