// What a trace costs an exchange. Run: bun tests/bench/tracing.bench.ts
import type { Exchange } from "../../src/exchange.ts";
import { traceparentOf } from "../../src/http/trace-context.ts";
import { SpanWriter } from "../../src/record/trace/spans.ts";
import { Tracing } from "../../src/record/trace/tracing.ts";
import { planOf } from "../config/support.ts";
import { WHOLE, recordingPlatform } from "../record/exchanges.ts";
import { exchangeAt, measured } from "./exchanges.ts";

const platform = {
  ...recordingPlatform(),
  now: () => performance.now(),
  random: (count: number) => crypto.getRandomValues(new Int32Array(count)),
};
const plan = planOf({ tracing: { sample: 0.01 }, routes: { r: { match: "/", answer: {} } } }).tracing!;

const tracing = new Tracing(plan, undefined, platform);
const spans = new SpanWriter(plan, platform);
let length = 0;

/** One whose trace has begun. */
function tracedAt(i: number): Exchange {
  const x = exchangeAt(i);
  tracing.begin(x);
  return x;
}

measured("a trace that begins here", (x) => tracing.begin(x), tracedAt);
measured(
  "what its target is told",
  ({ trace }) => {
    length += traceparentOf(trace!, 1).charCodeAt(40);
  },
  tracedAt,
);
measured("the end of one that nobody records", (x) => tracing.ended(x, WHOLE), tracedAt);
measured(
  "the spans of one that is recorded",
  (x) => {
    for (const span of spans.of(x, x.trace!, WHOLE)) length += span.charCodeAt(100);
  },
  tracedAt,
);
