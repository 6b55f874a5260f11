// npx bun tests/bench/limiter.bench.ts: what a decision of a limit costs, and its memory, by the number of callers.
import { keyOf } from "../../src/http/key-hash.ts";
import { Limiter } from "../../src/limit/limiter.ts";
import { ENTRY_BYTES, LimitTable, tableMemory } from "../../src/limit/table.ts";
import { windowRule } from "../../src/limit/window.ts";

const SECRET = { k0: 0x1234567, k1: 0x89abcde };
const RULE = windowRule(100, 60_000);
const DECISIONS = 1_000_000;

for (const workers of [1, 4]) {
  for (const callers of [1000, 100_000, 1_000_000]) {
    const memory = tableMemory(2_097_152, workers);
    const table = new LimitTable(memory, 1);
    const limiter = new Limiter(table);
    const key = keyOf(SECRET, "perConsumer");
    const names = Array.from({ length: callers }, (_, i) => `consumer-${i}`);
    let now = 1000;
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        now += 0.01;
        limiter.take(RULE, key, names[(i * 7919) % callers]!, 1, now);
      }
    };
    run(Math.max(callers, 200_000));
    // The least of several rounds: other load on the machine only ever adds.
    let nanoseconds = Infinity;
    for (let round = 0; round < 7; round++) {
      const began = Bun.nanoseconds();
      run(DECISIONS);
      nanoseconds = Math.min(nanoseconds, (Bun.nanoseconds() - began) / DECISIONS);
    }
    const mebibytes = (table.capacity * ENTRY_BYTES) / 2 ** 20;
    const memoryText = `${mebibytes} MiB for ${table.capacity} entries`;
    console.log(
      `${workers === 1 ? "plain" : "shared"}  ${String(callers).padStart(9)} callers  ${nanoseconds.toFixed(0).padStart(4)} ns a decision  ${memoryText}  evicted ${table.counts.evicted}`,
    );
  }
}
