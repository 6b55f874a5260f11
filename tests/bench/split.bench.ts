// npx bun tests/bench/split.bench.ts: what a split costs a request.
import type { CallerByPlan } from "../../src/config/plan.ts";
import type { BranchPlan, WhenPlan } from "../../src/config/shaping/plan.ts";
import { splitStage } from "../../src/route/split.ts";
import { callOf } from "../auth/callers.ts";
import { upstreamOf } from "../config/support.ts";

const REQUESTS = 1_000_000;
const random = (count: number): Int32Array => new Int32Array(count).fill(42);

const branch = (weight: number, when?: WhenPlan): BranchPlan => {
  const upstream = { ...upstreamOf({}), name: `of ${weight}` };
  const { timeouts, retries, hedge } = upstream;
  const leadsTo = { kind: "upstream", upstream, rewrite: undefined, timeouts, retries, hedge, upgrade: [] } as const;
  return { weight, when, leadsTo };
};
const none = { headers: [], cookies: [], consumers: undefined, groups: undefined };
const fields: [string, string][] = [
  ["User-Agent", "bench"],
  ["Accept", "*/*"],
  ["X-Tenant", "tenant-7"],
  ["Cookie", "theme=dark; sid=3f8a2c9d41"],
];
const calls = Array.from({ length: 256 }, (_, i) => callOf(undefined, { client: `192.0.2.${i}`, fields }));

const run = (name: string, by: CallerByPlan | undefined, when?: WhenPlan): void => {
  const branches = [branch(95), branch(5, when)];
  const stage = splitStage({ kind: "split", branches, by, rewrite: undefined }, { random });
  // The least of several rounds: other load on the machine only ever adds.
  let nanoseconds = Infinity;
  for (let round = 0; round < 7; round++) {
    const began = Bun.nanoseconds();
    for (let i = 0; i < REQUESTS; i++) void stage(calls[i & 255]!);
    nanoseconds = Math.min(nanoseconds, (Bun.nanoseconds() - began) / REQUESTS);
  }
  console.log(`${name.padEnd(32)}${nanoseconds.toFixed(0).padStart(5)} ns a request`);
};

run("by chance", undefined);
run("by address", { kind: "address" });
run("by consumer", { kind: "consumer" });
run("by a field", { kind: "header", key: "x-tenant" });
run("by a cookie", { kind: "cookie", cookie: "sid" });
run("by chance, beside a field", undefined, { ...none, headers: [["x-canary", "1"]] });
run("by chance, beside a cookie", undefined, { ...none, cookies: [["canary", "1"]] });
