// Work that is shared, its bounds, and when a service that fails is asked again.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { BackOff } from "../../src/auth/introspection/back-off.ts";
import { Flights } from "../../src/auth/introspection/flights.ts";

/** Work that ends when it is told to. */
class Work {
  begun = 0;
  readonly #ends: (() => void)[] = [];

  readonly start = (): Promise<number> => {
    const nth = ++this.begun;
    return new Promise((resolve) => this.#ends.push(() => resolve(nth)));
  };

  endFirst(): void {
    this.#ends.shift()?.();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("work", () => {
  test("for one key is done once, for all who wait, and anew afterwards", async () => {
    const flights = new Flights<number>({ running: 2, waiting: 10 });
    const work = new Work();
    const all = Array.from({ length: 5 }, () => flights.join("a", work.start)!);
    await turn();
    work.endFirst();
    expect(await Promise.all(all)).toEqual([1, 1, 1, 1, 1]);
    const again = flights.join("a", work.start)!;
    await turn();
    work.endFirst();
    expect(await again).toBe(2);
    expect(flights.waiting).toBe(0);
  });

  test("beyond the bound waits for its turn, in order", async () => {
    const flights = new Flights<number>({ running: 2, waiting: 10 });
    const work = new Work();
    const order: string[] = [];
    for (const key of ["a", "b", "c", "d"]) void flights.join(key, work.start)!.then(() => order.push(key));
    await turn();
    expect(work.begun).toBe(2);
    for (const begun of [3, 4, 4, 4]) {
      work.endFirst();
      await turn();
      expect(work.begun).toBe(begun);
    }
    expect(order).toEqual(["a", "b", "c", "d"]);
  });

  test("for which too many wait is refused, also when it is under way", async () => {
    const flights = new Flights<number>({ running: 1, waiting: 3 });
    const work = new Work();
    for (const key of ["a", "a", "b"]) expect(flights.join(key, work.start)).toBeInstanceOf(Promise);
    expect(flights.join("a", work.start)).toBeUndefined();
    expect(flights.join("c", work.start)).toBeUndefined();
    await turn();
    work.endFirst();
    await turn();
    expect(flights.waiting).toBe(1);
    expect(flights.join("c", work.start)).toBeInstanceOf(Promise);
  });

  test("never runs more at once than it may, and none is forgotten", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(5), { maxLength: 40 }),
        fc.integer({ min: 1, max: 3 }),
        async (keys, running) => {
          const flights = new Flights<number>({ running, waiting: 1000 });
          let now = 0;
          let most = 0;
          const work = async (): Promise<number> => {
            most = Math.max(most, ++now);
            await turn();
            return now--;
          };
          await Promise.all(keys.map((key) => flights.join(String(key), work)));
          expect(most).toBeLessThanOrEqual(running);
          expect(flights.waiting).toBe(0);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe("a service that fails", () => {
  /** Down since the time 0. */
  function down(): BackOff {
    const service = new BackOff();
    for (let i = 0; i < 3; i++) {
      expect(service.begin(0)).toBe(0);
      expect(service.failed(0)).toBe(i === 2);
    }
    return service;
  }

  test("twice is asked on, and a success between counts anew", () => {
    const service = new BackOff();
    for (let i = 0; i < 10; i++) {
      service.failed(0);
      service.failed(0);
      expect(service.begin(0)).toBe(0);
      expect(service.succeeded()).toBe(false);
    }
    expect(service.down).toBe(false);
  });

  test("three times is not asked for a second, then once, then for longer", () => {
    const service = down();
    let now = 0;
    for (const pause of [1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]) {
      expect(service.begin(now)).toBe(pause);
      expect(service.begin(now + pause - 1)).toBe(1);
      now += pause;
      expect(service.begin(now)).toBe(0);
      expect(service.begin(now)).toBe(1000);
      expect(service.failed(now)).toBe(false);
    }
  });

  test("and comes back is asked freely at once", () => {
    const service = down();
    expect(service.begin(1000)).toBe(0);
    expect(service.succeeded()).toBe(true);
    expect([service.begin(1000), service.begin(1000), service.down]).toEqual([0, 0, false]);
    expect(service.failed(1000)).toBe(false);
    expect(service.begin(1000)).toBe(0);
  });

  test("is not believed to be down for longer by those that were asked before", () => {
    const service = down();
    for (let i = 0; i < 60; i++) expect(service.failed(i)).toBe(false);
    expect(service.begin(999)).toBe(1);
    expect(service.begin(1000)).toBe(0);
  });
});
