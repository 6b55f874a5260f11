// Where an option stands in the source: every way in which people write a config.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { locate } from "../../src/config/locate.ts";
import type { ConfigPath } from "../../src/config/fault.ts";

/** The source behind the place of a path, to the end of its line. */
function behind(source: string, path: ConfigPath): string | undefined {
  const place = locate(source, path);
  return place && source.split(/\r\n|\n/)[place.line - 1]!.slice(place.column - 1);
}

const PLAIN = `import { defineGateway } from "sluice";

export default defineGateway({
  listen: { port: 8080 },
  "upstreams": {
    orders: { targets: ["http://a", { url: "http://b", weight: 2 }] },
    'two-words': { targets: [] },
  },
  routes: {
    1: { match: "/one" },
    [\`two\`]: { match: "/two" },
    ["three"]: { match: "/three", handler(x) { return x; }, get log() { return true; } },
  },
});
`;

describe("a plain config", () => {
  test.each<[ConfigPath, string]>([
    [[], "defineGateway({"],
    [["listen"], "listen: { port: 8080 },"],
    [["listen", "port"], "port: 8080 },"],
    [["upstreams"], '"upstreams": {'],
    [["upstreams", "orders", "targets"], 'targets: ["http://a", { url: "http://b", weight: 2 }] },'],
    [["upstreams", "orders", "targets", 0], '"http://a", { url: "http://b", weight: 2 }] },'],
    [["upstreams", "orders", "targets", 1], '{ url: "http://b", weight: 2 }] },'],
    [["upstreams", "orders", "targets", 1, "weight"], "weight: 2 }] },"],
    [["upstreams", "two-words"], "'two-words': { targets: [] },"],
    [["routes", "1"], '1: { match: "/one" },'],
    [["routes", "two", "match"], 'match: "/two" },'],
    [["routes", "three"], '["three"]: { match: "/three", handler(x) { return x; }, get log() { return true; } },'],
    [["routes", "three", "handler"], "handler(x) { return x; }, get log() { return true; } },"],
    [["routes", "three", "log"], "get log() { return true; } },"],
  ])("%j", (path, text) => expect(behind(PLAIN, path)).toBe(text));

  test.each<[ConfigPath, string]>([
    [["absent"], "defineGateway({"],
    [["listen", "absent"], "listen: { port: 8080 },"],
    [["listen", "port", "absent"], "port: 8080 },"],
    [["upstreams", "two-words", "targets", 0], "targets: [] },"],
    [["upstreams", "orders", "targets", 1, "absent", "more"], '{ url: "http://b", weight: 2 }] },'],
    [["routes", "three", "handler", "x"], "handler(x) { return x; }, get log() { return true; } },"],
  ])("%j is not there: the nearest parent that is", (path, text) => expect(behind(PLAIN, path)).toBe(text));
});

describe("the default export may be", () => {
  const path = ["routes", "a", "to"];
  test.each([
    ["an object", "export default { routes: { a: { to: 1 } } };"],
    ["an object that satisfies", "export default { routes: { a: { to: 1 } } } satisfies GatewayOptions;"],
    ["an object as another", "export default { routes: { a: { to: 1 } } } as const as any;"],
    ["an object in parentheses", "export default ({ routes: { a: { to: 1 } } });"],
    ["a call with an object that satisfies", "export default defineGateway({ routes: { a: { to: 1 } } } satisfies X);"],
    ["calls in calls", "export default defineGateway(Object.freeze({ routes: { a: { to: 1 } } }));"],
    ["a call of a member, with types", "export default sluice.defineGateway<A, B>({ routes: { a: { to: 1 } } });"],
    ["a variable", "const config = defineGateway({ routes: { a: { to: 1 } } });\nexport default config;"],
    [
      "a variable with a type",
      "const config: X = { routes: { a: { to: 1 } } };\nexport default defineGateway(config);",
    ],
    ["a variable that stands later", "export default config;\nvar config = { routes: { a: { to: 1 } } };"],
    [
      "an exported variable",
      "export const config = { routes: { a: { to: 1 } } };\nexport default defineGateway(config!);",
    ],
    ["exported as default", "const c = { routes: { a: { to: 1 } } };\nexport { c as default };"],
    ['exported as "default"', 'const c = { routes: { a: { to: 1 } } };\nexport { c as "default" };'],
    ["awaited", "const load = 1;\nexport default await defineGateway({ routes: { a: { to: 1 } } });"],
    ["behind a byte order mark", "\uFEFFexport default { routes: { a: { to: 1 } } };"],
    ["behind a hashbang", "#!/usr/bin/env sluice\nexport default { routes: { a: { to: 1 } } };"],
    ["among lines that end in CRLF", "// x\r\nexport default {\r\n  routes: { a: { to: 1 } } };\r\n"],
    ["behind wide characters", 'const x = "😀é"; export default { routes: { a: { to: 1 } } };'],
  ])("%s", (_, source) => expect(behind(source, path)).toMatch(/^to: 1 \}/));
});

describe("a part may be", () => {
  const PARTS = `const to = "orders";
const orders = { targets: ["http://x"] };
const shared = { upstreams: { orders }, timeouts: { idle: "1s" } } as const;
const base = { ...shared, listen: { port: 1 } };
const more = ["http://m", "http://n"];
const loop = { ...loop };
let self = self;
const twice = { ...twice, ...twice };
const ring = ["r", ...ring];
export default defineGateway({
  ...base,
  ...imported,
  log,
  upstreams: { orders, users: shared.upstreams.orders, third: shared["upstreams"]["orders"], list: { targets: more } },
  routes: {
    a: { match: "/a", to, timeouts: shared.timeouts },
    b: { ...shared, match: "/b", to: cond ? "x" : "y" },
    b: { match: "/b2" },
    c: { match: ["/c", ...more, "/d", ...imported, "/e"] },
    d: service({ match: "/d" }),
    e: cond ? { match: "/e" } : { match: "/f" },
    f: self,
    g: loop,
    k: twice,
    l: { match: [...ring, ...ring] },
    m: { match: [...[...more, "/m"], "/n"] },
    h: { match: "/h", ...{ match: "/i" } },
    j: { match: [, "/j"] },
  },
  satisfied: { x: 1 } satisfies X,
});
`;
  test.each<[string, ConfigPath, string]>([
    ["shorthand", ["upstreams", "orders"], "orders, users"],
    ["below shorthand, in its variable", ["upstreams", "orders", "targets"], 'targets: ["http://x"] };'],
    ["a member of a list in a variable", ["upstreams", "orders", "targets", 0], '"http://x"] };'],
    ["a member expression", ["upstreams", "users", "targets", 0], '"http://x"] };'],
    ["a member expression in brackets", ["upstreams", "third", "targets"], 'targets: ["http://x"] };'],
    ["a list in a variable", ["upstreams", "list", "targets", 1], '"http://n"];'],
    ["a text in a variable", ["routes", "a", "to"], "to, timeouts: shared.timeouts },"],
    ["an object of a variable", ["routes", "a", "timeouts", "idle"], 'idle: "1s" } } as const;'],
    ["spread", ["listen", "port"], "port: 1 } };"],
    ["spread of a spread", ["timeouts", "idle"], 'idle: "1s" } } as const;'],
    ["written again: the last counts", ["routes", "b", "match"], 'match: "/b2" },'],
    ["a spread that counts, being last", ["routes", "h", "match"], 'match: "/i" } },'],
    ["a list with a spread: before it", ["routes", "c", "match", 0], '"/c", ...more'],
    ["a list with a spread: in it", ["routes", "c", "match", 2], '"http://n"];'],
    ["a list with a spread: behind it", ["routes", "c", "match", 3], '"/d", ...imported'],
    ["a list with a spread that is not known: its list", ["routes", "c", "match", 5], "match: ["],
    ["a hole: its list", ["routes", "j", "match", 0], "match: [,"],
    ["behind a hole", ["routes", "j", "match", 1], '"/j"] },'],
    ["the argument of a call", ["routes", "d", "match"], 'match: "/d" }),'],
    ["one of two: the property", ["routes", "e", "match"], "e: cond"],
    ["shorthand of a variable that is not here", ["log", "format"], "log,"],
    ["a variable that is itself", ["routes", "f", "match"], "f: self,"],
    ["an object that holds itself", ["routes", "g", "match"], "g: loop,"],
    ["an object that holds itself twice", ["routes", "k", "match"], "k: twice,"],
    ["a list that holds itself", ["routes", "l", "match", 2000], "match: [...ring"],
    ["behind a list in a list in a list", ["routes", "m", "match", 3], '"/n"] },'],
    ["satisfied", ["satisfied", "x"], "x: 1 } satisfies X,"],
  ])("%s", (_, path, text) => expect(behind(PARTS, path)).toStartWith(text));
});

describe("there is no place", () => {
  test.each([
    ["in nothing", ""],
    ["in what is no module", "export default {{{"],
    ["without default export", "export const config = { routes: {} };"],
    ["in another module's export", 'export { default } from "./other.ts";'],
  ])("%s", (_, source) => expect(locate(source, ["routes"])).toBeUndefined());

  test("but the place of the export, when its options come from elsewhere", () => {
    expect(locate('import c from "./c.ts";\nexport default c;', ["routes"])).toEqual({ line: 2, column: 16 });
    expect(locate("export default async () => ({ routes: {} });", ["routes"])).toEqual({ line: 1, column: 16 });
  });
});

test("every property and member of any object is found at its own first character", () => {
  const paths = (value: unknown, path: (string | number)[] = []): [ConfigPath, string][] => {
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => {
      const here = [...path, Array.isArray(value) ? Number(key) : key];
      const text = Array.isArray(value) ? JSON.stringify(inner) : `${JSON.stringify(key)}:`;
      return [[here, text] as [ConfigPath, string], ...paths(inner, here)];
    });
  };
  // "__proto__" in a source sets the prototype: it is no property of its own.
  const noProto = (value: object): boolean => !JSON.stringify(value).includes("__proto__");
  fc.assert(
    fc.property(fc.object({ maxDepth: 3, withNullPrototype: false }).filter(noProto), (value) => {
      const json = JSON.stringify(value);
      const source = `export default defineGateway(${json} satisfies X);`;
      for (const [path, text] of paths(JSON.parse(json)))
        expect(source.slice(locate(source, path)!.column - 1)).toStartWith(text);
    }),
    { numRuns: 60 },
  );
});

test("no source makes it throw", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.array(fc.oneof(fc.string(), fc.nat())), (text, path) => {
      locate(text, path);
      locate(`export default ${text}`, path);
      locate(`export default { ${text} }`, path);
    }),
    { numRuns: 200 },
  );
});
