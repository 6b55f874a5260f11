// What a trace costs an exchange. Run: bun tests/bench/tracing.bench.ts
import type { Exchange } from "../../src/exchange.ts";
import { spanIdOf, traceparent } from "../../src/http/trace-context.ts";
import { SpanMaker } from "../../src/record/trace/spans.ts";
import { Tracing } from "../../src/record/trace/tracing.ts";
import { planOf } from "../config/support.ts";
import { UPSTREAM, WHOLE, answer, exchange, recordingPlatform, route } from "../record/exchanges.ts";

const ROUNDS = 100;
const COUNT = 2000;
const platform = {
  ...recordingPlatform(),
  now: () => performance.now(),
  random: (count: number) => crypto.getRandomValues(new Int32Array(count)),
};
const orders = route("orders", "/api/orders/*");
const plan = planOf({ tracing: { sample: 0.01 }, routes: { r: { match: "/", answer: {} } } }).tracing!;

function exchangeAt(i: number): Exchange {
  const x = exchange({}, `/api/orders/${i}`, "");
  x.id = crypto.randomUUID();
  x.route = orders;
  x.match = orders.matches[0]!;
  x.upstream = UPSTREAM;
  const target = `http://127.0.0.1:${9001 + (i % 2)}`;
  x.attempts = [{ target, startedAt: 1, settledAt: 2, status: 200, error: undefined }];
  x.answer = answer(200);
  return x;
}

/** The least over the rounds, in nanoseconds a call: what disturbs only ever adds. */
function measured(name: string, run: (x: Exchange) => unknown): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const exchanges = Array.from({ length: COUNT }, (_, i) => exchangeAt(i));
    for (const x of exchanges) tracing.begin(x);
    const before = Bun.nanoseconds();
    for (const x of exchanges) run(x);
    least = Math.min(least, (Bun.nanoseconds() - before) / COUNT);
  }
  console.log(`${name.padEnd(58)} ${least.toFixed(0).padStart(6)} ns`);
}

const tracing = new Tracing(plan, undefined, platform);
const spans = new SpanMaker(plan, platform);
let length = 0;
measured("a trace that begins here", (x) => tracing.begin(x));
measured("what its target is told", ({ trace }) => {
  const spanId = spanIdOf(trace!.seed, 1);
  length += traceparent({ traceId: trace!.traceId, spanId, flags: trace!.flags }).charCodeAt(40);
});
measured("the end of one that nobody records", (x) => tracing.ended(x, WHOLE));
measured("the spans of one that is recorded", (x) => spans.of(x, x.trace!, WHOLE));
measured("and as JSON", (x) => (length += JSON.stringify(spans.of(x, x.trace!, WHOLE)).length));
