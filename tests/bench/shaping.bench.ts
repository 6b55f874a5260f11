// npx bun tests/bench/shaping.bench.ts: what splits, fallbacks and faults cost a request that they leave alone.
import { Answer } from "../../src/answer.ts";
import type { CallerByPlan } from "../../src/config/plan.ts";
import type { BranchPlan, WhenPlan } from "../../src/config/shaping/plan.ts";
import type { Stage } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import type { Platform } from "../../src/platform.ts";
import { faultStage } from "../../src/route/faults.ts";
import { splitStage } from "../../src/route/split.ts";
import { fallbackStage } from "../../src/upstream/fallback.ts";
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

/** The least of several rounds: other load on the machine only ever adds. */
const least = async (name: string, stage: Stage): Promise<void> => {
  let nanoseconds = Infinity;
  for (let round = 0; round < 7; round++) {
    const began = Bun.nanoseconds();
    for (let i = 0; i < REQUESTS; i++) {
      const pending = stage(calls[i & 255]!);
      if (pending instanceof Promise) await pending;
    }
    nanoseconds = Math.min(nanoseconds, (Bun.nanoseconds() - began) / REQUESTS);
  }
  console.log(`${name.padEnd(40)}${nanoseconds.toFixed(0).padStart(5)} ns a request`);
};

const split = (name: string, by: CallerByPlan | undefined, when?: WhenPlan): Promise<void> => {
  const branches = [branch(95), branch(5, when)];
  return least(`split ${name}`, splitStage({ kind: "split", branches, by, rewrite: undefined }, { random }));
};

await split("by chance", undefined);
await split("by address", { kind: "address" });
await split("by consumer", { kind: "consumer" });
await split("by a field", { kind: "header", key: "x-tenant" });
await split("by a cookie", { kind: "cookie", cookie: "sid" });
await split("by chance, beside a field", undefined, { ...none, headers: [["x-canary", "1"]] });
await split("by chance, beside a cookie", undefined, { ...none, cookies: [["canary", "1"]] });

const platform = { random } as Platform;
await least(
  "faults with a share that is not met",
  faultStage({ delay: undefined, abort: { status: 503, share: 0 }, when: undefined }, platform),
);

const answer = Promise.resolve(new Answer(200, undefined, new Fields(), null));
const first = (): Promise<Answer> => answer;
await least("no fallback", first);
const { leadsTo } = branch(1);
await least("a fallback that is not used", fallbackStage(leadsTo, { on: [503], leadsTo }, first, first));
