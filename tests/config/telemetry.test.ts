// Traces and OTLP as users write them, and as OTEL_* variables say: what comes out, and how what is wrong reads.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resolvePlan } from "../../src/config/resolve.ts";
import { env } from "../../src/config/secrets.ts";
import type { OtlpPlan, TracingPlan } from "../../src/config/telemetry/plan.ts";
import { UNHEARD } from "../../src/config/telemetry/unheard.ts";
import { planWarnings } from "../../src/config/warnings.ts";
import { CREDENTIAL_PARAMETERS } from "../../src/record/redact.ts";
import { faultLines, HELLO, planOf, reader, type World } from "./support.ts";

const withTelemetry = (telemetry: object): object => ({ ...telemetry, routes: { hello: HELLO } });

/** The plans of a config that leaves all to the environment. */
function ofEnvironment(variables: Record<string, string>): { tracing?: TracingPlan; otlp?: OtlpPlan } {
  const { tracing, otlp } = planOf(withTelemetry({ tracing: "env", otlp: "env" }), { env: variables });
  return { ...(tracing && { tracing }), ...(otlp && { otlp }) };
}

describe("unless the config asks for it", () => {
  test("there are no traces, and nothing is sent, whatever the environment says", () => {
    const world: World = { env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector.test:4318" } };
    expect(planOf({ routes: { hello: HELLO } }, world)).toMatchObject({ tracing: undefined, otlp: undefined });
    expect(planOf(withTelemetry({ tracing: {} }), world).otlp).toBeUndefined();
    expect(planOf(withTelemetry({ tracing: {}, otlp: {} }), world).otlp!.traces!.url).toBe(
      "http://localhost:4318/v1/traces",
    );
  });
});

describe("as they are written", () => {
  test("defaults", () => {
    const { tracing, otlp } = planOf(withTelemetry({ tracing: {}, otlp: {} }));
    expect(tracing).toEqual({
      sample: 1,
      parent: "follow",
      errors: false,
      trust: "everyone",
      baggage: "proxies",
      exemplars: "sampled",
      redactQuery: CREDENTIAL_PARAMETERS,
    });
    const common = { headers: [], gzip: false, timeoutMs: 10_000, tls: undefined };
    const traces = { delayMs: 5000, batch: 512, queue: 2048, exportMs: 30_000 };
    expect(otlp).toEqual({
      traces: { ...common, ...traces, url: "http://localhost:4318/v1/traces" },
      metrics: { ...common, url: "http://localhost:4318/v1/metrics", intervalMs: 60_000, exportMs: 30_000 },
      resource: [],
    });
  });

  test("an endpoint with a path, from outside, and fields that are secrets", () => {
    const options = {
      endpoint: env("COLLECTOR"),
      headers: { authorization: env("TOKEN") },
      resource: { "deployment.environment.name": "test" },
    };
    const world: World = { env: { COLLECTOR: "https://in.test/otlp/", TOKEN: "Bearer 0123456789" } };
    const { otlp } = planOf(withTelemetry({ otlp: options }), world);
    expect(otlp!.traces!.url).toBe("https://in.test/otlp/v1/traces");
    expect(otlp!.resource).toEqual([["deployment.environment.name", "test"]]);
    expect(JSON.stringify(otlp)).not.toContain("0123456789");
  });

  test("spans mask what the log masks, and what they are told to where there is no log", () => {
    const log = { redactQuery: ["pin"] };
    expect(planOf(withTelemetry({ tracing: {}, log })).tracing!.redactQuery).toContain("pin");
    const spansOnly = planOf(withTelemetry({ tracing: { redactQuery: ["PIN"] }, log: false }));
    expect(spansOnly.tracing!.redactQuery).toEqual(["pin"]);
  });

  test("where nothing runs between requests no metrics are pushed", () => {
    const { plan } = resolvePlan(withTelemetry({ otlp: {} }), { ...reader(), background: false });
    expect(plan!.otlp!.traces).toBeDefined();
    expect(plan!.otlp!.metrics).toBeUndefined();
  });

  test.each<[string, object, RegExp]>([
    ["true in place of options", { tracing: true }, /^tracing: .*an object of options/],
    ["a share in percent", { tracing: { sample: 10 } }, /^tracing\.sample: .*a share from 0 to 1/],
    ["an unknown word", { tracing: { trust: "all" } }, /^tracing\.trust: .*one of "everyone", "proxies", "nobody"/],
    ["an unknown option", { tracing: { sampel: 1 } }, /Did you mean "sample"\?$/],
    ["another word than env", { otlp: "environment" }, /^otlp: /],
    ["an endpoint without a scheme", { otlp: { endpoint: "collector:4318" } }, /^otlp\.endpoint: .*begins with http/],
    [
      "credentials in the endpoint",
      { otlp: { endpoint: "http://me:0123456789@collector.test" } },
      /^otlp\.endpoint: .*Credentials stand in headers/,
    ],
    [
      "a field of the message's framing",
      { otlp: { headers: { "content-length": "1" } } },
      /^otlp\.headers\.content-length: /,
    ],
    ["a value that no field has", { otlp: { headers: { a: "0123456789\n" } } }, /^otlp\.headers\.a: .*line break/],
    [
      "a queue that holds no batch",
      { tracing: {}, otlp: { traces: { queue: 5, batch: 6 } } },
      /^otlp\.traces\.queue: .*holds a batch/,
    ],
    [
      "an interval without a unit",
      { otlp: { metrics: { interval: 60 } } },
      /^otlp\.metrics\.interval: .*Give the unit/,
    ],
    ["spans without traces", { otlp: { traces: {} } }, /^otlp\.traces: .*tracing: \{\}/],
    ["true for false", { otlp: { metrics: true } }, /^otlp\.metrics: /],
    ["a number as an attribute", { otlp: { resource: { a: 1 } } }, /^otlp\.resource\.a: .*a text/],
  ])("%s is a fault that says so", (_, telemetry, message) => {
    const lines = faultLines(withTelemetry(telemetry));
    expect(lines).toHaveLength(1);
    expect(lines[0]!).toMatch(message);
    expect(lines[0]!).not.toContain("0123456789");
  });
});

describe("as the environment says", () => {
  test("defaults are those of the specification, and empty is not set", () => {
    const plans = ofEnvironment({ OTEL_TRACES_SAMPLER: "", OTEL_EXPORTER_OTLP_HEADERS: " " });
    expect(plans.tracing).toMatchObject({ sample: 1, parent: "follow", errors: false, baggage: "proxies" });
    const written = planOf(withTelemetry({ tracing: {}, otlp: {} })).otlp!;
    expect(plans.otlp).toEqual({ ...written, resource: [] });
  });

  test.each([
    ["trace_based", "sampled"],
    ["always_on", "all"],
    ["always_off", "none"],
  ])("OTEL_METRICS_EXEMPLAR_FILTER=%s has the exemplars of %s", (filter, exemplars) => {
    expect(ofEnvironment({ OTEL_METRICS_EXEMPLAR_FILTER: filter }).tracing).toMatchObject({ exemplars });
  });

  test("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS takes the place of the standards' methods", () => {
    const methods = ["GET", "PROPFIND"];
    expect(ofEnvironment({ OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: " GET, PROPFIND,,GET" })).toMatchObject({
      tracing: { knownMethods: methods },
      otlp: { knownMethods: methods },
    });
    expect(ofEnvironment({ OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: "," }).tracing!.knownMethods).toBeUndefined();
  });

  test("what is set and not heard is told, once, with the reason", () => {
    const variables: Record<string, string> = {
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
      OTEL_LOGS_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "Cumulative",
      OTEL_ATTRIBUTE_COUNT_LIMIT: "64",
    };
    const plan = planOf(withTelemetry({ tracing: "env", otlp: "env" }), { env: variables });
    expect(planWarnings(plan, 0)).toEqual([
      "OTEL_EXPORTER_OTLP_PROTOCOL is set, and is not heard: what is sent is JSON over HTTP, which collectors take at the same address",
      "OTEL_LOGS_EXPORTER is set, and is not heard: the access log is not sent by OTLP: log.to says where it goes",
      expect.stringContaining("OTEL_ATTRIBUTE_COUNT_LIMIT is set, and is not heard: what a span holds is bounded"),
    ]);
    expect(planWarnings(planOf(withTelemetry({ tracing: {}, otlp: {} }), { env: variables }), 0)).toEqual([]);
  });

  test("each variable that is heard or not stands on the page of traces", () => {
    const page = readFileSync(join(import.meta.dir, "../../docs/tracing.md"), "utf8");
    const asked = new Set(UNHEARD.flatMap(({ names }) => names));
    const env = (name: string): undefined => void asked.add(name);
    resolvePlan(withTelemetry({ tracing: "env", otlp: "env" }), { ...reader(), env });
    resolvePlan(withTelemetry({ otlp: "env" }), {
      ...reader(),
      env: (name) => (name === "OTEL_TRACES_SAMPLER" ? "traceidratio" : env(name)),
    });
    const told = [...page.matchAll(/`(OTEL_[A-Z_]+)(\*?)`/g)].map(([, name, rest]) => [name!, rest === "*"] as const);
    const isTold = (name: string): boolean =>
      told.some(([each, isBeginning]) => (isBeginning ? name.startsWith(each) : name === each));
    expect([...asked].filter((name) => !isTold(name))).toEqual([]);
  });

  test("OTEL_SDK_DISABLED turns all off", () => {
    expect(ofEnvironment({ OTEL_SDK_DISABLED: "TRUE" })).toEqual({});
    expect(Object.keys(ofEnvironment({ OTEL_SDK_DISABLED: "false" }))).toEqual(["tracing", "otlp"]);
  });

  test.each([
    ["always_on", undefined, { sample: 1, parent: "ignore" }],
    ["always_off", undefined, { sample: 0, parent: "ignore" }],
    ["traceidratio", "0.25", { sample: 0.25, parent: "ignore" }],
    ["parentbased_always_on", "0.25", { sample: 1, parent: "follow" }],
    ["parentbased_always_off", undefined, { sample: 0, parent: "follow" }],
    ["parentbased_traceidratio", "0.05", { sample: 0.05, parent: "follow" }],
    ["parentbased_traceidratio", undefined, { sample: 1, parent: "follow" }],
  ])("the sampler %s with %s", (sampler, argument, wanted) => {
    const variables = { OTEL_TRACES_SAMPLER: sampler, ...(argument && { OTEL_TRACES_SAMPLER_ARG: argument }) };
    expect(ofEnvironment(variables).tracing).toMatchObject(wanted);
  });

  test("an endpoint for all is a base, one for a signal is taken as it is and comes first", () => {
    const { otlp } = ofEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://all.test/base/",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://traces.test/in",
    });
    expect([otlp!.traces!.url, otlp!.metrics!.url]).toEqual([
      "http://traces.test/in",
      "http://all.test/base/v1/metrics",
    ]);
  });

  test("fields and attributes are percent-decoded, the service's name comes first, and secrets stay secret", () => {
    const { otlp } = ofEnvironment({
      OTEL_EXPORTER_OTLP_HEADERS: "api-key=0123456789%3D, x-tenant = a b ",
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: "x-other=1",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other,team=a%2Cb",
      OTEL_SERVICE_NAME: "edge",
    });
    const shown = otlp!.traces!.headers.map(([name, value]) => [
      name,
      typeof value === "string" ? value : value.reveal(),
    ]);
    expect(shown).toEqual([
      ["api-key", "0123456789="],
      ["x-tenant", "a b"],
    ]);
    expect(otlp!.metrics!.headers.map(([name]) => name)).toEqual(["x-other"]);
    expect(JSON.stringify(otlp)).not.toContain("0123456789");
    expect(otlp!.resource).toEqual([
      ["team", "a,b"],
      ["service.name", "edge"],
    ]);
  });

  test("sizes, times and compression", () => {
    const { otlp } = ofEnvironment({
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_BSP_EXPORT_TIMEOUT: "2000",
      OTEL_BSP_MAX_QUEUE_SIZE: "100",
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
      OTEL_METRIC_EXPORT_INTERVAL: "5000",
      OTEL_EXPORTER_OTLP_TIMEOUT: "3000",
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
    });
    expect(otlp!.traces).toMatchObject({
      delayMs: 100,
      exportMs: 2000,
      queue: 100,
      batch: 10,
      timeoutMs: 3000,
      gzip: true,
    });
    expect(otlp!.metrics).toMatchObject({ intervalMs: 5000, timeoutMs: 3000, gzip: false });
  });

  test("exporters that are others or none send nothing", () => {
    expect(ofEnvironment({ OTEL_TRACES_EXPORTER: "none" }).otlp!.traces).toBeUndefined();
    expect(ofEnvironment({ OTEL_METRICS_EXPORTER: "prometheus" }).otlp!.metrics).toBeUndefined();
  });

  test("baggage that is not propagated ends here", () => {
    expect(ofEnvironment({ OTEL_PROPAGATORS: "tracecontext" }).tracing!.baggage).toBe("nobody");
  });

  test.each([
    ["OTEL_TRACES_SAMPLER", "jaeger_remote", /one of always_on, /],
    ["OTEL_METRICS_EXEMPLAR_FILTER", "all", /one of trace_based, always_on, always_off/],
    ["OTEL_PROPAGATORS", "b3", /tracecontext, and maybe baggage/],
    ["OTEL_PROPAGATORS", "baggage", /tracecontext, and maybe baggage/],
    ["OTEL_TRACES_EXPORTER", "zipkin", /one of otlp, none/],
    ["OTEL_METRICS_EXPORTER", "console", /one of otlp, prometheus, none/],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", /http\/json.*and no gRPC/],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc", /and no gRPC/],
    ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317", /begins with http/],
    ["OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", /one of gzip, none/],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "10s", /a number without a unit/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "0123456789", /key=value/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a=%zz0123456789", /percent-encoded/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "content-length=0123456789", /fields that a request may have/],
    ["OTEL_EXPORTER_OTLP_HEADERS", "a=%0d0123456789", /a control character|A value holds/],
    ["OTEL_RESOURCE_ATTRIBUTES", "team", /key=value/],
    ["OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "GET,PROP FIND", /a list of 64 methods/],
    [
      "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS",
      Array.from({ length: 65 }, (_, at) => `M${at}`).join(),
      /of 64 methods/,
    ],
    ["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "5000", /at most OTEL_BSP_MAX_QUEUE_SIZE/],
    ["OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem", /paths of PEM files/],
  ])("%s=%s is a fault that names it", (name, value, message) => {
    const lines = faultLines(withTelemetry({ tracing: "env", otlp: "env" }), { env: { [name]: value } });
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      expect(line).toMatch(/^(?:tracing|otlp): /);
      expect(line).toContain(name);
      expect(line).not.toContain("0123456789");
    }
    expect(lines[0]!).toMatch(message);
  });

  test("all that is wrong is told at once", () => {
    const variables = {
      OTEL_TRACES_SAMPLER_ARG: "2",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_BSP_SCHEDULE_DELAY: "x",
      OTEL_TRACES_EXPORTER: "x",
    };
    expect(faultLines(withTelemetry({ tracing: "env", otlp: "env" }), { env: variables })).toHaveLength(3);
  });
});
