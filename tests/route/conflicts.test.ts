// Faults of a set of routes: ties and routes that never match, each with a request that shows it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { MatchPlan, RoutePlan } from "../../src/config/plan.ts";
import { Fields } from "../../src/http/fields.ts";
import { findRouteFaults, type RouteFault } from "../../src/route/conflicts.ts";
import { compileRoutes } from "../../src/route/table.ts";
import { anyRoutes } from "./arbitraries.ts";
import { candidates, compareRanks, type SampleRequest } from "./naive-matcher.ts";
import { match, redirect, route, to } from "./plans.ts";

function faultsOf(...routes: RoutePlan[]): RouteFault[] {
  return findRouteFaults(routes);
}

/** Takes a fault's request apart. */
function requestOf(url: string): SampleRequest {
  const [, method, host, path, query] = /^(\S+) http:\/\/([^/]+)(\/[^?]*)(.*)$/.exec(url)!;
  return { method: method!, host: host!, path: path!, query: query!, fields: new Fields() };
}

describe("GW-49: two routes that tie are told with a request that fits both", () => {
  const ties: [name: string, first: string | MatchPlan, second: string | MatchPlan, url: string][] = [
    ["an exact duplicate", "/a", "/a", "GET http://any.host/a"],
    ["names of parameters do not tell apart", "GET /users/:id", "GET /users/:name", "GET http://any.host/users/x"],
    ["spellings of one path", "/%61/ø", "/a/%C3%B8", "GET http://any.host/a/%C3%B8"],
    ["rests", "/a/*", "/a/*", "GET http://any.host/a/x"],
    ["one common method", "GET|POST /a", "PUT|POST /a", "POST http://any.host/a"],
    [
      "one common host",
      match("/a", { hosts: ["x.test", "b.test"] }),
      match("/a", { hosts: ["B.test"] }),
      "GET http://b.test/a",
    ],
    ["wildcards", match("/a", { hosts: ["*.b.test"] }), match("/a", { hosts: ["*.b.test"] }), "GET http://x.b.test/a"],
    [
      "conditions on different names",
      match("/a", { query: [["p", "1 &"]] }),
      match("/a", { query: [["q", true]] }),
      "GET http://any.host/a?p=1%20%26&q",
    ],
    [
      "presence and a value",
      match("/a", { query: [["p", true]] }),
      match("/a", { query: [["p", "2"]] }),
      "GET http://any.host/a?p=2",
    ],
    ["fields", match("/a", { headers: [["v", "1"]] }), match("/a", { headers: [["w", "1"]] }), "GET http://any.host/a"],
  ];
  for (const [name, first, second, url] of ties) {
    test(name, () => {
      const faults = faultsOf(route("one", first), route("two", second));
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatchObject({ route: "two", other: "one", url });
      expect(faults[0]!.message).toMatch(/`one` and `two` both take this request.*neither is more specific/s);
    });
  }

  test("the message names the fields the request needs", () => {
    const [fault] = faultsOf(
      route("a", match("/", { headers: [["v", "1"]] })),
      route("b", match("/", { headers: [["w", true]] })),
    );
    expect(fault!.message).toContain("this request with `v: 1`, `w: x`");
  });

  test("the sample does not run into a literal of another route", () => {
    const faults = faultsOf(route("x", "/u/x"), route("xx", "/u/xx"), route("one", "/u/:a"), route("two", "/u/:b"));
    expect(faults.map(({ url }) => url)).toEqual(["GET http://any.host/u/xxx"]);
  });

  test("where every method is taken, the sample has one that no other route names", () => {
    const faults = faultsOf(route("get", "GET /a"), route("one", "/a"), route("two", "/a"));
    expect(faults.map(({ url }) => url)).toEqual(["POST http://any.host/a"]);
  });

  const apart: [name: string, first: string | MatchPlan, second: string | MatchPlan][] = [
    ["other literals", "/a", "/b"],
    ["a slash at the end", "/a", "/a/"],
    ["letter case", "/a", "/A"],
    ["literal and parameter", "/a/:x/c", "/a/b/:y"],
    ["parameter and rest", "/a/:x", "/a/*"],
    ["methods", "GET /a", "POST /a"],
    ["a method and any", "GET /a", "/a"],
    ["HEAD and GET", "HEAD /a", "GET /a"],
    ["hosts", match("/a", { hosts: ["a.test"] }), match("/a", { hosts: ["b.test"] })],
    ["a host and any", match("/a", { hosts: ["a.test"] }), "/a"],
    ["wildcards of different length", match("/a", { hosts: ["*.test"] }), match("/a", { hosts: ["*.b.test"] })],
    ["more conditions", match("/a", { query: [["p", "1"]] }), "/a"],
    ["values that exclude each other", match("/a", { query: [["p", "1"]] }), match("/a", { query: [["p", "2"]] })],
  ];
  for (const [name, first, second] of apart) {
    test(`no tie: ${name}`, () => expect(faultsOf(route("one", first), route("two", second))).toEqual([]));
  }

  test("a route that ties with itself is told too; one host written twice is not", () => {
    expect(faultsOf(route("one", ["GET /a/:x", "GET|PUT /a/:y"]))).toMatchObject([{ route: "one", other: "one" }]);
    expect(faultsOf(route("one", match("/a", { hosts: ["a.test", "A.test", "a.test."] })))).toEqual([]);
  });
});

describe("a route that can never match is told", () => {
  const never: [match: string | MatchPlan, message: RegExp][] = [
    ["/a/../b", /dot segments are resolved/],
    ["/a/%2E", /dot segments are resolved/],
    ["/a/.%2e/:x", /dot segments are resolved/],
    ["/a%00", /NUL/],
    ["a", /begins with "\/"/],
    ["/a?b=c", /holds no "\?"/],
    ["/a#b", /holds no "#"/],
    ["/a/*/b", /"\*" stands alone and last/],
    ["/a*", /"\*" stands alone and last/],
    ["/:", /no parameter/],
    ["/:id.json", /no parameter/],
    ["/:id/:id", /`:id` stands twice/],
    [`/${"a/".repeat(256)}`, /at most 256 segments/],
    ["TRACE /a", /TRACE never matches/],
    ["GET|CONNECT /a", /CONNECT never matches/],
    ["G(T /a", /`G\(T` is no method/],
    [match("/a", { hosts: ["a.*.test"] }), /`a\.\*\.test` never matches/],
    [match("/a", { hosts: ["a.test:80"] }), /without their port/],
    [match("/a", { hosts: ["*.[::1]:80"] }), /without their port/],
    [match("/a", { hosts: ["http://a.test"] }), /no host name/],
    [
      match("/a", {
        headers: [
          ["v", "1"],
          ["V", "2"],
        ],
      }),
      /field `v` cannot be both `1` and `2`/,
    ],
    [
      match("/a", {
        query: [
          ["v", "1"],
          ["v", "2"],
        ],
      }),
      /parameter `v` cannot be both/,
    ],
    [match("/a", { headers: [["v", " 1"]] }), /No field `v` can have that value/],
    [match("/a", { headers: [["v", "1\r\n"]] }), /No field `v` can have that value/],
    [match("/a", { headers: [["a b", true]] }), /`a b` is no field name/],
  ];
  for (const [one, message] of never) {
    test(JSON.stringify(one).slice(0, 60), () => {
      const faults = faultsOf(route("bad", one));
      expect(faults).toHaveLength(1);
      expect(faults[0]!.route).toBe("bad");
      expect(faults[0]!.message).toMatch(message);
      expect(faults[0]!.url).toMatch(/^\S+ http:\/\//);
    });
  }

  const covered: [name: string, patterns: string[], never: string[]][] = [
    ["all below a prefix", ["/a/*", "/a", "/a//*", "/a/:x/*"], ["/a/*"]],
    ["level by level", ["/a/*", "/a", "/a/", "/a//:x/*", "/a///*", "/a/:x", "/a/:x//*", "/a/:x/:y/*"], ["/a/*"]],
    ["but not the prefix itself", ["/a/*", "/a//*", "/a/:x/*"], []],
    ["but not the empty segment", ["/a/*", "/a", "/a/:x/*"], []],
    ["but not what is longer", ["/a/*", "/a", "/a/", "/a/:x"], []],
    ["a parameter is never covered", ["/:x", "/a", "/b", "/*"], []],
    ["by every method", ["/a/*", "GET /a", "/a//*", "/a/:x/*"], []],
    ["GET also takes HEAD", ["HEAD /a/*", "GET /a", "GET|HEAD /a//*", "/a/:x/*"], ["/a/*"]],
  ];
  for (const [name, patterns, expected] of covered) {
    test(`a rest that more specific patterns cover: ${name}`, () => {
      const faults = findRouteFaults(patterns.map((pattern, index) => route(`r${index}`, pattern)));
      expect(faults.map((fault) => fault.message.match(/`(.*?)` never matches/)?.[1])).toEqual(expected);
    });
  }

  test("a rest is not covered by routes of one host or with conditions", () => {
    const rest = ["/a", "/a//*", "/a/:x/*"];
    const hosted = rest.map((path) => route(path, match(path, { hosts: ["h.test"] })));
    const conditional = rest.map((path) => route(path, match(path, { query: [["v", "1"]] })));
    expect(findRouteFaults([route("all", "/a/*"), ...hosted])).toEqual([]);
    expect(findRouteFaults([route("all", "/a/*"), ...conditional])).toEqual([]);
    const same = match("/a/*", {
      query: [
        ["v", "1"],
        ["w", true],
      ],
    });
    expect(findRouteFaults([route("all", same), ...conditional])).toMatchObject([{ route: "all", other: "/a/:x/*" }]);
  });
});

describe("what a route does with its path is checked too", () => {
  const cases: [one: RoutePlan, message: RegExp | undefined][] = [
    [route("r", "/a/:id", to("u", { kind: "replace", template: "/b/:id" })), undefined],
    [route("r", "/a/:id", to("u", { kind: "replace", template: "/b/:name" })), /`:name` is no parameter.*`:id`/s],
    [route("r", "/a", to("u", { kind: "replace", template: "/b/*" })), /nothing to take/],
    [route("r", ["/a/:id", "/b"], to("u", { kind: "replace", template: "/:id" })), /has no parameters/],
    [route("r", "/a/*", to("u", { kind: "strip-prefix", prefix: "/b" })), /never there/],
    [route("r", "/a/*", redirect("https://:x.test/")), /cannot be read/],
    [route("r", "/a", { kind: "answer", answer: { status: 99 } }), /status 99/],
  ];
  for (const [one, message] of cases) {
    test(`${JSON.stringify(one.destination).slice(0, 70)} on ${one.matches.at(-1)!.path}`, () => {
      const messages = faultsOf(one).map((fault) => fault.message);
      if (message === undefined) expect(messages).toEqual([]);
      else expect(messages.join()).toMatch(message);
    });
  }
});

/** Every path over the alphabet of the patterns and one text that no pattern names, two segments longer than any pattern. */
function* everyRequest(routes: readonly RoutePlan[]): Generator<SampleRequest> {
  const segments = ["a", "", "b", "other"];
  const longest = Math.max(...routes.flatMap((one) => one.matches.map(({ path }) => path.split("/").length)));
  let paths = [""];
  for (let length = 1; length <= longest; length++) {
    paths = paths.flatMap((path) => segments.map((segment) => `${path}/${segment}`));
    for (const path of paths) {
      for (const method of ["GET", "HEAD", "POST", "PUT"])
        yield { method, host: "any", path, query: "", fields: new Fields() };
    }
  }
}

const shortPattern = fc
  .tuple(fc.array(fc.constantFrom("a", "b", "", ":"), { maxLength: 2 }), fc.boolean())
  .map(
    ([parts, rest]) =>
      `/${[...parts.map((part, index) => (part === ":" ? `:p${index}` : part)), ...(rest ? ["*"] : [])].join("/")}`,
  );
const shortMatch: fc.Arbitrary<MatchPlan> = fc.record({
  path: shortPattern,
  methods: fc.constantFrom<string[]>([], [], [], ["GET"], ["HEAD"], ["GET", "POST"]),
  hosts: fc.constant([]),
  headers: fc.constant([]),
  query: fc.constant([]),
});

test("for random routes: ties and covered routes are told exactly when trying every request shows them", () => {
  fc.assert(
    fc.property(anyRoutes(12, shortMatch), (routes) => {
      const faults = findRouteFaults(routes);
      const tied = new Set<string>();
      const reached = new Set<MatchPlan>();
      for (const request of everyRequest(routes)) {
        const found = candidates(routes, request);
        for (const candidate of found) {
          if (compareRanks(candidate.rank, found[0]!.rank) !== 0) break;
          reached.add(candidate.match);
          if (candidate !== found[0]) tied.add(candidate.match.path.replace(/:\w+/g, ":"));
        }
      }
      const unreached = routes.flatMap((one) => one.matches).filter((one) => !reached.has(one));
      const never = faults.filter(({ message }) => message.includes("never matches"));
      expect(never.map(({ message }) => /`(.*?)`/.exec(message)![1]).sort()).toEqual(
        unreached.map(({ path }) => path).sort(),
      );
      const ties = faults.filter(({ message }) => !message.includes("never matches"));
      for (const shape of tied) {
        const wanted = ties.some(({ url }) =>
          candidates(routes, requestOf(url)).some(({ match: { path } }) => path.replace(/:\w+/g, ":") === shape),
        );
        expect(wanted).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

test("for random routes: the request of a tie fits both routes, and routes without faults never tie", () => {
  fc.assert(
    fc.property(anyRoutes(8), (routes) => {
      for (const fault of findRouteFaults(routes)) {
        if (!fault.message.includes("both take this request,")) continue;
        const names = candidates(routes, requestOf(fault.url)).map((candidate) => candidate.route.name);
        expect(names).toContain(fault.route);
        expect(names).toContain(fault.other!);
      }
    }),
    { numRuns: 500 },
  );
});

test("for random conditions: a tie is told exactly when two routes agree", () => {
  const values = fc.uniqueArray(
    fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom<string | true>("1", "2", true)),
    {
      selector: ([name]) => name,
      minLength: 2,
      maxLength: 2,
    },
  );
  fc.assert(
    fc.property(fc.array(values, { maxLength: 12 }), (list) => {
      const routes = list.map((query, index) => route(`r${index}`, match("/a", { query })));
      const agree = list.map((one, index) =>
        list.some(
          (other, at) =>
            at !== index &&
            one.every(([name, value]) =>
              other.every(([known, has]) => known !== name || value === true || has === true || value === has),
            ),
        ),
      );
      const told = new Set(findRouteFaults(routes).flatMap(({ route: name, other }) => [name, other]));
      expect(list.map((_, index) => told.has(`r${index}`))).toEqual(agree);
    }),
  );
});

describe("10,000 routes are checked in seconds", () => {
  const many = 10_000;
  const sets: [name: string, make: (index: number) => RoutePlan, faults: number][] = [
    ["all different", (i) => route(`r${i}`, `/svc${i % 100}/v${i}/:id`), 0],
    ["all the same", (i) => route(`r${i}`, "/a"), many - 1],
    ["one path, a value each", (i) => route(`r${i}`, match("/a", { headers: [["tenant", `t${i}`]] })), 0],
    ["one path, a name each", (i) => route(`r${i}`, match("/a", { headers: [[`h${i}`, "1"]] })), many - 1],
    ["one path, a host each", (i) => route(`r${i}`, match("/a", { hosts: [`h${i}.test`, `*.h${i}.test`] })), 0],
  ];
  for (const [name, make, count] of sets) {
    test(name, () => {
      const routes = Array.from({ length: many }, (_, index) => make(index));
      const started = performance.now();
      expect(findRouteFaults(routes)).toHaveLength(count);
      compileRoutes(routes);
      expect(performance.now() - started).toBeLessThan(4000);
    });
  }

  test("routes that make a request try too many places are told", () => {
    const routes = Array.from({ length: 2048 }, (_, bits) => {
      const segments = Array.from({ length: 11 }, (_segment, level) => ((bits >> level) & 1 ? `:p${level}` : "a"));
      return route(`r${bits}`, `/${segments.join("/")}`);
    });
    expect(findRouteFaults(routes)).toMatchObject([{ message: expect.stringMatching(/up to 4095 places/) }]);
    expect(findRouteFaults(routes.slice(0, 128))).toEqual([]);
  });
});
