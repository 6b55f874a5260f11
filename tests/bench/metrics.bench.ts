// What counting an exchange costs, and what a scrape does. Run: bun tests/bench/metrics.bench.ts
import type { AttemptRecord } from "../../src/exchange.ts";
import { ExchangeMetrics } from "../../src/record/exchange-metrics.ts";
import { FAMILIES } from "../../src/record/families.ts";
import { Metrics } from "../../src/record/metrics.ts";
import { prometheusText } from "../../src/record/prometheus.ts";
import { planOf } from "../config/support.ts";
import { WHOLE, recordingPlatform } from "../record/exchanges.ts";
import { measured } from "./exchanges.ts";

const platform = { ...recordingPlatform(), now: () => performance.now() };
const plan = planOf({ routes: { r: { match: "/", to: "u" } }, upstreams: { u: { targets: ["http://u.test:1"] } } });
const attempt = { target: "http://u.test:1", startedAt: 1, settledAt: 2, status: 503, error: undefined };
const upstream = plan.upstreams["u"]!;
const THREE: AttemptRecord[] = [attempt, { ...attempt, reason: "status" }, { ...attempt, reason: "timeout" }];

const meter = new ExchangeMetrics(new Metrics(), plan, platform);
measured("the clock alone", () => platform.now());
measured("an exchange", (x) => {
  meter.began(x);
  meter.ended(x, WHOLE);
});
measured("an exchange of three attempts", (x) => {
  meter.began(x);
  x.attempts = THREE;
  x.upstream = upstream;
  meter.ended(x, WHOLE);
});

const full = new Metrics();
for (let at = 0; at < 2000; at++) {
  const labels = { "http.request.method": "GET", "http.route": `/r/${at}/:id`, "sluice.route": `route-${at}` };
  const more = { "http.response.status_code": "200", "url.scheme": "http", "error.type": "" };
  full.histogram(FAMILIES.serverDuration, { ...labels, ...more }).observe(0.01);
}
const before = Bun.nanoseconds();
let bytes = 0;
for (let round = 0; round < 10; round++) bytes = prometheusText(full.collect(), "prometheus").length;
const ms = (Bun.nanoseconds() - before) / 10 / 1e6;
console.log(`a scrape of 2000 histograms: ${ms.toFixed(1)} ms, ${(bytes / 1e6).toFixed(1)} MB`);
