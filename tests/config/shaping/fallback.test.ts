// Fallbacks: what they come out as, and what is refused, rings above all.
import { describe, expect, test } from "bun:test";
import { faultLines, planOf } from "../support.ts";

const HELLO = { match: "/", answer: {} };
const targets = ["http://a.test"];
/** Upstreams with these fallbacks. */
const gateway = (fallbacks: Readonly<Record<string, unknown>>, route: object = HELLO): object => ({
  upstreams: Object.fromEntries(Object.entries(fallbacks).map(([name, fallback]) => [name, { targets, fallback }])),
  routes: { it: route },
});

test("leads to another upstream or to an answer, and takes no answer's place unless that is said", () => {
  const answer = { status: 503, body: "later" };
  const { upstreams } = planOf(gateway({ a: { to: "b", on: [502, 503] }, b: { answer }, c: undefined }));
  expect(upstreams["a"]!.fallback).toEqual({ on: [502, 503], leadsTo: { kind: "upstream", name: "b" } });
  expect(upstreams["b"]!.fallback).toEqual({ on: [], leadsTo: { kind: "answer", answer } });
  expect(upstreams["c"]!.fallback).toBeUndefined();
});

test("is reached by what a route says of its own upstream", () => {
  const route = { match: "/a/*", to: "a", rewrite: { stripPrefix: "/a" }, timeouts: { firstByte: "1s" }, upgrade: [] };
  const { destination } = planOf(gateway({ a: { to: "b" }, b: { answer: {} } }, route)).routes[0]!;
  if (destination.kind !== "upstream") throw new Error("no upstream");
  const next = destination.fallback!.leadsTo;
  if (next.kind !== "upstream") throw new Error("no upstream");
  expect(next).toMatchObject({ timeouts: { firstByteMs: 1000 }, upgrade: [], rewrite: { prefix: "/a" } });
  expect(next.upstream.name).toBe("b");
  expect(next.fallback!.leadsTo.kind).toBe("answer");
});

describe("is refused", () => {
  test.each([
    ["an absent upstream", { to: "bb" }, ".to", 'Did you mean "b"?'],
    ["both", { to: "b", answer: {} }, "", "exactly one of to, answer"],
    ["neither", { on: [503] }, "", "exactly one of to, answer"],
    ["a name alone", "b", "", "an object of options"],
    ["a status that is no failure", { to: "b", on: [200] }, ".on.0", "a whole number from 400 to 599"],
    ["a status alone", { to: "b", on: 503 }, ".on", "a list of statuses"],
    ["an answer that is none", { answer: { status: 204, body: "x" } }, ".answer.body", "no body"],
    ["an unknown key", { to: "b", when: 1 }, ".when", "an option"],
  ])("%s", (_, fallback, path, words) => {
    const lines = faultLines(gateway({ a: fallback, b: undefined }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(`upstreams.a.fallback${path}: `);
    expect(lines[0]).toContain(words);
  });

  test.each([
    ["to itself", { a: { to: "a" } }, "a", "a → a"],
    ["of two", { a: { to: "b" }, b: { to: "a" } }, "a", "a → b → a"],
    ["of three", { x: { to: "b" }, b: { to: "c" }, c: { to: "d" }, d: { to: "b" } }, "b", "b → c → d → b"],
  ])("a ring %s, and it is told once", (_, fallbacks, at, ring) => {
    const lines = faultLines(gateway(fallbacks));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith(`upstreams.${at}.fallback.to: `);
    expect(lines[0]).toEndWith(`It leads back: ${ring}.`);
  });
});
