// `sluice diff` of two configs: every setting that differs, once, with both places, and never a secret.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { planView } from "../../src/admin/live/plan-view.ts";
import { placesIn } from "../../src/cli/config-places.ts";
import { changesBetween, type SettingChange, sideOf, sideOfView } from "../../src/cli/diff/plans.ts";
import { settings } from "../../src/cli/plan-settings.ts";
import { apiKey, env, jwt } from "../../src/mod.ts";
import { planOf } from "../config/support.ts";

const base = {
  upstreams: {
    one: { targets: ["http://127.0.0.1:1"] },
    two: { targets: ["http://127.0.0.1:2", "http://127.0.0.1:3"] },
  },
  limits: { few: { limit: 5, window: "1m" } },
  routes: { a: { match: "/a/*", to: "one" }, b: { match: "/b", answer: { body: "b" } } },
};

function changes(before: object, after: object, env: Readonly<Record<string, string>>[] = [{}, {}]): SettingChange[] {
  const [from, to] = [before, after].map((options, i) => sideOf(planOf(options, { env: env[i]! }), () => ""));
  return changesBetween(from!, to!);
}

/** "path: before → after". */
const told = (before: object, after: object, env?: Readonly<Record<string, string>>[]): string[] =>
  changes(before, after, env).map(({ path, before, after }) => `${path}: ${before} → ${after}`);

const cases: readonly (readonly [promise: string, after: object, told: string[]])[] = [
  ["nothing", {}, []],
  ["another default", { serverTiming: true }, ["serverTiming: false → true"]],
  [
    "a clock of an upstream, which its routes take over",
    { upstreams: { ...base.upstreams, one: { ...base.upstreams.one, timeouts: { connect: "1s" } } } },
    ["routes.a.destination.timeouts.connect: 5s → 1s", "upstreams.one.timeouts.connect: 5s → 1s"],
  ],
  [
    "a target that is gone",
    { upstreams: { ...base.upstreams, two: { targets: ["http://127.0.0.1:2"] } } },
    [
      "upstreams.two.targets.1: authority 127.0.0.1:3, host 127.0.0.1, port 3, secure false, url http://127.0.0.1:3, weight 1 → undefined",
    ],
  ],
  ["a route that is gone", { routes: { a: base.routes.a } }, [expect.stringMatching(/^routes\.b: .* → undefined$/)]],
  [
    "a route that comes",
    { routes: { ...base.routes, c: { match: "/c", to: "two" } } },
    [expect.stringMatching(/^routes\.c: undefined → .*upstream two/)],
  ],
  [
    "a limit that comes",
    { limits: { ...base.limits, more: { limit: 9, window: "1h" } } },
    [expect.stringMatching(/^limits\.limits\.more: undefined → /)],
  ],
];

describe("what differs is told once", () => {
  test.each(cases)("%s", (_, after, expected) => {
    expect(told(base, { ...base, ...after })).toEqual(expected);
  });

  test("what is set where nothing was, and the other way round", () => {
    const after = { ...base, routes: { ...base.routes, a: { ...base.routes.a, allow: { methods: ["GET"] } } } };
    expect(told(base, after)).toEqual(["routes.a.allow: none → methods GET, HEAD, mode enforce"]);
    expect(told(after, base)).toEqual(["routes.a.allow: methods GET, HEAD, mode enforce → none"]);
  });
});

describe("what is not shown is compared", () => {
  const secret = (name: string): object => ({
    ...base,
    routes: { a: { ...base.routes.a, headers: { request: { set: { "x-key": env(name) } } } } },
  });

  test("a secret", () => {
    const one = [{ A: "hush-1" }, { A: "hush-1", B: "hush-2" }];
    expect(told(secret("A"), secret("A"), one)).toEqual([]);
    const [change] = told(secret("A"), secret("B"), one);
    expect(change).toContain("[redacted] → ");
    expect(change).toContain("(another)");
    expect(change).not.toContain("hush");
    expect(change).not.toMatch(/[0-9a-f]{64}|\0/);
  });

  test("the hash of a key", () => {
    const withKey = (letter: string): object => ({
      ...base,
      auth: { key: apiKey() },
      routes: { a: { ...base.routes.a, auth: "key" } },
      consumers: { acme: { keys: [`sha256:${letter.repeat(64)}`] } },
    });
    expect(told(withKey("a"), withKey("a"))).toEqual([]);
    const changed = told(withKey("a"), withKey("b"));
    expect(changed.join("\n")).toMatch(
      /^auth\.consumers\.acme\.keys\.0\.hash: \[redacted\] → \[redacted\] \(another\)$/m,
    );
  });

  test("a schema of claims, though it holds itself", () => {
    const schema = (vendor: string): object => {
      const standard = { version: 1, vendor, validate: (value: unknown) => ({ value }) };
      const made: Record<string, unknown> = { "~standard": standard };
      made["self"] = made;
      return made;
    };
    const withClaims = (vendor: string): object => ({
      ...base,
      auth: { token: jwt({ issuer: "https://id.test", audience: "a", claims: schema(vendor) as never }) },
      routes: { a: { ...base.routes.a, auth: "token" } },
    });
    expect(told(withClaims("x"), withClaims("x"))).toEqual([]);
    expect(told(withClaims("x"), withClaims("y"))).toEqual([
      "auth.schemes.token.claims: (a schema) → (a schema) (another)",
    ]);
  });

  test("a function, by its source", () => {
    const doing = (handler: () => Response): object => ({ ...base, routes: { a: { match: "/a", handler } } });
    expect(
      told(
        doing(() => new Response("a")),
        doing(() => new Response("a")),
      ),
    ).toEqual([]);
    expect(
      told(
        doing(() => new Response("a")),
        doing(() => new Response("b")),
      ),
    ).toEqual(["routes.a.destination.handler: (a function) → (a function) (another)"]);
  });
});

test("each side has its place in its own file, or the nearest that is known", () => {
  const source = (more: string): string => `export default {
  upstreams: {
    one: { targets: ["http://127.0.0.1:1"] },
  },
  routes: {
    a: {
      match: "/a",
      to: "one",
      ${more}
    },
  },
};`;
  const side = (name: string, text: string, options: object): ReturnType<typeof sideOf> =>
    sideOf(
      planOf(options),
      placesIn({ file: name, entry: name, texts: new Map([[name, text]]), others: new Map() }).near,
    );
  const before = {
    upstreams: { one: base.upstreams.one },
    routes: { a: { match: "/a", to: "one", timeouts: { idle: "1s" } } },
  };
  const after = { ...before, routes: { a: { match: "/a", to: "one", timeouts: { idle: "2s" } } } };
  const [change] = changesBetween(
    side("/old.ts", source('timeouts: { idle: "1s" },'), before),
    side("/new.ts", source('\n\ntimeouts: { idle: "2s" },'), after),
  );
  expect(change).toEqual({
    ...{ path: "routes.a.destination.timeouts.idle", before: "1s", after: "2s" },
    ...{ placeBefore: "/old.ts:9", placeAfter: "/new.ts:11" },
  });
});

test("a plan that a gateway tells is the same as its config, and what is added to it is told", () => {
  const view = (options: object): unknown => JSON.parse(JSON.stringify(planView(planOf(options))));
  expect(changesBetween(sideOfView(view(base)), sideOfView(view(base)))).toEqual([]);
  const after = { ...base, serverTiming: true };
  expect(changesBetween(sideOfView(view(base)), sideOfView(view(after)))).toMatchObject([
    { path: "serverTiming", before: "false", after: "true", placeBefore: undefined },
  ]);
});

test("whatever is set: what differs one way differs the other way, and a config differs from itself by nothing", () => {
  const value = fc.oneof(fc.integer(), fc.boolean(), fc.constantFrom("a", "b.c", "none", ""), fc.constant(null));
  const { tree: view } = fc.letrec<{ tree: unknown; node: unknown }>((tie) => ({
    tree: fc.dictionary(fc.constantFrom("a", "b", "c", "a.b"), tie("node"), { maxKeys: 3 }),
    node: fc.oneof(
      { depthSize: "small" },
      value,
      tie("tree"),
      fc.array(fc.record({ name: fc.constantFrom("x", "y"), v: value }), { maxLength: 2 }),
    ),
  }));
  fc.assert(
    fc.property(view, view, (a, b) => {
      const [from, to] = [sideOfView(a), sideOfView(b)];
      expect(changesBetween(from, from)).toEqual([]);
      const there = changesBetween(from, to).map(({ path }) => path);
      expect(changesBetween(to, from).map(({ path }) => path)).toEqual(there);
      const isSame = JSON.stringify([...from.settings].sort()) === JSON.stringify([...to.settings].sort());
      expect(there.length === 0).toBe(isSame);
    }),
  );
});

test("when a certificate holds is told as a date", () => {
  expect([...settings("facts", { notBefore: 0, notAfter: 1_798_606_868_000 })]).toEqual([
    ["facts.notBefore", "1970-01-01T00:00:00.000Z"],
    ["facts.notAfter", "2026-12-30T05:01:08.000Z"],
  ]);
});
