// The route table: written precedence, the same for every order of the file, against a matcher that tries everything.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { RoutePlan } from "../../src/config/plan.ts";
import { Fields } from "../../src/http/fields.ts";
import { compileRoutes, type RouteTable } from "../../src/route/table.ts";
import { anyRequest, anyRoutes } from "./arbitraries.ts";
import { allowedMethods, candidates } from "./naive-matcher.ts";
import { match, route } from "./plans.ts";

const NONE = new Fields();

/** The name of the route for `"GET host/path?query"`. */
function nameFor(table: RouteTable, request: string, fields = NONE): string | undefined {
  const [, method, host, path, query] = /^(\S+) ([^/]*)(\/[^?]*)(.*)$/s.exec(request)!;
  return table.find(method!, host || "any.host", path!, query!, fields)?.route.name;
}

function permutations<T>(list: readonly T[]): T[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((item, at) =>
    permutations(list.filter((_, index) => index !== at)).map((rest) => [item, ...rest]),
  );
}

describe("GW-49: the most specific route wins in every order of the file", () => {
  const routes: RoutePlan[] = [
    route("root", "/"),
    route("v1", "/v1"),
    route("token", "/v1/token"),
    route("id", "/v1/:id"),
    route("all", "/v1/*"),
    route("hosted", match("/v1/:id", { hosts: ["api.test"] })),
  ];
  const table: [request: string, name: string | undefined][] = [
    ["GET /", "root"],
    ["GET /v1", "v1"],
    ["GET /v1/", "all"],
    ["GET /v1/token", "token"],
    ["GET /v1/42", "id"],
    ["GET /v1/42/x", "all"],
    ["GET /v2", undefined],
    ["GET api.test/v1/token", "hosted"],
    ["GET API.test:8080/v1/42", "hosted"],
    ["GET api.test./v1/42", "hosted"],
    ["GET api.test/v1/42/x", "all"],
    ["GET api.test/", "root"],
  ];
  const tables = permutations(routes).map((order) => compileRoutes(order));
  for (const [request, name] of table) {
    test(`${request} goes to ${name}`, () => {
      expect([...new Set(tables.map((compiled) => nameFor(compiled, request)))]).toEqual([name]);
    });
  }

  test("an unrelated route on another host changes nothing", () => {
    const more = compileRoutes([...routes, route("other", match("/v1/*", { hosts: ["other.test"] }))]);
    for (const [request, name] of table) expect(nameFor(more, request)).toBe(name);
  });
});

describe("GW-01, GW-02, GW-05: what a pattern takes", () => {
  const cases: [pattern: string, takes: string[], leaves: string[]][] = [
    ["/files/:name/meta", ["/files/a%2Fb/meta", "/files/%E9/meta"], ["/files/a/b/meta", "/files//meta", "/files/meta"]],
    ["/endeløst", ["/endel%C3%B8st", "/endel%c3%b8st", "/endel\xc3\xb8st"], ["/endel%F8st", "/endel\xf8st"]],
    ["/endel%C3%B8st", ["/endel%C3%B8st", "/endel\xc3\xb8st"], []],
    ["/a b", ["/a%20b"], ["/a+b"]],
    ["/100%25", ["/100%25", "/100%"], ["/100%2525"]],
    ["/a%2Fb", ["/a%2Fb", "/a%2fb"], ["/a/b"]],
    ["/%2541", ["/%2541"], ["/%41", "/A"]],
    [
      "/admin/*",
      ["/admin", "/admin/", "/%61dmin/x", "/admin/a%0Ab", "/admin//x"],
      ["/adminx", "/ADMIN", "//admin", "/admin%2Fx"],
    ],
    ["/svc", ["/svc"], ["/svc/", "/svc/x", "//svc"]],
    ["/svc/", ["/svc/"], ["/svc", "/svc//"]],
    ["/svc//x", ["/svc//x"], ["/svc/x"]],
    ["/*", ["/", "//", "//evil.test/x", "/a/b"], []],
    ["/", ["/"], ["//", "/a"]],
    ["/:a", ["/x", "/%2F", "/:a"], ["/", "/x/"]],
    ["/%3Aa/%2A", ["/:a/*", "/%3aa/%2a"], ["/x/*", "/:a/x"]],
    ["/v1/items:batch", ["/v1/items:batch"], ["/v1/itemsx"]],
  ];
  for (const [pattern, takes, leaves] of cases) {
    const table = compileRoutes([route("r", pattern)]);
    for (const path of takes) test(`${pattern} takes ${path}`, () => expect(nameFor(table, `GET ${path}`)).toBe("r"));
    for (const path of leaves)
      test(`${pattern} leaves ${path}`, () => expect(nameFor(table, `GET ${path}`)).toBeUndefined());
  }
});

describe("hosts", () => {
  const table = compileRoutes([
    route("exact", match("/", { hosts: ["a.example.com"] })),
    route("below", match("/", { hosts: ["*.example.com"] })),
    route("deep", match("/", { hosts: ["*.b.example.com", "*.c.example.com"] })),
    route("six", match("/", { hosts: ["[2001:db8::1]"] })),
    route("bare six", match("/", { hosts: ["::2"] })),
    route("any", "/any"),
  ]);
  const cases: [host: string, name: string | undefined][] = [
    ["a.example.com", "exact"],
    ["A.EXAMPLE.COM:443", "exact"],
    ["x.example.com", "below"],
    ["x.y.example.com", "below"],
    ["x.b.example.com", "deep"],
    ["x.y.c.example.com", "deep"],
    ["b.example.com", "below"],
    ["example.com", undefined],
    [".example.com", undefined],
    ["xexample.com", undefined],
    ["a.example.com.evil.test", undefined],
    ["[2001:db8::1]", "six"],
    ["[2001:DB8::1]:8080", "six"],
    ["[::2]", "bare six"],
    ["", undefined],
    ["]:[", undefined],
    [`${"a.".repeat(30000)}example.com`, "below"],
  ];
  for (const [host, name] of cases) {
    test(`${host.slice(0, 40)} goes to ${name}`, () => {
      expect(table.find("GET", host, "/", "", NONE)?.route.name).toBe(name);
      expect(table.find("GET", host, "/any", "", NONE)?.route.name).toBe("any");
    });
  }
});

describe("methods", () => {
  const table = compileRoutes([
    route("get", "GET /a"),
    route("post", "POST|PUT /a"),
    route("any", "/:x"),
    route("read", "GET /b"),
    route("head", "HEAD /b"),
    route("only", "DELETE|GET /c/d"),
    route("below", "POST /c/*"),
    route("conditional", match("PATCH /c/:x", { headers: [["v", "1"]] })),
  ]);
  const cases: [request: string, name: string | undefined][] = [
    ["GET /a", "get"],
    ["HEAD /a", "get"],
    ["PUT /a", "post"],
    ["DELETE /a", "any"],
    ["HEAD /b", "head"],
    ["GET /b", "read"],
    ["POST /c/d", "below"],
    ["get /c/d", undefined],
  ];
  for (const [request, name] of cases)
    test(`${request} goes to ${name}`, () => expect(nameFor(table, request)).toBe(name));

  test("the methods of a path are those of every pattern that takes it, HEAD with GET, sorted", () => {
    expect(table.allowed("h", "/c/d", "", NONE)).toEqual(["DELETE", "GET", "HEAD", "POST"]);
    expect(table.allowed("h", "/c/x", "", NONE)).toEqual(["POST"]);
    expect(table.allowed("h", "/c/x", "", Fields.of(["V", "1"]))).toEqual(["PATCH", "POST"]);
    expect(table.allowed("h", "/none/x", "", NONE)).toEqual([]);
  });
});

describe("conditions", () => {
  const table = compileRoutes([
    route("plain", "/a"),
    route("one", match("/a", { headers: [["x-v", "1"]] })),
    route("two", match("/a", { headers: [["x-v", "1"]], query: [["q", true]] })),
    route("word", match("/a", { query: [["näme", "a b"]] })),
  ]);
  const cases: [query: string, fields: [string, string][], name: string][] = [
    ["", [], "plain"],
    ["", [["X-V", "1"]], "one"],
    ["", [["X-V", "2"]], "plain"],
    [
      "",
      [
        ["X-V", "1"],
        ["X-V", "2"],
      ],
      "plain",
    ],
    ["?q", [["X-V", "1"]], "two"],
    ["?a=1&q=x", [["X-V", "1"]], "two"],
    ["?q&a=1", [["X-V", "1"]], "two"],
    ["?qq=1&=q", [["X-V", "1"]], "one"],
    ["?n%C3%A4me=a+b", [], "word"],
    ["?n\xc3\xa4me=a%20b", [], "word"],
    ["?n%C3%A4me=a+b&n%C3%A4me=c", [], "plain"],
    ["?n%C3%A4me", [], "plain"],
    ["?&&=&", [], "plain"],
  ];
  for (const [query, fields, name] of cases) {
    test(`${query} with ${JSON.stringify(fields)} goes to ${name}`, () => {
      expect(nameFor(table, `GET /a${query}`, Fields.of(...fields))).toBe(name);
    });
  }
});

describe("parameters", () => {
  const table = compileRoutes([route("r", "/u/:id/:__proto__/*"), route("literal", "/l")]);

  test("are decoded one by one, also those behind the prefix", () => {
    const { params } = table.find("GET", "h", "/u/a%2Fb/%E9/x%20y/%C3%B8/%E9", "", NONE)!;
    expect(Object.entries(params)).toEqual([
      ["id", "a/b"],
      ["__proto__", "%E9"],
      ["*", "x y/ø/%E9"],
    ]);
    expect(table.find("GET", "h", "/u/1/2", "", NONE)!.params["*"]).toBe("");
    expect(table.find("GET", "h", "/u/1/2/", "", NONE)!.params["*"]).toBe("");
  });

  test("hold no name but those of the pattern", () => {
    for (const path of ["/u/1/2/3", "/l"]) {
      const { params } = table.find("GET", "h", path, "", NONE)!;
      expect(Object.getPrototypeOf(params)).toBeNull();
      expect("constructor" in params).toBe(false);
    }
  });

  test("cost nothing where there are none: the same answer comes each time", () => {
    expect(table.find("GET", "h", "/l", "", NONE)).toBe(table.find("GET", "h", "/l", "", NONE)!);
  });
});

test("random routes in random orders: the table agrees with trying everything", () => {
  const setting = anyRoutes(8).chain((routes) =>
    fc.record({
      routes: fc.constant(routes),
      order: fc.shuffledSubarray(routes, { minLength: routes.length, maxLength: routes.length }),
      requests: fc.array(anyRequest, { minLength: 1, maxLength: 12 }),
    }),
  );
  fc.assert(
    fc.property(setting, ({ routes, order, requests }) => {
      const table = compileRoutes(routes);
      const shuffled = compileRoutes(order);
      for (const request of requests) {
        const { method, host, path, query, fields } = request;
        const best = candidates(routes, request)[0];
        const found = table.find(method, host, path, query, fields);
        expect(found?.route.name).toBe(best?.route.name);
        expect({ ...found?.params }).toEqual({ ...(best && paramsOfSame(best.params, found!.match.path)) });
        expect(shuffled.find(method, host, path, query, fields)).toEqual(found!);
        if (best === undefined)
          expect([...table.allowed(host, path, query, fields)]).toEqual(allowedMethods(routes, request));
      }
    }),
    { numRuns: 1500 },
  );
});

test("for any routes and request: what the judgement says of each match is what the matcher that tries everything says", () => {
  const setting = fc.record({ routes: anyRoutes(8), requests: fc.array(anyRequest, { minLength: 1, maxLength: 8 }) });
  fc.assert(
    fc.property(setting, ({ routes, requests }) => {
      const table = compileRoutes(routes);
      for (const request of requests) {
        const { method, host, path, query, fields } = request;
        const judged = table.judge(method, host, path, query, fields);
        const found = table.find(method, host, path, query, fields);
        const wins = judged.filter(({ fit }) => fit === "wins");
        expect(wins.map(({ entry }) => entry.match)).toEqual(found === undefined ? [] : [found.match]);
        const fitting = judged.filter(({ fit }) => fit === "wins" || (typeof fit === "object" && "lessBy" in fit));
        const matches = new Set(fitting.map(({ entry }) => entry.match));
        expect(matches).toEqual(new Set(candidates(routes, request).map(({ match }) => match)));
      }
    }),
    { numRuns: 500 },
  );
});

describe("the judgement tells what does not fit, or by what a match is less specific", () => {
  const table = compileRoutes([
    route("hosted", match("/a/:id", { hosts: ["api.test"] })),
    route("literal", "GET /a/b"),
    route("condition", match("GET /a/:id", { headers: [["x-v", "2"]], query: [["q", true]] })),
    route("named", "GET /a/:id"),
    route("any", "/a/:id"),
    route("post", "POST /a/:id"),
    route("rest", "/a/*"),
  ]);
  const fits = (path: string, fields: [string, string][]): Record<string, unknown> =>
    Object.fromEntries(
      table.judge("GET", "h.test", path, "?q", Fields.of(...fields)).map(({ entry, fit }) => [entry.route.name, fit]),
    );

  test("a field that is not as it must be", () => {
    expect(fits("/a/7", [["X-V", "1"]])).toEqual({
      hosted: "host",
      literal: "path",
      condition: { unmet: ["x-v", "2"], isField: true },
      named: "wins",
      any: { lessBy: "method" },
      post: "method",
      rest: { lessBy: "path" },
    });
  });

  test("more conditions win", () => {
    expect(fits("/a/7", [["X-V", "2"]])).toMatchObject({ condition: "wins", named: { lessBy: "conditions" } });
  });

  test("all matches are told, the more specific first", () => {
    const names = [...table.inOrder()].map(({ host, entry }) => `${host} ${entry.route.name}`);
    expect(names.join(", ")).toBe("api.test hosted, * literal, * condition, * named, * post, * any, * rest");
  });
});

/** Two matches of one route may tie and differ in the names of their parameters, which come from their positions here. */
function paramsOfSame(params: Record<string, string>, path: string): Record<string, string> {
  expect(Object.keys(params)).toEqual(
    path
      .split("/")
      .filter((part) => /^[:*]/.test(part))
      .map((part) => part.replace(":", "")),
  );
  return params;
}

test("a tree that sets literals against parameters on every level is tried in bounded steps", () => {
  // Twelve levels, both at each: 4,096 routes, none of which takes the last segment.
  const routes = Array.from({ length: 4096 }, (_, bits) => {
    const segments = Array.from({ length: 12 }, (_segment, level) => ((bits >> level) & 1 ? `:p${level}` : "a"));
    return route(`r${bits}`, `/${segments.join("/")}/end`);
  });
  const table = compileRoutes(routes);
  const started = performance.now();
  for (let i = 0; i < 10; i++) expect(table.find("GET", "h", `${"/a".repeat(12)}/no`, "", NONE)).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(500);
  expect(table.find("GET", "h", `${"/a".repeat(11)}/b/end`, "", NONE)?.route.name).toBe("r2048");
});

test("a chain of parameters takes a path of any length in a time that grows with the pattern only", () => {
  const chain = Array.from({ length: 200 }, (_, level) => `:p${level}`).join("/");
  const table = compileRoutes([route("chain", `/${chain}`), route("rest", `/${chain}/*`)]);
  expect(table.find("GET", "h", "/a".repeat(8000), "", NONE)?.route.name).toBe("rest");
  expect(table.find("GET", "h", "/".repeat(16000), "", NONE)).toBeUndefined();
});

test("a pattern or host that cannot be read stops the compilation with the route's name", () => {
  expect(() => compileRoutes([route("bad", "/a/*/b")])).toThrow(/`bad`.*`\/a\/\*\/b`/);
  expect(() => compileRoutes([route("bad", match("/a", { hosts: ["a.*"] }))])).toThrow(/`bad`.*`a\.\*`/);
});
