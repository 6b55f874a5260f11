// Chances lie from 0 up to 1, evenly, whatever the seed.
import { expect, test } from "bun:test";
import { chances } from "../../src/http/chance.ts";

test.each([0, 1, -1, 0x7fffffff, 42])("with the seed %d each tenth gets its share", (seed) => {
  const chance = chances(seed);
  const tenths = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) tenths[Math.floor(chance() * 10)]!++;
  expect(tenths).toHaveLength(10);
  for (const count of tenths) expect(Math.abs(count - 10_000)).toBeLessThan(500);
});
