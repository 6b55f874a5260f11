// npx bun tests/bench/balance.bench.ts: what a pick costs, by policy and number of targets, and what a change of them does.
import { createPolicy } from "../../src/balance/create.ts";
import type { Policy } from "../../src/balance/policy.ts";
import { Secret } from "../../src/config/secrets.ts";
import type { BalancePlan, UpstreamPlan } from "../../src/config/upstream/plan.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import type { Target } from "../../src/target.ts";
import { anExchange, targetsOf } from "../balance/doubles.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

const COUNTS = [2, 10, 1000];
const ROUNDS = 7;

const callers = (count: number): Exchange[] =>
  Array.from({ length: count }, (_, i) =>
    anExchange({
      peer: `192.0.${i >> 8}.${i & 255}`,
      fields: Fields.of(["User-Agent", "bench"], ["X-Tenant", `tenant-${i}`], ["Cookie", "theme=dark; lb=unknown"]),
    }),
  );
const FEW = callers(256);
const MANY = callers(65_536);

const STICKY: BalancePlan = {
  kind: "sticky",
  cookie: "lb",
  secret: new Secret("a secret of thirty-two bytes....", "STICKY"),
  attributes: "; Path=/",
  secure: undefined,
  pick: { kind: "round-robin" },
};
const hash = (bound: number | undefined): BalancePlan => ({
  kind: "hash",
  by: { kind: "header", key: "x-tenant" },
  bound,
});

/** Nanoseconds a call, the least of several rounds: other load on the machine only ever adds. */
function measure(calls: number, call: (i: number) => void): number {
  let least = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const began = Bun.nanoseconds();
    for (let i = 0; i < calls; i++) call(i);
    least = Math.min(least, (Bun.nanoseconds() - began) / calls);
  }
  return least;
}

async function ready(balance: BalancePlan, count: number, even: boolean): Promise<[Policy<Target>, () => void]> {
  const platform = new FakePlatform();
  const policy = createPolicy<Target>({ name: "up", balance } as UpstreamPlan, platform);
  const weights = Array.from({ length: count }, (_, i) => (even ? 1 : 1 + (i % 3)));
  const targets = targetsOf(weights);
  const use = (): void => policy.use(targets, weights);
  use();
  await policy.ready?.();
  for (const [i, target] of targets.entries()) target.inFlight = i % 5;
  return [policy, use];
}

function print(name: string, cells: readonly string[]): void {
  console.log(`${name.padEnd(40)}${cells.map((cell) => cell.padStart(12)).join("")}`);
}

async function run(name: string, balance: BalancePlan, even = true, among = FEW): Promise<void> {
  const cells = [];
  for (const count of COUNTS) {
    const [policy, use] = await ready(balance, count, even);
    const calls = count === 1000 ? 200_000 : 1_000_000;
    const pick = measure(calls, (i) => void policy.pick(among[i & (among.length - 1)]!));
    const change = measure(Math.ceil(20_000 / count), use);
    cells.push(`${pick.toFixed(0)} ns`, `${(change / 1000).toFixed(1)} µs`);
  }
  print(name, cells);
}

print(
  "",
  COUNTS.flatMap((count) => [`${count}: pick`, "change"]),
);
for (const kind of ["round-robin", "random", "least-busy", "fastest", "first"] as const) await run(kind, { kind });
await run("round-robin, weights 1 to 3", { kind: "round-robin" }, false);
await run("hash, 256 callers", hash(undefined));
await run("hash, 256 callers, weights 1 to 3", hash(undefined), false);
await run("hash, bound 1.25, 256 callers", hash(1.25));
await run("hash, 65,536 callers", hash(undefined), true, MANY);
await run("hash, 65,536 callers, weights 1 to 3", hash(undefined), false, MANY);
await run("sticky, with another's cookie", STICKY);
