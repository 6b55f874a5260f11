// Targets that a function of the user's gives: called again and again, bounded, believed only when all is right.
import { describe, expect, test } from "bun:test";
import type { FindTargets } from "../../src/mod.ts";
import { Search } from "./rig.ts";

const A = "http://10.0.0.5:8080";
const B = "http://10.0.0.6:8080";

describe("a function", () => {
  test("is called at the start and `every` after each answer", () => {
    let calls = 0;
    const it = new Search({ from: () => (calls++, [A]), every: "10s" }).begin();
    expect(calls).toBe(1);
    it.advance(9999);
    expect(calls).toBe(1);
    it.advance(1);
    expect(calls).toBe(2);
    it.advance(100_000);
    expect(calls).toBe(12);
    expect(it.sets).toEqual([[A]]);
    it.end();
    it.advance(100_000);
    expect(calls).toBe(12);
  });

  test.each<[what: string, given: FindTargets, urls: string[]]>([
    ["a list", () => [A, B], [A, B]],
    ["a promise", () => Promise.resolve([A]), [A]],
    ["weights", () => [{ url: A, weight: 3 }, { url: B }], [`${A} ×3`, B]],
    ["names", () => ["http://orders.internal"], ["http://orders.internal"]],
  ])("may give %s", (_, from, urls) => {
    expect(new Search({ from }).begin().urls).toEqual(urls);
  });

  const wrong: [what: string, from: () => unknown, told: string][] = [
    [
      "throws",
      () => {
        throw new TypeError("no registry");
      },
      "it has thrown TypeError: no registry",
    ],
    ["rejects", () => Promise.reject(new Error("503")), "it has thrown Error: 503"],
    ["throws no error", () => Promise.reject("no" as unknown as Error), "it has thrown no"],
    ["gives nothing", () => undefined, "it gave no list of targets"],
    ["gives an object", () => ({ targets: [A] }), "it gave no list of targets"],
    [
      "gives an empty list",
      () => [],
      "it gave something else than a list of 1 to 4096 targets: A weight of 0 takes a target out",
    ],
    [
      "gives too many",
      () => Array.from({ length: 4097 }, (_, i) => `http://h${i}`),
      "it gave something else than a list of 1 to 4096 targets: A weight of 0 takes a target out",
    ],
    [
      "gives what is no URL",
      () => [A, "10.0.0.6"],
      'it gave something else than the URL of a target, such as "http://127.0.0.1:9001" at 1: It begins with "http://" or "https://"',
    ],
    [
      "gives null for a target",
      () => [null],
      'it gave something else than the URL of a target, such as "http://127.0.0.1:9001" at 0: It is a text',
    ],
    [
      "gives half a weight",
      () => [{ url: A, weight: 0.5 }],
      "it gave something else than a whole number from 0 to 1000000 at 0.weight",
    ],
    [
      "gives a target twice",
      () => [A, A],
      "it gave something else than a target of its own at 1: It is targets.0 again: use `weight`",
    ],
  ];
  test.each(wrong)("that %s changes nothing, and is told once", (_, from, told) => {
    let answer: () => unknown = () => [A];
    const it = new Search({ from: (() => answer()) as FindTargets }).begin();
    expect(it.told).toHaveLength(1);
    answer = from;
    it.advance(60_000);
    expect(it.urls).toEqual([A]);
    expect(it.told).toEqual([`warn: upstreams.orders: the function \`from\`: ${told}. The targets stay as they were.`]);
    answer = () => [B];
    it.advance(10_000);
    expect(it.urls).toEqual([B]);
    it.end();
  });

  test("that hangs is given up after 10 s: its signal aborts, it is called again, and its late answer does not count", () => {
    const signals: AbortSignal[] = [];
    const answers: ((urls: string[]) => void)[] = [];
    const it = new Search({
      from: (signal) => (signals.push(signal), new Promise<string[]>((resolve) => answers.push(resolve))),
      every: "1s",
    }).begin();
    it.advance(9999);
    expect(signals.map(({ aborted }) => aborted)).toEqual([false]);
    it.advance(1);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(it.told).toEqual([
      "error: upstreams.orders: the function `from`: no answer within 10 s. It has no targets yet: it answers 503.",
    ]);
    it.advance(1000);
    expect(signals).toHaveLength(2);
    answers[0]!([A]);
    it.settle();
    expect(it.urls).toEqual([]);
    answers[1]!([B]);
    it.settle();
    expect(it.urls).toEqual([B]);
    it.end();
  });

  test("is told by its signal when the gateway ends", () => {
    const signals: AbortSignal[] = [];
    const it = new Search({ from: (signal) => (signals.push(signal), new Promise<string[]>(() => {})) }).begin();
    it.end();
    expect(signals[0]!.aborted).toBe(true);
  });
});
