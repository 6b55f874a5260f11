// What counting an exchange costs, and what a scrape does. Run: bun tests/bench/metrics.bench.ts
import { ExchangeMetrics } from "../../src/record/exchange-metrics.ts";
import { FAMILIES } from "../../src/record/families.ts";
import { Metrics } from "../../src/record/metrics.ts";
import { prometheusText } from "../../src/record/prometheus.ts";
import type { Exchange } from "../../src/exchange.ts";
import { planOf } from "../config/support.ts";
import { UPSTREAM, WHOLE, answer, exchange, recordingPlatform, route } from "../record/exchanges.ts";

const ROUNDS = 60;
const COUNT = 2000;
const platform = { ...recordingPlatform(), now: () => performance.now() };
const orders = route("orders", "/api/orders/*");
const plan = planOf({ routes: { r: { match: "/", answer: {} } } });

function exchangeAt(i: number): Exchange {
  const x = exchange({}, `/api/orders/${i}`, "");
  x.route = orders;
  x.match = orders.matches[0]!;
  x.upstream = UPSTREAM;
  const target = `http://127.0.0.1:${9001 + (i % 2)}`;
  x.attempts = [{ target, startedAt: 1, settledAt: 2, status: 200, error: undefined }];
  x.answer = answer(200);
  return x;
}

/** The least over the rounds, in nanoseconds a call: what disturbs only ever adds. */
function measured(name: string, make: () => (x: Exchange) => void): void {
  const run = make();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const exchanges = Array.from({ length: COUNT }, (_, i) => exchangeAt(i));
    const before = Bun.nanoseconds();
    for (const x of exchanges) run(x);
    least = Math.min(least, (Bun.nanoseconds() - before) / COUNT);
  }
  console.log(`${name.padEnd(58)} ${least.toFixed(0).padStart(6)} ns`);
}

measured("the clock alone", () => () => platform.now());
measured("an exchange", () => {
  const meter = new ExchangeMetrics(new Metrics(), plan, platform);
  return (x) => {
    meter.began();
    meter.ended(x, WHOLE);
  };
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
