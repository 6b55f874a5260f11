// What a tick costs the thread that makes it: once a second while somebody looks. Run: bun tests/bench/live-counts.bench.ts
import { Counts } from "../../src/admin/live/counts.ts";
import type { UpstreamStatus } from "../../src/admin/overseen.ts";
import { FAMILIES } from "../../src/record/families.ts";
import { Metrics } from "../../src/record/metrics.ts";

const ROUNDS = 20;
const UPSTREAMS = 50;

/** A gateway with so many limits and routes, upstreams with two targets each, and series of all. */
function gatewayOf(limits: number): { readonly metrics: Metrics; readonly listed: readonly UpstreamStatus[] } {
  const metrics = new Metrics();
  for (let at = 0; at < limits; at++) {
    for (const decision of ["allowed", "refused", "observed"]) {
      metrics.counter(FAMILIES.limitDecisions, { limit: `limit-${at}`, decision }).add(at);
      metrics.counter(FAMILIES.inFlightDecisions, { bound: `bound-${at}`, decision }).add(at);
    }
    for (const status of ["200", "404", "502"]) {
      const route = { "http.route": `/r/${at}/:id`, "sluice.route": `route-${at}`, "url.scheme": "http" };
      const labels = { ...route, "http.request.method": "GET", "http.response.status_code": status };
      metrics.histogram(FAMILIES.serverDuration, { ...labels, "error.type": "" }).observe(0.01);
    }
  }
  const listed = Array.from({ length: UPSTREAMS }, (_, at): UpstreamStatus => {
    const name = `upstream-${at}`;
    const targets = [1, 2].map((host) => ({ url: `http://10.0.${at}.${host}`, weight: 1, state: "up" as const }));
    metrics.counter(FAMILIES.ejections, { upstream: name }).add();
    metrics.counter(FAMILIES.circuitOpened, { upstream: name }).add();
    for (const reason of ["connection_refused", "http_503"]) {
      metrics.counter(FAMILIES.retries, { upstream: name, reason }).add();
    }
    for (const { url } of targets) {
      const target = {
        "sluice.upstream": name,
        "sluice.target": url,
        "server.address": "10.0.0.1",
        "server.port": "80",
      };
      const more = { "http.request.method": "GET", "http.response.status_code": "200", "error.type": "" };
      metrics.histogram(FAMILIES.clientDuration, { ...target, ...more }).observe(0.01);
    }
    return { name, targets };
  });
  return { metrics, listed };
}

/** The least over the rounds, in milliseconds: what disturbs only ever adds. */
function measured(name: string, run: () => unknown): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const before = Bun.nanoseconds();
    run();
    least = Math.min(least, Bun.nanoseconds() - before);
  }
  console.log(`${name.padEnd(44)} ${(least / 1e6).toFixed(2).padStart(7)} ms`);
}

for (const limits of [10, 100, 200]) {
  const { metrics, listed } = gatewayOf(limits);
  const collected = metrics.collect();
  measured(`${limits} routes: outcomes`, () => new Counts(collected).outcomes());
  measured(`${limits} limits and bounds: decisions`, () => new Counts(collected).decisions());
  measured(`${UPSTREAMS} upstreams: upstreams`, () => new Counts(collected).upstreams(listed));
}
