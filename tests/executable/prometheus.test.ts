// A real Prometheus scrapes the executable: it takes what it gets, knows the token, and its sums are those of clients.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../support/deadline.ts";
import { startGateway } from "../support/executable.ts";
import { get } from "../support/messages.ts";
import { exchange } from "../support/raw-client.ts";
import { missing, pathOfTool } from "../support/requirements.ts";

const TOKEN = "a-token-for-prometheus";
const REQUESTS = 37;

/** Starts a Prometheus that scrapes this port every second; gives what asks it, and what ends it. */
async function startPrometheus(port: number): Promise<{
  sum(query: string): Promise<number>;
  /** Labels of all exemplars of this metric. */
  exemplars(name: string): Promise<Record<string, string>[]>;
  stop(): Promise<void>;
}> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-prometheus-"));
  const config = `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: sluice
    authorization: { credentials: ${TOKEN} }
    static_configs: [{ targets: ["127.0.0.1:${port}"] }]
`;
  writeFileSync(join(folder, "prometheus.yml"), config);
  const features = "--enable-feature=exemplar-storage";
  const flags = [
    features,
    "--config.file=prometheus.yml",
    "--storage.tsdb.path=data",
    "--web.listen-address=127.0.0.1:0",
  ];
  const child = Bun.spawn([pathOfTool("prometheus"), ...flags], { cwd: folder, stdout: "ignore", stderr: "pipe" });
  let said = "";
  void (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of child.stderr) said += decoder.decode(bytes, { stream: true });
  })();
  const stop = async (): Promise<void> => {
    child.kill("SIGKILL");
    await child.exited;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const address = await until(
      () => /ready to receive web requests/.test(said) && /Listening on" address=(\S+)/.exec(said)?.[1],
      () => `Prometheus; it said: ${said}`,
      15_000,
    );
    const sum = async (query: string): Promise<number> => {
      const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(`sum(${query})`)}`);
      const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return Number(data.result[0]?.value[1] ?? Number.NaN);
    };
    const exemplars = async (name: string): Promise<Record<string, string>[]> => {
      const range = `start=${Date.now() / 1000 - 3600}&end=${Date.now() / 1000 + 60}`;
      const response = await fetch(`http://${address}/api/v1/query_exemplars?query=${name}&${range}`);
      const { data } = (await response.json()) as { data: { exemplars: { labels: Record<string, string> }[] }[] };
      return data.flatMap((series) => series.exemplars.map(({ labels }) => labels));
    };
    return { sum, exemplars, stop };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

const lack = missing("prometheus");
const ifThere = lack === undefined ? test : test.skip;
const title = "a real Prometheus takes the metrics of several workers";
ifThere(
  lack === undefined ? title : `${title} (skipped: ${lack})`,
  async () => {
    const gateway = await startGateway(
      `import { defineGateway, env } from "sluice";
export default defineGateway({
  listen: { host: "127.0.0.1", port: 0 },
  workers: 2,
  admin: { port: 0, token: env("ADMIN_TOKEN") },
  tracing: {},
  routes: { hello: { match: "/hello/:name", answer: { body: "hello" } } },
});
`,
      { env: { ADMIN_TOKEN: TOKEN } },
    );
    const prometheus = await startPrometheus(gateway.adminPort);
    try {
      for (let at = 0; at < REQUESTS; at++) await exchange(gateway.port, get(`/hello/${at}`, "Connection: close"));
      const count = 'http_server_request_duration_seconds_count{http_route="/hello/:name"}';
      await until(async () => (await prometheus.sum(count)) === REQUESTS, "the count in Prometheus", 15_000);
      expect(await prometheus.sum("up")).toBe(1);
      const exemplar = await until(async () => {
        const all = await prometheus.exemplars("http_server_request_duration_seconds_bucket");
        return all[0];
      }, "an exemplar in Prometheus");
      const logged = gateway.lines.map((line) => JSON.parse(line) as Record<string, string>);
      expect(logged.map(({ trace_id, span_id }) => ({ trace_id, span_id }))).toContainEqual(exemplar as never);
      expect(
        await prometheus.sum(
          'http_server_request_duration_seconds_bucket{le="10.0"} or http_server_request_duration_seconds_bucket{le="10"}',
        ),
      ).toBe(REQUESTS);
      expect(await prometheus.sum("sluice_workers")).toBe(2);
      expect(await prometheus.sum("scrape_samples_scraped")).toBeGreaterThan(30);
    } finally {
      await prometheus.stop();
      await gateway.stop();
    }
  },
  60_000,
);
