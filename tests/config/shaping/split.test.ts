// Splits: what they come out as, and what is refused.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../../src/mod.ts";
import { faultLines, planOf } from "../support.ts";

const HASH = `sha256:${"0".repeat(64)}`;

const gateway = (split: unknown, route: object = {}): object => ({
  upstreams: Object.fromEntries(
    ["stable", "canary", "third"].map((name) => [name, { targets: [`http://${name}.test`] }]),
  ),
  consumers: { acme: { groups: ["beta"], keys: [HASH] } },
  auth: { key: apiKey() },
  routes: { it: { match: "/", auth: "none", split, ...route } },
});

function splitOf(split: unknown, route?: object): unknown {
  const { destination } = planOf(gateway(split, route)).routes[0]!;
  if (destination.kind !== "split") throw new Error(`it is ${destination.kind}`);
  const { by, rewrite, branches } = destination;
  return { by, rewrite, branches: branches.map(({ leadsTo, ...rest }) => ({ to: leadsTo.upstream.name, ...rest })) };
}

test("a list of branches is shared request by request", () => {
  expect(splitOf([{ to: "stable", weight: 95 }, { to: "canary" }])).toEqual({
    by: undefined,
    rewrite: undefined,
    branches: [
      { to: "stable", weight: 95, when: undefined },
      { to: "canary", weight: 1, when: undefined },
    ],
  });
});

test("conditions come out in lower case, and a branch that has some gets no share by itself", () => {
  const when = { header: { "X-Canary": "1" }, cookie: { Canary: true }, consumer: "acme", group: ["beta"] };
  const split = [{ to: "stable" }, { to: "canary", when }];
  expect(splitOf(split, { auth: "key", splitBy: { header: "X-Tenant" } })).toMatchObject({
    by: { kind: "header", key: "x-tenant" },
    branches: [
      { weight: 1 },
      {
        weight: 0,
        when: { headers: [["x-canary", "1"]], cookies: [["Canary", true]], consumers: ["acme"], groups: ["beta"] },
      },
    ],
  });
});

test("what the route says of its upstream holds for every branch", () => {
  const route = { match: "/a/*", rewrite: { stripPrefix: "/a" }, timeouts: { firstByte: "1s" }, upgrade: [] };
  const { destination } = planOf(gateway([{ to: "stable" }, { to: "canary" }], route)).routes[0]!;
  if (destination.kind !== "split") throw new Error("no split");
  for (const { leadsTo } of destination.branches) {
    expect(leadsTo).toMatchObject({ timeouts: { connectMs: 5000, firstByteMs: 1000 }, upgrade: [] });
  }
  expect(destination.rewrite).toEqual({ kind: "strip-prefix", prefix: "/a" });
});

describe("is refused", () => {
  const two = [{ to: "stable" }, { to: "canary" }];
  const rows: readonly (readonly [what: string, split: unknown, path: string, words: string])[] = [
    ["one branch", [{ to: "stable" }], "split", "a list of at least two branches"],
    ["no list", "stable", "split", "a list of at least two branches"],
    ["an absent upstream", [{ to: "stable" }, { to: "canry" }], "split.1.to", 'Did you mean "canary"?'],
    ["an upstream twice", [...two, { to: "stable" }], "split.2.to", "It is split.0 again"],
    ["no weight at all", two.map((b) => ({ ...b, weight: 0 })), "split", "a branch of weight above 0"],
    ["only conditions", two.map((b) => ({ ...b, when: { header: { a: "b" } } })), "split", "no `when` takes"],
    ["a broken weight", [{ to: "stable", weight: 0.5 }, { to: "canary" }], "split.0.weight", "a whole number"],
    ["an unknown key", [{ to: "stable", wait: 1 }, { to: "canary" }], "split.0.wait", 'Did you mean "weight"?'],
    ["no condition", [two[0], { to: "canary", when: {} }], "split.1.when", "at least one of header, cookie"],
    ["an empty condition", [two[0], { to: "canary", when: { header: {} } }], "split.1.when", "at least one of header"],
    [
      "a broken field",
      [two[0], { to: "canary", when: { header: { "a b": "1" } } }],
      "split.1.when.header.a b",
      "a field name",
    ],
    [
      "a broken cookie",
      [two[0], { to: "canary", when: { cookie: { a: "b;c" } } }],
      "split.1.when.cookie.a",
      "a cookie's value",
    ],
    [
      "a group nobody asks for",
      [two[0], { to: "canary", when: { group: "beta" } }],
      "split.1.when.group",
      "asks nobody",
    ],
    [
      "an absent group",
      [two[0], { to: "canary", when: { group: "bta" } }],
      "split.1.when.group",
      'Did you mean "beta"?',
    ],
  ];
  test.each(rows)("%s", (what, split, path, words) => {
    const auth = what.startsWith("an absent group") ? "key" : "none";
    const lines = faultLines(gateway(split, { auth }));
    expect(lines).toHaveLength(1);
    const shown = path.replaceAll(/\.(\d+)/g, "[$1]").replace("header.a b", 'header["a b"]');
    expect(lines[0]!.replaceAll(/\.(\d+)/g, "[$1]")).toStartWith(`routes.it.${shown}: `);
    expect(lines[0]).toContain(words);
  });

  test.each([
    ["a list", ["address"], '"address", "consumer"'],
    ["an unknown word", "adress", 'Did you mean "address"?'],
    ["field and cookie", { header: "a", cookie: "b" }, "exactly one of header, cookie"],
    ["a consumer nobody asks for", "consumer", "name a scheme in `auth`"],
    ["a broken name", { cookie: "a b" }, "the name of a cookie"],
  ])("splitBy that is %s", (_, splitBy, words) => {
    const lines = faultLines(gateway(two, { splitBy }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toStartWith("routes.it.splitBy");
    expect(lines[0]).toContain(words);
  });

  test("splitBy without a split", () => {
    const lines = faultLines(gateway(undefined, { to: "stable", splitBy: "address" }));
    expect(lines).toEqual(["routes.it.splitBy: wanted a split beside splitBy. There is nothing to keep to."]);
  });

  test("`to` beside it", () => {
    const lines = faultLines(gateway([{ to: "stable" }, { to: "canary" }], { to: "stable" }));
    expect(lines).toEqual([
      "routes.it: wanted exactly one of to, split, handler, answer, redirect. Here are to and split.",
    ]);
  });
});
