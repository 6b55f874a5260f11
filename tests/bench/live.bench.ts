// What an exchange costs while nobody looks at the live page, and while somebody does. Run: bun tests/bench/live.bench.ts
import { Watch } from "../../src/admin/live/watch.ts";
import { type Exchange, type Stage } from "../../src/exchange.ts";
import { markedStage } from "../../src/marked-stage.ts";
import { UPSTREAM, WHOLE, answer, exchange, recordingPlatform, route } from "../record/exchanges.ts";

const ROUNDS = 60;
const COUNT = 2000;
const platform = { ...recordingPlatform(), now: () => performance.now(), random: () => Int32Array.of(7) };
const orders = route("orders", "/api/orders/*");

function exchangeAt(i: number): Exchange {
  const x = exchange({}, `/api/orders/${i}`, "");
  x.route = orders;
  x.match = orders.matches[0]!;
  x.upstream = UPSTREAM;
  x.attempts = [
    { target: "http://127.0.0.1:9001", startedAt: 1, sentAt: 1, settledAt: 2, status: 200, error: undefined },
  ];
  x.answer = answer(200);
  return x;
}

/** The least over the rounds, in nanoseconds a call: what disturbs only ever adds. */
function measured(name: string, run: (x: Exchange) => void, between = (): void => {}): void {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const exchanges = Array.from({ length: COUNT }, (_, i) => exchangeAt(i));
    between();
    const before = Bun.nanoseconds();
    for (const x of exchanges) run(x);
    least = Math.min(least, (Bun.nanoseconds() - before) / COUNT);
  }
  console.log(`${name.padEnd(58)} ${least.toFixed(1).padStart(7)} ns`);
}

const stage: Stage = (x) => void (x.forwardTarget = x.path);
const two = [markedStage(stage, "auth", platform), markedStage(stage, "limits", platform)];
const passing =
  (watch: Watch | undefined, stages: readonly Stage[]) =>
  (x: Exchange): void => {
    watch?.began(x);
    for (const each of stages) void each(x);
    watch?.ended(x, WHOLE);
  };

measured("two stages, without an admin listener", passing(undefined, [stage, stage]));
measured("two stages, while nobody looks", passing(new Watch(platform), two));
const watch = new Watch(platform);
measured("two stages, while somebody looks (2000 since the last look)", passing(watch, two), () => void watch.look());
