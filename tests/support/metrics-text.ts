// Reads metrics as Prometheus and OpenMetrics write them, strictly: what a scraper would only overlook is an error here.

import { exchange } from "./raw-client.ts";

/** One line. */
export interface ReadSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** What stands behind a bucket in OpenMetrics. */
  readonly exemplar?: Readonly<Record<"trace_id" | "span_id" | "value" | "at", string>>;
}

/** A family as it was told. */
export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  readonly unit: string | undefined;
  readonly samples: readonly ReadSample[];
}

/** What samples of a type are called, behind the family's name. */
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [""],
  gauge: [""],
  histogram: ["_bucket", "_sum", "_count"],
};

/** All families by name. @throws when the text breaks a rule of its format */
export function readMetrics(
  text: string,
  format: "prometheus" | "openmetrics" = "prometheus",
): Map<string, ReadFamily> {
  const open = format === "openmetrics";
  if (!text.endsWith(open ? "# EOF\n" : "\n")) throw new Error("the text does not end as it must");
  const families = new Map<string, { type: string; help: string; unit: string | undefined; samples: ReadSample[] }>();
  let current = "";
  const lines = text.slice(0, open ? -"# EOF\n".length : -1).split("\n");
  if (open) lines.pop();
  for (const line of lines) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/s.exec(line) ?? [];
    if (word === "HELP") {
      if (families.has(name)) throw new Error(`${name} comes twice`);
      families.set(name, { type: "", help: unescaped(rest, open), unit: undefined, samples: [] });
      current = name;
    } else if (word !== undefined) {
      const family = families.get(name);
      if (family === undefined || current !== name || family.samples.length > 0) throw new Error(`stray: ${line}`);
      if (word === "TYPE") family.type = rest;
      else if (open && name.endsWith(`_${rest}`)) family.unit = rest;
      else throw new Error(`a unit that is none: ${line}`);
    } else {
      const sample = readSample(line, open);
      const family = families.get(current)!;
      const endings = open && family.type === "counter" ? ["_total"] : SUFFIXES[family.type]!;
      if (!endings.some((ending) => sample.name === current + ending)) throw new Error(`stray: ${line}`);
      family.samples.push(sample);
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

/** An exemplar of a span: at most 128 characters of labels, a value, and seconds since the epoch. */
const EXEMPLAR = / # \{trace_id="([0-9a-f]{32})",span_id="([0-9a-f]{16})"\} (\d+(?:\.\d+)?(?:e-?\d+)?) (\d+\.\d{3})$/;

function readSample(whole: string, open: boolean): ReadSample {
  const [said, trace_id, span_id, measured, at] = (open && EXEMPLAR.exec(whole)) || [""];
  const sample = plainSample(said === "" ? whole : whole.slice(0, -said.length));
  if (said === "") return sample;
  if (!sample.name.endsWith("_bucket")) throw new Error(`an exemplar of what is no bucket: ${whole}`);
  return { ...sample, exemplar: { trace_id: trace_id!, span_id: span_id!, value: measured!, at: at! } };
}

function plainSample(line: string): ReadSample {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)/.exec(line);
  if (head === null) throw new Error(`no sample: ${line}`);
  const name = head[1]!;
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  let at = name.length;
  if (line[at] === "{") {
    at++;
    const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^\\"]|\\[\\"n])*)"(,|\})/y;
    for (let end = ","; end !== "}";) {
      label.lastIndex = at;
      const [whole, key = "", value, after] = label.exec(line) ?? [];
      if (whole === undefined || key in labels) throw new Error(`labels that cannot be read: ${line}`);
      labels[key] = unescaped(value!, true);
      at += whole.length;
      end = after!;
    }
  }
  const value = /^ (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|\+Inf|NaN)$/.exec(line.slice(at))?.[1];
  if (value === undefined) throw new Error(`no value: ${line}`);
  return { name, labels, value: Number(value.replace("Inf", "Infinity")) };
}

function unescaped(text: string, quotes: boolean): string {
  return text.replace(/\\(.)/gs, (whole, letter: string) =>
    letter === "n" ? "\n" : letter === "\\" || (quotes && letter === '"') ? letter : whole,
  );
}

function checkFamily(name: string, { type, samples }: { type: string; samples: readonly ReadSample[] }): void {
  if (SUFFIXES[type] === undefined) throw new Error(`${name} is of the type "${type}"`);
  const seen = new Set(samples.map((sample) => sample.name + JSON.stringify(Object.entries(sample.labels).sort())));
  if (seen.size < samples.length) throw new Error(`${name} tells a series twice`);
  if (type !== "histogram") return;
  const series = new Map<string, ReadSample[]>();
  for (const sample of samples) {
    const { le: _, ...labels } = sample.labels;
    const key = JSON.stringify(labels);
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const all of series.values()) {
    const buckets = all.filter((sample) => sample.name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => Number(labels["le"]!.replace("+Inf", "Infinity")));
    const rises = (values: readonly number[]): boolean => values.every((each, i) => i === 0 || each >= values[i - 1]!);
    const count = all.find((sample) => sample.name.endsWith("_count"))?.value;
    if (!rises(bounds) || !rises(buckets.map(({ value }) => value)) || bounds.at(-1) !== Infinity)
      throw new Error(`${name}: buckets that do not rise to +Inf`);
    if (buckets.at(-1)!.value !== count) throw new Error(`${name}: the last bucket is not the count`);
  }
}

/** The sum of all samples of this name whose labels are these, among others. */
export function sumOf(
  families: ReadonlyMap<string, ReadFamily>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const { samples } of families.values())
    for (const sample of samples)
      if (sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
        sum += sample.value;
  return sum;
}

/** The metrics of a gateway now. */
export async function scrape(port: number, ...fields: readonly string[]): Promise<Map<string, ReadFamily>> {
  return readMetrics(await scrapeText(port, ...fields));
}

/** As {@link scrape}, as it comes. */
export async function scrapeText(port: number, ...fields: readonly string[]): Promise<string> {
  const lines = ["GET /metrics HTTP/1.1", `Host: 127.0.0.1:${port}`, "Connection: close", ...fields, "", ""];
  const response = await exchange(port, lines.join("\r\n"));
  if (response.status !== 200) throw new Error(`the scrape is answered with ${response.status}`);
  return response.body.text;
}

/** How many samples there are. */
export function seriesIn(families: ReadonlyMap<string, ReadFamily>): number {
  return [...families.values()].reduce((sum, { samples }) => sum + samples.length, 0);
}
