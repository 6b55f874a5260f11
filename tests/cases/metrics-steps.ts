// What the steps of cases.json scrape, and how it is seen in the checks.
import { readMetrics, scrapeText, seriesIn, sumOf } from "../support/metrics-text.ts";

/** Random words that the steps have sent so far. */
export const RANDOM_WORDS = new Set<string>();

/** A random word: of lower-case letters and digits, or of capitals alone, as methods have. */
export function randomWord(capitals: boolean): string {
  const word = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) =>
    capitals ? String.fromCharCode(65 + (byte % 26)) : (byte % 36).toString(36),
  ).join("");
  RANDOM_WORDS.add(word);
  return word;
}

/** The metrics of a gateway as `m0` in the checks. */
export async function observeMetrics(adminPort: number): Promise<Record<string, unknown>> {
  const text = await scrapeText(adminPort);
  const families = readMetrics(text);
  const samples = [...families.values()].flatMap((family) => family.samples);
  return {
    series_count: seriesIn(families),
    label_values: [...new Set(samples.flatMap(({ labels }) => Object.values(labels)))],
    text_bytes: text.length,
    sum_requests: sumOf(families, "http_server_request_duration_seconds_count"),
    parses_as_openmetrics_or_prometheus_text: true,
  };
}
