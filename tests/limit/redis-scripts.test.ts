// The scripts on a real Redis against a naive log of every request, by a clock that the test moves.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GIVE_BACK, RESET, TAKE } from "../../src/limit/redis-scripts.ts";
import { until } from "../support/deadline.ts";
import { startRedis, type RedisServer } from "../support/redis.ts";
import { missing } from "../support/requirements.ts";

/** The script with a clock that is told: microseconds as the last argument. */
function told(script: string): string {
  const clock = "redis.call('TIME')";
  if (!script.includes(clock)) throw new Error("the script asks for no time");
  return script.replace(clock, "{ 0, ARGV[#ARGV] }");
}

test.each([TAKE, GIVE_BACK, RESET])("Redis knows a script by the hash that stands beside it", ({ text, sha1 }) => {
  expect(sha1).toBe(new Bun.CryptoHasher("sha1").update(text).digest("hex"));
});

interface Asked {
  readonly key?: string;
  readonly limit: number;
  readonly windowUs: number;
  readonly units: number;
  readonly observe?: boolean;
}

type Step = readonly [afterUs: number, what: "take" | "back", units: number];

const step = (windowUs: number, limit: number): fc.Arbitrary<Step> =>
  fc.tuple(
    fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 5, arbitrary: fc.integer({ min: 0, max: Math.ceil(windowUs / limit) }) },
      { weight: 2, arbitrary: fc.integer({ min: 0, max: Math.ceil(windowUs / 3) }) },
      { weight: 1, arbitrary: fc.constantFrom(windowUs - 1, windowUs, windowUs + 1, windowUs * 1.5, windowUs * 3) },
    ),
    fc.constantFrom("take", "take", "take", "take", "take", "back" as const),
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(1) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: Math.ceil(limit / 2) }) },
    ),
  );

const story = fc
  .tuple(fc.constantFrom(1, 2, 3, 7, 19, 20, 21, 40, 59, 100, 399), fc.constantFrom(600_000_000, 3_600_000_000))
  .chain(([limit, windowUs]) =>
    fc.record({
      limit: fc.constant(limit),
      windowUs: fc.constant(windowUs),
      steps: fc.array(step(windowUs, limit), { maxLength: 400, size: "max" }),
    }),
  );

const lack = missing("redis-server");
describe.skipIf(lack !== undefined)(`the scripts of Redis${lack === undefined ? "" : ` (skipped: ${lack})`}`, () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());
  beforeEach(() => redis.send("FLUSHALL"));

  const take = (now: number, ...asked: Asked[]): Promise<number[]> => run(told(TAKE.text), asked, [String(now)]);
  const run = async (script: string, asked: readonly Asked[], more: string[] = []): Promise<number[]> =>
    (await redis.send(
      "EVAL",
      script,
      String(asked.length),
      ...asked.map(({ key = "k" }) => key),
      ...asked.flatMap(({ limit, windowUs, units, observe }) => [limit, windowUs, units, observe ? 0 : 1].map(String)),
      ...more,
    )) as number[];
  const giveBack = (now: number, windowUs: number, units: number, takenAt = now): Promise<unknown> =>
    redis.send("EVAL", told(GIVE_BACK.text), "1", "k", String(windowUs), String(units), String(takenAt), String(now));

  test("in no window is more let through than the limit, and who stays under 95% of it is never refused", async () => {
    let operations = 0;
    let longest = 0;
    const begin = 1.7e15;
    await fc.assert(
      fc.asyncProperty(story, async ({ limit, windowUs, steps }) => {
        await redis.send("DEL", "k");
        const log: number[] = [];
        const held: number[] = [];
        const within = (times: readonly number[], from: number): number => times.filter((at) => at >= from).length;
        let now = begin;
        for (const [after, what, units] of steps) {
          operations++;
          now += after;
          if (what === "back") {
            const count = Math.min(units, within(log, now - windowUs));
            if (count === 0) continue;
            await giveBack(now, windowUs, count);
            log.splice(log.length - count);
            held.splice(held.length - within(held, now - windowUs), count);
            continue;
          }
          const before = within(log, now - windowUs);
          const [, refused, fits, left] = await take(now, { limit, windowUs, units });
          expect(fits).toBe(refused === 0 ? 1 : 0);
          if (refused === 0) {
            expect(before + units).toBeLessThanOrEqual(limit);
            expect(left!).toBeLessThanOrEqual(limit - before - units);
            for (let i = 0; i < units; i++) {
              log.push(now);
              held.push(now);
            }
          } else if (units === 1) expect(within(held, now - windowUs) + 1).toBeGreaterThan(0.95 * limit);
        }
        longest = Math.max(longest, Number(await redis.send("STRLEN", "k")));
      }),
      { numRuns: 120, seed: 1 },
    );
    expect(operations).toBeGreaterThan(15_000);
    expect(longest).toBeLessThanOrEqual(210);
  }, 60_000);

  test.each([1, 5, 20, 100])(
    "limit %d: a refusal tells when a try passes, and one before it does not",
    async (limit) => {
      const asked = { limit, windowUs: 600_000_000, units: 1 };
      let now = 1.7e15;
      for (let i = 0; i < limit; i++) expect((await take((now += 7000), asked))[1]).toBe(0);
      const [, refused, , left, free] = await take(now, asked);
      expect([refused, left]).toEqual([1, 0]);
      expect((await take(now + free! - 1, asked))[1]).toBe(1);
      expect((await take(now + free!, asked))[1]).toBe(0);
    },
  );

  test("of several limits all count or none does; one that observes never refuses, and counts what fits", async () => {
    const wide = { key: "wide", limit: 5, windowUs: 600_000_000, units: 1 };
    const tight = { key: "tight", limit: 2, windowUs: 600_000_000, units: 1 };
    const seen = { key: "seen", limit: 1, windowUs: 600_000_000, units: 1, observe: true };
    const now = 1.7e15;
    expect((await take(now, wide, seen, tight)).slice(1, 9)).toEqual([0, 1, 4, 600_000_001, 1, 0, 600_000_001, 1]);
    expect((await take(now, wide, seen, tight)).slice(1, 6)).toEqual([0, 1, 3, 600_000_001, 0]);
    expect((await take(now, wide, seen, tight))[1]).toBe(3);
    expect((await take(now, wide))[3]).toBe(2);
  });

  test("a clock that is set back frees nothing early, and keeps nothing longer than one window more", async () => {
    const asked = { limit: 2, windowUs: 600_000_000, units: 1 };
    const now = 1.7e15;
    await take(now, asked);
    await take(now + 100_000_000, asked);
    const back = now - 86_400_000_000;
    expect((await take(back, asked))[1]).toBe(1);
    expect((await take(back + 499_999_999, asked))[1]).toBe(1);
    expect((await take(back + 600_000_001, asked))[1]).toBe(0);
  });

  test("what has left the window is not given back in place of what came later", async () => {
    const asked = { limit: 2, windowUs: 600_000_000, units: 1 };
    const now = 1.7e15;
    await take(now, asked);
    await take(now + 600_000_001, asked);
    await take(now + 600_000_001, asked);
    await giveBack(now + 600_000_002, asked.windowUs, 1, now);
    expect((await take(now + 600_000_003, asked))[1]).toBe(1);
    await giveBack(now + 600_000_004, asked.windowUs, 1, now + 600_000_001);
    expect((await take(now + 600_000_005, asked))[1]).toBe(0);
    await giveBack(now + 600_000_006, asked.windowUs, 9);
    expect(await redis.send("EXISTS", "k")).toBe(0);
  });

  test("machines with different limits share a count that stays small", async () => {
    let now = 1.7e15;
    for (let i = 0; i < 900; i++) {
      const limit = i % 2 === 0 ? 1_000_000 : 1000;
      expect((await take((now += 1000), { limit, windowUs: 600_000_000, units: 1 }))[1]).toBe(0);
    }
    expect(Number(await redis.send("STRLEN", "k"))).toBeLessThanOrEqual(210);
    expect((await take(now, { limit: 901, windowUs: 600_000_000, units: 1 }))[3]).toBe(0);
    expect((await take(now, { limit: 901, windowUs: 600_000_000, units: 1 }))[1]).toBe(1);
  });

  test("by Redis's own clock a window passes, and its key goes with it", async () => {
    const asked = { limit: 1, windowUs: 300_000, units: 1 };
    expect((await run(TAKE.text, [asked]))[1]).toBe(0);
    const [now, refused, , , free] = await run(TAKE.text, [asked]);
    expect(refused).toBe(1);
    expect(Math.abs(now! / 1000 - Date.now())).toBeLessThan(5000);
    expect(await redis.send("PTTL", "k")).toBeWithin(1, 302);
    expect(free!).toBeWithin(1, 300_002);
    await until(async () => (await run(TAKE.text, [asked]))[1] === 0, "the window to pass");
    await until(async () => (await redis.send("EXISTS", "k")) === 0, "the key to go");
  });

  test("a cost over the limit is refused and counts nothing", async () => {
    expect((await take(1.7e15, { limit: 2, windowUs: 1e9, units: 3 })).slice(1)).toEqual([1, 0, 2, 0]);
    expect((await take(1.7e15, { limit: 2, windowUs: 1e9, units: 0 })).slice(1)).toEqual([0, 1, 2, 0]);
    expect(await redis.send("DBSIZE")).toBe(0);
  });
});
