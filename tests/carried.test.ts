// What goes on over a reload: parts that are made of the same, with all that they have in them.
import { describe, expect, test } from "bun:test";
import { Carried, isSame } from "../src/carried.ts";
import { Secret } from "../src/config/secrets.ts";

const of = (value: string): Secret => new Secret(value, "NAME");
const same = (): void => undefined;

describe("is the same", () => {
  test.each<[what: string, a: unknown, b: unknown]>([
    ["plain objects in any order", { a: 1, b: [2, { c: undefined }] }, { b: [2, { c: undefined }], a: 1 }],
    ["secrets of one value", { key: of("s") }, { key: new Secret("s", "OTHER") }],
    ["one function", { of: same }, { of: same }],
    ["what is no number", [NaN], [NaN]],
    ["objects without a prototype", Object.create(null), {}],
  ])("%s", (_, a, b) => {
    expect(isSame(a, b)).toBe(true);
  });
});

describe("is not the same", () => {
  test.each<[what: string, a: unknown, b: unknown]>([
    ["another value", { a: 1 }, { a: 2 }],
    ["a member more", { a: 1 }, { a: 1, b: undefined }],
    ["a member under another name", { a: undefined }, { b: undefined }],
    ["a list and an object", [], {}],
    ["a longer list", [1], [1, 2]],
    ["secrets of other values", of("s"), of("t")],
    ["a secret and its text", of("s"), "s"],
    ["functions that read alike", () => 1, () => 1],
    ["objects of classes", new Date(0), new Date(0)],
    ["expressions", /a/, /a/],
    ["memory", new Int32Array(1), new Int32Array(1)],
    ["null and an object", null, {}],
  ])("%s", (_, a, b) => {
    expect([isSame(a, b), isSame(b, a)]).toEqual([false, false]);
  });
});

/** Parts that tell when they are made and closed. */
class Story {
  readonly told: string[] = [];

  part(carried: Carried, name: string, madeOf: unknown, inner?: () => void): unknown {
    return carried.keep(
      name,
      madeOf,
      (earlier) => {
        inner?.();
        this.told.push(`${name} made${earlier === undefined ? "" : " anew"}`);
        return { name };
      },
      () => this.told.push(`${name} closed`),
    );
  }
}

test("a part goes on while it is made of the same, and is closed once nobody has it", () => {
  const story = new Story();
  const first = new Carried();
  const kept = story.part(first, "kept", [1]);
  story.part(first, "changed", [1]);
  story.part(first, "gone", [1]);
  const second = new Carried(first);
  expect(story.part(second, "kept", [1])).toBe(kept);
  story.part(second, "changed", [2]);
  second.complete();
  expect(story.told.splice(0)).toEqual(["kept made", "changed made", "gone made", "changed made anew"]);
  first.close([second]);
  expect(story.told.splice(0)).toEqual(["changed closed", "gone closed"]);
  second.close([]);
  second.close([]);
  expect(story.told).toEqual(["kept closed", "changed closed"]);
});

test("what a part has in it goes on with it, and alone where only the part has changed", () => {
  const story = new Story();
  const outer = (carried: Carried, madeOf: number): unknown =>
    story.part(carried, "outer", madeOf, () => story.part(carried, "inner", "same"));
  const first = new Carried();
  outer(first, 1);
  const second = new Carried(first);
  outer(second, 1);
  second.complete();
  const third = new Carried(second);
  outer(third, 2);
  third.complete();
  first.close([second, third]);
  second.close([third]);
  expect(story.told).toEqual(["inner made", "outer made", "outer made anew", "outer closed"]);
});
