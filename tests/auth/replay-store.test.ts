// What was seen is remembered for its span, within bounds.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Replays, replays, ReplayStore } from "../../src/auth/dpop/replay-store.ts";
import { Carried } from "../../src/carried.ts";
import { FakePlatform } from "../../src/platforms/fake/platform.ts";

/** A span of 100 ms, and room for so many keys. */
const bounds = (most: number): { spanMs: number; most: number } => ({ spanMs: 100, most });

describe("a key", () => {
  test("is remembered for the whole span, whenever the last generation began", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(250), { maxLength: 40 }), fc.nat(99), (steps, last) => {
        const store = new ReplayStore();
        let now = 0;
        for (const [i, step] of steps.entries()) store.add(bounds(1000), `before-${i}`, (now += step));
        expect(store.add(bounds(1000), "key", now)).toBe("new");
        for (let i = 0; i < 3; i++) store.add(bounds(1000), `between-${i}`, now + (last * i) / 3);
        expect(store.add(bounds(1000), "key", now + last)).toBe("seen");
      }),
    );
  });

  test("is forgotten after two spans, however long nothing happens", () => {
    for (const pause of [200, 250, 1e6]) {
      const store = new ReplayStore();
      store.add(bounds(1000), "key", 50);
      expect(store.add(bounds(1000), "key", 50 + pause)).toBe("new");
    }
  });

  test("that cannot be remembered is told, and room comes with time", () => {
    const store = new ReplayStore();
    expect(store.add(bounds(2), "a", 0)).toBe("new");
    expect(store.add(bounds(2), "b", 0)).toBe("new");
    expect(store.add(bounds(2), "c", 0)).toBe("full");
    expect(store.add(bounds(2), "a", 0)).toBe("seen");
    expect(store.add(bounds(2), "c", 100)).toBe("new");
    expect(store.add(bounds(2), "b", 100)).toBe("seen");
    expect(store.size).toBe(3);
    expect(store.add(bounds(2), "d", 201)).toBe("new");
    expect(store.size).toBe(2);
  });
});

test("a memory outlives the scheme that asks it, with other bounds too", () => {
  const platform = new FakePlatform();
  const memory = (carried: Carried, spanMs: number): Replays =>
    replays({ name: "auth.token.dpop", spanMs, most: 10 }, platform, carried.keep);
  const before = new Carried();
  expect(memory(before, 100)("key")).toBe("new");
  expect(memory(new Carried(before), 200)("key")).toBe("seen");
});
