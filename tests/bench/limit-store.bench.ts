// npx bun tests/bench/limit-store.bench.ts: what a decision in a Redis on this machine costs, alone and among many.
import { resolvePlan } from "../../src/config/resolve.ts";
import type { RedisStorePlan } from "../../src/config/limit/plan.ts";
import { redis } from "../../src/config/limit/redis.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Deadlines } from "../../src/http/deadlines.ts";
import { redisStore } from "../../src/limit/redis-store.ts";
import type { Ask } from "../../src/limit/store.ts";
import { bunPlatform } from "../../src/platforms/bun.ts";
import { startRedis } from "../support/redis.ts";

const server = await startRedis();
const { plan } = resolvePlan(
  {
    limits: { few: { limit: 1_000_000, window: "1m" } },
    limiting: { store: redis(server.url, { timeout: "5s" }) },
    routes: { all: { match: "/", answer: {} } },
  },
  { env: () => undefined, file: () => undefined },
);
const platform = bunPlatform();
const [limit] = plan!.limits.limits;
const store = redisStore(plan!.limits.store as RedisStorePlan, undefined, platform, new Deadlines(platform));
const asks = (count: number, caller: number): Ask[] =>
  Array.from({ length: count }, (_, i) => ({
    limit: limit!,
    text: `${i} caller-${caller}`,
    units: 1,
    windowMs: 60_000,
    endsInMs: undefined,
  }));
const x = undefined as unknown as Exchange;

for (const limits of [1, 3]) {
  for (const atOnce of [1, 32, 256]) {
    const decisions = atOnce === 1 ? 5000 : 40_000;
    const waits: number[] = [];
    const cpu = process.cpuUsage();
    const began = performance.now();
    let next = 0;
    const one = async (): Promise<void> => {
      while (next < decisions) {
        const asked = asks(limits, next++ % 1000);
        const from = performance.now();
        if ((await store.take(asked, x)) === undefined) throw new Error("no decision");
        waits.push(performance.now() - from);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    const each = ((performance.now() - began) * 1000) / decisions;
    const { user, system } = process.cpuUsage(cpu);
    waits.sort((a, b) => a - b);
    const at = (share: number): string => `${(waits[Math.floor(waits.length * share)]! * 1000).toFixed(0)} us`;
    console.log(
      `${limits} limit(s), ${String(atOnce).padStart(3)} at once: ${each.toFixed(1)} us a decision, ` +
        `${((user + system) / decisions).toFixed(1)} us of our processor, waits p50 ${at(0.5)}, p99 ${at(0.99)}`,
    );
  }
}
const [key] = (await server.send("KEYS", "sluice:few:*")) as string[];
console.log(`a key takes ${String(await server.send("MEMORY", "USAGE", key!))} bytes in Redis`);
store.close();
await server.stop();
