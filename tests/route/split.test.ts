// Splits: shares are kept, callers stay where they are, and a changed weight moves only the difference.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { planOf } from "../config/support.ts";
import type { CallerBy } from "../../src/config/options.ts";
import type { BranchOptions } from "../../src/config/shaping/options.ts";
import { endsOf, placeOfText, shareAt, splitStage } from "../../src/route/split.ts";
import { callOf, identity } from "../auth/callers.ts";

const random = (count: number): Int32Array => new Int32Array(count).fill(42);
const CALLERS = Array.from({ length: 20_000 }, (_, i) => placeOfText(`caller ${i}`));

const weights = fc
  .array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 6 })
  .map((all) => all.filter((weight) => weight > 0))
  .filter((all) => all.length > 0);

test("every place from 0 up to 1 belongs to one share, and each share is as wide as its weight", () => {
  fc.assert(
    fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (all, place) => {
      const ends = endsOf(all);
      const at = shareAt(ends, place);
      expect(at).toBeWithin(0, all.length);
      expect(place).toBeLessThan(ends[at]!);
      expect(place).toBeGreaterThanOrEqual(at === 0 ? 0 : ends[at - 1]!);
      const total = all.reduce((sum, weight) => sum + weight, 0);
      for (const [i, weight] of all.entries()) {
        expect(ends[i]! - (ends[i - 1] ?? 0)).toBeCloseTo(weight / total, 9);
      }
      expect(ends.at(-1)).toBe(1);
    }),
  );
});

test("callers spread evenly: each branch gets its share of them", () => {
  for (const all of [
    [95, 5],
    [50, 30, 20],
    [999, 1],
  ]) {
    const ends = endsOf(all);
    const counts = all.map(() => 0);
    for (const place of CALLERS) counts[shareAt(ends, place)]!++;
    const total = all.reduce((sum, weight) => sum + weight, 0);
    for (const [i, weight] of all.entries()) {
      expect(Math.abs(counts[i]! / CALLERS.length - weight / total)).toBeLessThan(0.01);
    }
  }
});

test("of two branches a changed weight moves callers one way only, and no more than the difference", () => {
  const percent = fc.integer({ min: 1, max: 99 });
  fc.assert(
    fc.property(percent, percent, (before, after) => {
      const [old, now] = [endsOf([100 - before, before]), endsOf([100 - after, after])];
      let moved = 0;
      for (const place of CALLERS) {
        const [was, is] = [shareAt(old, place), shareAt(now, place)];
        if (was === is) continue;
        moved++;
        expect(is).toBe(after > before ? 1 : 0);
      }
      expect(Math.abs(moved / CALLERS.length - Math.abs(after - before) / 100)).toBeLessThan(0.02);
    }),
    { numRuns: 20 },
  );
});

/** Makes a stage of a split among `stable` and `canary`, and tells where exchanges go. */
function pickerOf(split: readonly BranchOptions[], splitBy?: CallerBy): (x: ReturnType<typeof callOf>) => string {
  const upstreams = { stable: { targets: ["http://s.test"] }, canary: { targets: ["http://c.test"] } };
  const route = { match: "/", split, splitBy };
  const plan = planOf({ upstreams, routes: { it: route } });
  const { destination } = plan.routes[0]!;
  if (destination.kind !== "split") throw new Error("no split");
  const stage = splitStage(destination, { random });
  return (x) => {
    expect(stage(x)).toBeUndefined();
    return x.upstream!.name;
  };
}

const branches = [
  { to: "stable", weight: 50 },
  { to: "canary", weight: 50 },
];

describe("a caller", () => {
  const byWhat: readonly (readonly [string, CallerBy, (i: number) => ReturnType<typeof callOf>])[] = [
    ["address", "address", (i) => callOf(undefined, { client: `192.0.2.${i}` })],
    ["field", { header: "X-T" }, (i) => callOf(undefined, { fields: [["X-T", `t${i}`]] })],
    ["cookie", { cookie: "sid" }, (i) => callOf(undefined, { fields: [["Cookie", `a=b; sid=${i}`]] })],
  ];
  test.each(byWhat)(
    "known by its %s keeps to its branch on every gateway, and there are some in each",
    (_, by, call) => {
      const [one, other] = [pickerOf(branches, by), pickerOf(branches, by)];
      const seen = new Set<string>();
      for (let i = 0; i < 50; i++) {
        const picked = one(call(i));
        seen.add(picked);
        for (let again = 0; again < 3; again++) expect(other(call(i))).toBe(picked);
      }
      expect([...seen].toSorted()).toEqual(["canary", "stable"]);
    },
  );

  test("without the field or the cookie is shared request by request", () => {
    for (const by of [{ header: "X-T" }, { cookie: "sid" }] as const) {
      const pick = pickerOf(branches, by);
      const picked = Array.from({ length: 1000 }, () => pick(callOf(undefined)));
      expect(Math.abs(picked.filter((name) => name === "canary").length - 500)).toBeLessThan(60);
    }
  });
});

describe("a condition", () => {
  const split = (when: object): BranchOptions[] => [
    { to: "stable", weight: 1 },
    { to: "canary", weight: 0, when },
  ];
  const consumer = { name: "acme", groups: ["beta"] };
  const cookie = (line: string): [string, string][] => [["Cookie", line]];
  const rows: readonly (readonly [string, object, ReturnType<typeof callOf>, boolean])[] = [
    ["a field's value", { header: { "X-C": "1" } }, callOf(undefined, { fields: [["x-c", "1"]] }), true],
    ["another value", { header: { "X-C": "1" } }, callOf(undefined, { fields: [["x-c", "2"]] }), false],
    ["any value", { header: { "X-C": true } }, callOf(undefined, { fields: [["x-c", "2"]] }), true],
    ["no field", { header: { "X-C": true } }, callOf(undefined), false],
    ["a cookie", { cookie: { c: "1" } }, callOf(undefined, { fields: cookie("b=2; c=1") }), true],
    ["a cookie twice", { cookie: { c: "1" } }, callOf(undefined, { fields: cookie("c=2; c=1") }), true],
    ["another cookie", { cookie: { c: "1" } }, callOf(undefined, { fields: cookie("cc=1; c=2") }), false],
    ["any cookie", { cookie: { c: true } }, callOf(undefined, { fields: cookie("c=9") }), true],
    ["both", { header: { a: "1" }, cookie: { c: "1" } }, callOf(undefined, { fields: [["a", "1"]] }), false],
  ];
  test.each(rows)("%s", (_, when, x, holds) => {
    expect(pickerOf(split(when))(x)).toBe(holds ? "canary" : "stable");
  });

  test("sends whom it is meant for there whatever the weights; the first branch whose condition holds has them", () => {
    const plan = planOf({
      upstreams: Object.fromEntries(["a", "b", "c"].map((name) => [name, { targets: [`http://${name}.test`] }])),
      routes: {
        it: {
          match: "/",
          split: [
            { to: "a", weight: 1_000_000 },
            { to: "b", when: { header: { x: "1" } } },
            { to: "c", when: { header: { x: true } } },
          ],
        },
      },
    });
    const { destination } = plan.routes[0]!;
    if (destination.kind !== "split") throw new Error("no split");
    const stage = splitStage(destination, { random });
    const upstreamFor = (fields: [string, string][]): string => {
      const x = callOf(undefined, { fields });
      void stage(x);
      return x.upstream!.name;
    };
    expect([[["x", "1"]], [["x", "2"]], []].map((f) => upstreamFor(f as [string, string][]))).toEqual(["b", "c", "a"]);
  });

  test.each([
    [{ consumers: ["acme"], groups: undefined }, true, false],
    [{ consumers: undefined, groups: ["beta", "gamma"] }, true, false],
    [{ consumers: ["other"], groups: undefined }, false, false],
    [{ consumers: undefined, groups: ["gamma"] }, false, false],
  ])("on who calls: %j", (who, forAcme, forUnknown) => {
    const plan = planOf({
      upstreams: { stable: { targets: ["http://s.test"] }, canary: { targets: ["http://c.test"] } },
      routes: { it: { match: "/", split: [{ to: "stable" }, { to: "canary", when: { header: { x: "1" } } }] } },
    });
    const { destination } = plan.routes[0]!;
    if (destination.kind !== "split") throw new Error("no split");
    const [stable, canary] = destination.branches;
    const when = { headers: [], cookies: [], ...who };
    const stage = splitStage({ ...destination, branches: [stable!, { ...canary!, when }] }, { random });
    for (const [caller, holds] of [
      [identity({ consumer }), forAcme],
      [identity(), forUnknown],
      [undefined, forUnknown],
    ] as const) {
      const x = callOf(caller);
      void stage(x);
      expect(x.upstream!.name).toBe(holds ? "canary" : "stable");
    }
  });
});
