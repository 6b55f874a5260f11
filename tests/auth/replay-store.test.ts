// What was seen is remembered for its span, within bounds.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ReplayStore } from "../../src/auth/dpop/replay-store.ts";

describe("a key", () => {
  test("is remembered for the whole span, whenever the last generation began", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(250), { maxLength: 40 }), fc.nat(99), (steps, last) => {
        const store = new ReplayStore(100, 1000);
        let now = 0;
        for (const [i, step] of steps.entries()) store.add(`before-${i}`, (now += step));
        expect(store.add("key", now)).toBe("new");
        for (let i = 0; i < 3; i++) store.add(`between-${i}`, now + (last * i) / 3);
        expect(store.add("key", now + last)).toBe("seen");
      }),
    );
  });

  test("is forgotten after two spans, however long nothing happens", () => {
    for (const pause of [200, 250, 1e6]) {
      const store = new ReplayStore(100, 1000);
      store.add("key", 50);
      expect(store.add("key", 50 + pause)).toBe("new");
    }
  });

  test("that cannot be remembered is told, and room comes with time", () => {
    const store = new ReplayStore(100, 2);
    expect(store.add("a", 0)).toBe("new");
    expect(store.add("b", 0)).toBe("new");
    expect(store.add("c", 0)).toBe("full");
    expect(store.add("a", 0)).toBe("seen");
    expect(store.add("c", 100)).toBe("new");
    expect(store.add("b", 100)).toBe("seen");
    expect(store.size).toBe(3);
    expect(store.add("d", 201)).toBe("new");
    expect(store.size).toBe(2);
  });
});
