// Sampling: shares are kept, all who see a trace decide alike, and what they say of it is what they did.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { randomnessOf, shareSampler, withThreshold } from "../../../src/record/trace/sampling.ts";

const bits = fc.maxSafeNat().map((number) => number % 2 ** 52);

describe("a share of traces", () => {
  // The thresholds of OpenTelemetry's specification of probability sampling.
  test.each([
    [1, "0"],
    [0.5, "8"],
    [0.25, "c"],
    [0.1, "e666"],
    [0.01, "fd70a"],
    [0.001, "ffbe76"],
  ])("%d is the threshold %s", (share, threshold) => {
    expect(shareSampler(share).threshold).toBe(threshold);
  });

  test.each([0, 0.01, 0.1, 0.5, 1])("%d is what is taken", (share) => {
    const sampler = shareSampler(share);
    let state = 1;
    let taken = 0;
    const all = 100_000;
    for (let at = 0; at < all; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      if (sampler.takes(state * 2 ** 20)) taken++;
    }
    expect(Math.abs(taken / all - share)).toBeLessThan(0.003);
  });

  test("what a smaller share takes, a larger one takes, and what is taken is not below the threshold that is told", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(bits, share, share, (randomness, one, other) => {
        const small = shareSampler(Math.min(one, other));
        const large = shareSampler(Math.max(one, other));
        if (small.takes(randomness)) expect(large.takes(randomness)).toBe(true);
        if (small.takes(randomness))
          expect(randomness >= Number.parseInt(small.threshold.padEnd(13, "0"), 16)).toBe(true);
      }),
    );
  });
});

describe("the member ot of tracestate", () => {
  test("says by which digits it is decided", () => {
    const id = "0af7651916cd43dd8448eb211c80319c";
    expect(randomnessOf(id, [])).toBe(0x48eb211c80319);
    expect(randomnessOf(id, ["a=1", "ot=th:8;rv:0123456789abcd"])).toBe(0x0123456789abc);
    expect(randomnessOf(id, ["ot=rv:0123456789abc"])).toBe(0x48eb211c80319);
    expect(randomnessOf(id, ["not=rv:0123456789abcd"])).toBe(0x48eb211c80319);
  });

  test.each<[string[], string | undefined, string[]]>([
    [[], "8", ["ot=th:8"]],
    [["a=1"], "8", ["ot=th:8", "a=1"]],
    [["a=1", "ot=th:c;rv:0123456789abcd"], "8", ["ot=th:8;rv:0123456789abcd", "a=1"]],
    [["a=1", "ot=th:c;rv:0123456789abcd"], undefined, ["ot=rv:0123456789abcd", "a=1"]],
    [["ot=th:c", "a=1"], undefined, ["a=1"]],
    [["a=1"], undefined, ["a=1"]],
  ])("%j with the threshold %s is %j", (members, threshold, wanted) => {
    expect(withThreshold(members, threshold)).toEqual(wanted);
  });

  test("makes place for itself among 32", () => {
    const members = Array.from({ length: 32 }, (_, at) => `k${at}=1`);
    expect(withThreshold(members, "8")).toEqual(["ot=th:8", ...members.slice(0, 31)]);
  });
});
