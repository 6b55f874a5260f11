// The schema of OTLP: a collector as it is written, or as the environment says where that is asked for.
import { Problem, type ConfigReader } from "../fault.ts";
import { fieldsToSet } from "../field-changes.ts";
import { either, maybe, named, options, or, rightOnes, then, type Shape } from "../shape.ts";
import { tlsShape } from "../tls.ts";
import { choice, duration, flag, hiddenText, text, whole } from "../values.ts";
import { environmentOf, type Variables } from "./environment.ts";
import type { OtlpEndpoint, OtlpPlan } from "./plan.ts";
import { unheard } from "./unheard.ts";

const AN_ENDPOINT = 'the URL of a collector, such as "http://localhost:4318"';
const AN_ATTRIBUTE = "a text";

/** What the specification of the exporter says where nobody else does. */
const DEFAULTS = { endpoint: "http://localhost:4318", timeoutMs: 10_000, intervalMs: 60_000, exportMs: 30_000 };
const QUEUE = { delayMs: 5000, batch: 512, queue: 2048 };
const MOST_QUEUE = 1_000_000;

/** Where spans and metrics are sent; undefined where the environment turns it off. */
export function otlpShape(reader: ConfigReader): Shape<OtlpPlan | undefined> {
  const written = either(
    (value) => value === "env",
    environmentOf(reader, (variables) => (variables.isOff ? undefined : ofEnvironment(variables, reader))),
    writtenShape(reader),
  );
  // Where nothing runs between requests nobody could push.
  return then(written, (plan) => (plan && reader.background === false ? { ...plan, metrics: undefined } : plan));
}

function writtenShape(reader: ConfigReader): Shape<OtlpPlan> {
  const none = <T>(shape: Shape<T>): Shape<T | false> =>
    either(
      (value) => value === false,
      then(flag, (): false => false),
      shape,
    );
  const traces = options(
    {
      delay: or(duration(), "5s"),
      batch: or(whole(1, MOST_QUEUE), QUEUE.batch),
      queue: or(whole(1, MOST_QUEUE), QUEUE.queue),
    },
    function* ({ batch, queue }) {
      if (batch === undefined || queue === undefined || batch <= queue) return;
      yield new Problem("a queue that holds a batch", { at: ["queue"], found: String(queue) });
    },
  );
  const shape = options({
    endpoint: or(
      hiddenText(AN_ENDPOINT, reader, ({ text }) => readEndpoint(text)),
      DEFAULTS.endpoint,
    ),
    headers: or(fieldsToSet("request", reader), {}),
    compression: or(choice("none", "gzip"), "none"),
    timeout: or(duration(), "10s"),
    tls: maybe(tlsShape(reader)),
    traces: or(none(traces), {}),
    metrics: or(none(options({ interval: or(duration(1000), "60s") })), {}),
    resource: or(
      named(
        text(AN_ATTRIBUTE, (value) => value),
        "an object of attributes and texts",
        (name) => (name === "" ? new Problem("the name of an attribute") : undefined),
      ),
      {},
    ),
  });
  return then(shape, ({ endpoint, headers, compression, timeout, tls, traces, metrics, resource }) => {
    const common = { headers, gzip: compression === "gzip", timeoutMs: timeout, tls };
    return {
      traces: traces === false ? undefined : { ...common, ...queueOf(traces), url: below(endpoint, "v1/traces") },
      metrics:
        metrics === false
          ? undefined
          : {
              ...common,
              url: below(endpoint, "v1/metrics"),
              intervalMs: metrics.interval,
              exportMs: Math.min(metrics.interval, DEFAULTS.exportMs),
            },
      resource,
    };
  });
}

function queueOf({ delay, batch, queue }: { delay: number; batch: number; queue: number }): typeof QUEUE & {
  exportMs: number;
} {
  return { delayMs: delay, batch, queue, exportMs: DEFAULTS.exportMs };
}

/** What the variables of the exporters say. */
function ofEnvironment(variables: Variables, reader: ConfigReader): OtlpPlan {
  const traces = variables.word("OTEL_TRACES_EXPORTER", ["otlp", "none"], "otlp");
  // Whoever scrapes asks the admin listener.
  const metrics = variables.word("OTEL_METRICS_EXPORTER", ["otlp", "prometheus", "none"], "otlp");
  const name = variables.text("OTEL_SERVICE_NAME");
  const said = variables.pairs(false, "OTEL_RESOURCE_ATTRIBUTES");
  const queue = variables.whole(QUEUE.queue, 1, MOST_QUEUE, "OTEL_BSP_MAX_QUEUE_SIZE");
  const batch = variables.whole(Math.min(queue, QUEUE.batch), 1, MOST_QUEUE, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
  if (batch > queue) {
    variables.wrong("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "at most OTEL_BSP_MAX_QUEUE_SIZE", `That is ${queue}.`);
  }
  return {
    traces:
      traces === "otlp"
        ? {
            ...endpointOf(variables, reader, "TRACES"),
            delayMs: variables.ms(QUEUE.delayMs, "OTEL_BSP_SCHEDULE_DELAY"),
            batch,
            queue,
            exportMs: variables.ms(DEFAULTS.exportMs, "OTEL_BSP_EXPORT_TIMEOUT"),
          }
        : undefined,
    metrics:
      metrics === "otlp"
        ? {
            ...endpointOf(variables, reader, "METRICS"),
            intervalMs: variables.ms(DEFAULTS.intervalMs, "OTEL_METRIC_EXPORT_INTERVAL"),
            exportMs: variables.ms(DEFAULTS.exportMs, "OTEL_METRIC_EXPORT_TIMEOUT"),
          }
        : undefined,
    knownMethods: variables.knownMethods,
    unheard: unheard(variables),
    resource: name === "" ? said : [...said.filter(([key]) => key !== "service.name"), ["service.name", name]],
  };
}

/** Of two variables that of the signal counts. */
function endpointOf(variables: Variables, reader: ConfigReader, signal: "TRACES" | "METRICS"): OtlpEndpoint {
  const both = (what: string): [string, string] => [
    `OTEL_EXPORTER_OTLP_${signal}_${what}`,
    `OTEL_EXPORTER_OTLP_${what}`,
  ];
  const [variable, said] = variables.first(...both("ENDPOINT"));
  const read = readEndpoint(said === "" ? DEFAULTS.endpoint : said);
  if (read instanceof Problem) variables.wrong(variable, AN_ENDPOINT, read.hint!);
  const endpoint = read instanceof Problem ? DEFAULTS.endpoint : read;
  const [protocolVariable, protocol] = variables.first(...both("PROTOCOL"));
  if (!["", "http/json", "http/protobuf"].includes(protocol)) {
    const hint = "The gateway sends JSON over HTTP, which collectors take on port 4318, and no gRPC.";
    variables.wrong(protocolVariable, "http/json", hint);
  }
  const [compressionVariable] = variables.first(...both("COMPRESSION"));
  const headers = variables.headers(...both("HEADERS"));
  return {
    url: variable.includes(signal) && said !== "" ? endpoint : below(endpoint, `v1/${signal.toLowerCase()}`),
    headers,
    gzip: variables.word(compressionVariable, ["gzip", "none"], "none") === "gzip",
    timeoutMs: variables.ms(DEFAULTS.timeoutMs, ...both("TIMEOUT")),
    tls: tlsOf(variables, reader, both),
  };
}

function tlsOf(
  variables: Variables,
  reader: ConfigReader,
  both: (what: string) => [string, string],
): OtlpEndpoint["tls"] {
  const names = [both("CERTIFICATE"), both("CLIENT_CERTIFICATE"), both("CLIENT_KEY")];
  const [ca, cert, key] = names.map((each) => variables.first(...each)[1]) as [string, string, string];
  if (ca + cert + key === "") return undefined;
  const written = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const [result] = rightOnes(tlsShape(reader), [written]);
  const [variable] = variables.first(...names.flat());
  if (result === undefined) variables.wrong(variable, "paths of PEM files", "Certificate and key stand together.");
  return result;
}

/** The URL as it is asked for. */
function readEndpoint(written: string): string | Problem {
  const url = URL.canParse(written) ? new URL(written) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return new Problem(AN_ENDPOINT, { hint: "It begins with http:// or https://." });
  }
  if (url.username !== "" || url.password !== "") {
    return new Problem(AN_ENDPOINT, { hint: "Credentials stand in headers, not in the URL." });
  }
  if (url.hash !== "") return new Problem(AN_ENDPOINT, { hint: "It has no fragment." });
  return url.href;
}

function below(endpoint: string, path: string): string {
  const url = new URL(endpoint);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/${path}`;
  return url.href;
}
