// Metrics as Prometheus reads them: its text format 0.0.4, and OpenMetrics 1.0 for those who ask for it.
import type { Family, Kind, Unit } from "./family.ts";
import type { Exemplar, FamilySamples, Sample } from "./metrics.ts";

/** A form of the text. */
export type TextFormat = "prometheus" | "openmetrics";

/** What to say in Content-Type. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
};

/** The unit as a word; "" for a number of something. */
function wordOf(unit: Unit): string {
  return unit === "s" ? "seconds" : unit === "By" ? "bytes" : "";
}

/** The only label of the series that holds what was too much for a family (OpenTelemetry's name for it). */
const OVERFLOW = 'otel_metric_overflow="true"';

/** The name by the rules of OpenTelemetry: underscores for dots, and the unit behind it. Counters have "_total" too. */
export function prometheusName({ kind, name, unit }: Pick<Family, "kind" | "name" | "unit">): string {
  return `${familyName(name, unit)}${kind === "counter" ? "_total" : ""}`;
}

function familyName(name: string, unit: Unit): string {
  const plain = underscored(name);
  const word = wordOf(unit);
  return word === "" ? plain : `${plain}_${word}`;
}

function underscored(name: string): string {
  return name.replaceAll(".", "_");
}

/** All of it as text. */
export function prometheusText(families: readonly FamilySamples[], format: TextFormat): string {
  let text = "";
  for (const { family, samples } of families) {
    const open = format === "openmetrics";
    // In OpenMetrics "_total" belongs to the sample, not to the family.
    const name = open ? familyName(family.name, family.unit) : prometheusName(family);
    text += `# HELP ${name} ${escaped(family.help, open)}.\n# TYPE ${name} ${family.kind}\n`;
    const unit = wordOf(family.unit);
    if (open && unit !== "") text += `# UNIT ${name} ${unit}\n`;
    const labels = family.labels.map(underscored);
    const write = WRITERS[family.kind];
    for (const sample of samples) text += write(family, name, labelText(labels, sample), sample, open);
  }
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

type Writer = (family: Family, name: string, labels: string, sample: Sample, open: boolean) => string;

const WRITERS: Readonly<Record<Kind, Writer>> = {
  counter: (_, name, labels, { values }, open) =>
    `${name}${open ? "_total" : ""}${braced(labels)} ${number(values[0]!)}\n`,
  gauge: (_, name, labels, { values }) => `${name}${braced(labels)} ${number(values[0]!)}\n`,
  histogram({ bounds }, name, labels, { values, exemplars }, open) {
    const before = `${name}_bucket{${labels}${labels === "" ? "" : ","}le="`;
    let text = "";
    let count = 0;
    for (let at = 0; at <= bounds.length; at++) {
      count += values[at]!;
      const exemplar = open ? exemplarText(exemplars?.[at]) : "";
      text += `${before}${at < bounds.length ? boundText(bounds[at]!, open) : "+Inf"}"} ${number(count)}${exemplar}\n`;
    }
    const sum = number(values[bounds.length + 1]!);
    return `${text}${name}_sum${braced(labels)} ${sum}\n${name}_count${braced(labels)} ${number(count)}\n`;
  },
};

/** What stands behind a bucket: the text format of Prometheus has no place for it. */
function exemplarText(exemplar: Exemplar | undefined): string {
  if (exemplar === undefined) return "";
  const { traceId, spanId, value, at } = exemplar;
  return ` # {trace_id="${traceId}",span_id="${spanId}"} ${value} ${(at / 1000).toFixed(3)}`;
}

/** A label without a value is one that is not there. */
function labelText(names: readonly string[], { labels }: Sample): string {
  if (labels === undefined) return OVERFLOW;
  const parts: string[] = [];
  for (const [at, value] of labels.entries()) if (value !== "") parts.push(`${names[at]!}="${escaped(value, true)}"`);
  return parts.join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

/** In a help text of Prometheus a quote stands as it is. */
function escaped(text: string, quotes: boolean): string {
  if (!/[\\"\n]/.test(text)) return text;
  const plain = text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return quotes ? plain.replaceAll('"', '\\"') : plain;
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** OpenMetrics writes bounds as floats: one bound must not become two series. */
function boundText(bound: number, open: boolean): string {
  return open && Number.isInteger(bound) ? `${bound}.0` : String(bound);
}

/** What a reader asks for in Accept (RFC 9110 section 12.5.1): OpenMetrics when it is wanted as much as plain text. */
export function textFormat(accept: string | undefined): TextFormat {
  let open = 0;
  let plain = 0;
  for (const range of (accept ?? "").split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const parameter = (name: string): string | undefined =>
      parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1);
    const weight = Number(parameter("q") ?? 1);
    if (!(weight > 0)) continue;
    const version = parameter("version");
    if (type === "application/openmetrics-text") {
      if (version === undefined || version === "1.0.0") open = Math.max(open, weight);
    } else if (type === "text/plain" && (version === undefined || version === "0.0.4")) plain = Math.max(plain, weight);
  }
  return open > 0 && open >= plain ? "openmetrics" : "prometheus";
}
