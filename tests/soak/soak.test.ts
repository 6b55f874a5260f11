// Small editions of `npm run soak`: nothing hangs, leaks or comes twice while origins fail and clients leave.
import { afterAll, describe, expect, test } from "bun:test";
import { soakHeld } from "../../scripts/bench/soak/held.ts";
import { soakLarge } from "../../scripts/bench/soak/large.ts";
import { soakMixed } from "../../scripts/bench/soak/mixed.ts";
import { soakReloads } from "../../scripts/bench/soak/reloads.ts";
import { judge } from "../../scripts/bench/soak/samples.ts";
import { Workshop } from "../../scripts/bench/workshop.ts";

const workshop = new Workshop("sluice-soak-test");
afterAll(() => workshop.close());

describe("requests that the upstream holds", () => {
  for (const count of [200, 2000]) {
    test(`${count} are in flight together through one process, and each gets its own answer`, async () => {
      const result = await soakHeld(workshop, count);
      expect(result.faults).toEqual([]);
      expect(result).toMatchObject({ together: count, right: count, exitCode: 0 });
    }, 20_000);
  }
});

describe("failing origins and leaving clients", () => {
  test.each([
    ["one worker", 1, false],
    ["two workers, retries and hedging", 2, true],
  ])(
    "%s: each request has one outcome and one record, no POST comes twice, no socket stays, and metrics add up",
    async (_, workers, retries) => {
      const requests = 4000;
      const result = await soakMixed(workshop, { requests, lanes: 64, seed: 3, workers, retries, limitMs: 15_000 });
      expect(result.faults).toEqual({});
      expect(Object.values(result.outcomes).reduce((sum, count) => sum + count, 0)).toBe(requests);
      if (retries) expect(result.logged.attempts).toBeGreaterThan(requests);
      expect(result.counted).toEqual({ ...result.logged, underWay: 0 });
      expect(result).toMatchObject({
        postsTwice: 0,
        falselyWhole: 0,
        recordedTwice: 0,
        notRecorded: 0,
        untold: 0,
        socketsAfter: result.socketsBefore,
        exitCode: 0,
      });
    },
    40_000,
  );
});

describe("large answers", () => {
  test("ten stalled and slow readers of 64 MiB cost bounded memory, and who reads on gets every byte", async () => {
    const result = await soakLarge(workshop, { size: 64 * 2 ** 20, readers: 10, holdMs: 1500 });
    expect(result.faults).toEqual([]);
    expect(result).toMatchObject({ whole: result.stayed, openAfterLeaving: 0, openAtEnd: 0, exitCode: 0 });
    expect(result.residentHeldMiB - result.residentBeforeMiB).toBeLessThan(96);
    expect(result.residentFullMiB - result.residentBeforeMiB).toBeLessThan(192);
  }, 30_000);
});

describe("reloads", () => {
  test.each([1, 2])(
    "of changed and broken configs fail no request and close no tunnel, workers: %i",
    async (workers) => {
      const result = await soakReloads(workshop, { reloads: 24, tunnels: 50, lanes: 8, workers });
      expect(result).toMatchObject({ taken: 12, refused: 12, failed: [], open: 50, exitCode: 0 });
      expect(result.requests).toBeGreaterThan(24);
    },
    20_000,
  );
});

test("a steady climb is not flat, and noise about a level is", () => {
  const noise = Array.from({ length: 100 }, (_, index) => 80 + (index % 7));
  expect(judge(noise, 8).flat).toBe(true);
  expect(
    judge(
      noise.map((value, index) => value + index / 3),
      8,
    ).flat,
  ).toBe(false);
});
