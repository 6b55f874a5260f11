// What the gateway's own metrics say of a soak, to be held against what its log and its clients say.

/** Sums over all series. */
export interface Counted {
  readonly exchanges: number;
  readonly attempts: number;
  /** Attempts after the first of an exchange. */
  readonly retries: number;
  /** Exchanges under way. */
  readonly underWay: number;
}

/** Reads the metrics of the admin listener on this port. */
export async function readCounted(port: number): Promise<Counted> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`);
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`/metrics: ${answer.status} ${text}`);
  return {
    exchanges: sumOf(text, "http_server_request_duration_seconds_count"),
    attempts: sumOf(text, "http_client_request_duration_seconds_count"),
    retries: sumOf(text, "sluice_upstream_retries_total"),
    underWay: sumOf(text, "http_server_active_requests"),
  };
}

function sumOf(text: string, name: string): number {
  let sum = 0;
  for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, "gm"))) sum += Number(value);
  return sum;
}
