// npx bun tests/bench/health.bench.ts: what availability, ejection and the breaker cost an attempt, by the number of targets.
import { PolicyBalancer } from "../../src/balance/balancer.ts";
import { First } from "../../src/balance/first.ts";
import { runAvailability } from "../../src/balance/run-availability.ts";
import type { UpstreamPlan } from "../../src/config/upstream/plan.ts";
import { GatewayError } from "../../src/errors.ts";
import type { AttemptRecord } from "../../src/exchange.ts";
import { boardMemories, openBoards } from "../../src/shared-board.ts";
import { CHECKED, DOWN, EJECTED_UNTIL, moment, rowOf, Target, UP } from "../../src/target.ts";
import { Breaker } from "../../src/upstream/breaker.ts";
import { anExchange, targetsOf } from "../balance/doubles.ts";

const COUNTS = [2, 10, 1000];
const ROUNDS = 7;

const platform = {
  now: () => performance.now(),
  notice: () => undefined,
  random: (count: number) => new Int32Array(count).fill(7),
};
const ejection = { failures: 5, timeMs: 30_000, maxTimeMs: 300_000, maxShare: 0.5 };
const breaker = {
  errors: 0.5,
  slow: { overMs: 2000, share: 0.8 },
  minimum: 20,
  windowMs: 10_000,
  openMs: 5000,
  probes: 3,
};
const x = anExchange();
const good: AttemptRecord = { target: "", startedAt: 1000, settledAt: 1001, status: 200, error: undefined };
const bad: AttemptRecord = { ...good, status: 0, error: new GatewayError("connection_refused", "no") };

/** Nanoseconds a call, the least of several rounds: other load on the machine only ever adds. */
function measure(calls: number, call: (i: number) => void): string {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = Bun.nanoseconds();
    for (let i = 0; i < calls; i++) call(i);
    least = Math.min(least, (Bun.nanoseconds() - began) / calls);
  }
  return (least < 100 ? least.toFixed(1) : least.toFixed(0)).padStart(9);
}

const lines: string[][] = [];
for (const count of COUNTS) {
  for (const shared of [false, true]) {
    const boards = openBoards(shared ? boardMemories(platform as never) : undefined, 1, platform);
    const targets = targetsOf(Array.from({ length: count }, () => 1)).map(
      ({ plan }) => new Target(plan, boards.targets.claim(rowOf("up", plan))),
    );
    const plan = { name: "up", ejection, targets: targets.map((target) => target.plan) } as unknown as UpstreamPlan;
    const { availability, watchers } = runAvailability<Target>(plan, boards.targets, platform as never);
    const balancer = new PolicyBalancer(new First<Target>(), availability, boards.targets, platform.now);
    balancer.use(targets);
    const [watcher] = watchers;
    const circuit = new Breaker<Target>({ name: "up", plan: breaker, board: boards.upstreams, platform });
    const pick = (): void => void balancer.pick(x, []);
    const told = [
      measure(2_000_000, pick),
      measure(2_000_000, (i) => watcher!.settled(targets[i % count]!, good, x)),
      measure(2_000_000, () => {
        circuit.admit();
        circuit.settled(targets[0]!, good, x);
      }),
    ];
    // One is out: the clock is read at each pick.
    targets[1]!.words[EJECTED_UNTIL] = moment(platform.now() + 3_600_000);
    boards.targets.changed();
    told.push(measure(2_000_000, pick));
    targets[1]!.words[EJECTED_UNTIL] = 0;
    // A target goes down or comes up: all look anew, and the policy is told.
    const calls = count === 1000 ? 2000 : 200_000;
    told.push(
      measure(calls, (i) => {
        targets[0]!.words[CHECKED] = i % 2 === 0 ? DOWN : UP;
        boards.targets.changed();
        balancer.pick(x, []);
      }),
    );
    targets[0]!.words[CHECKED] = UP;
    boards.targets.changed();
    // The worst: more failures than may be ejected for, each of which looks whether there is room.
    for (let i = 0; i < count * ejection.failures; i++) watcher!.settled(targets[i % count]!, bad, x);
    told.push(measure(calls, (i) => watcher!.settled(targets[i % count]!, bad, x)));
    lines.push([`${count} targets, ${shared ? "shared" : "own"} board`, ...told]);
  }
}
const heads = ["", "pick", "good attempt", "breaker", "pick, one out", "after a change", "bad attempt"];
for (const cells of [heads, ...lines]) {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(28) : cell.padStart(15))).join(""));
}
console.log("nanoseconds each");
