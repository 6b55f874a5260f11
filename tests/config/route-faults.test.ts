// Faults of routes: what they match, where they lead, what they change, and what is wrong between them.
import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { env } from "../../src/mod.ts";
import { faultLines, faults, HELLO, planOf, withRoute } from "./support.ts";

/** Options of the route, the path of its only fault below `routes.it`, words of the message. */
type Row = readonly [route: unknown, path: string, words: string];

function refuses(rows: readonly Row[]): void {
  const named = rows.map(
    ([route, path, words]) => [inspect(route, { breakLength: Infinity }), route, path, words] as const,
  );
  test.each(named)("%s", (_, route, path, words) => {
    const lines = faultLines(withRoute(route));
    expect(lines).toHaveLength(1);
    expect(lines[0]!.slice(0, lines[0]!.indexOf(": "))).toBe(`routes.it${path}`);
    expect(lines[0]).toContain(words);
  });
}

const answer = { body: "x" };

describe("a pattern", () => {
  const row = (match: unknown, words: string, path = ".match"): Row => [{ match, answer }, path, words];
  refuses([
    row(undefined, "wanted a pattern such as"),
    row("", 'A pattern begins with "/".'),
    row("users", 'A pattern begins with "/".'),
    row("*", 'A pattern begins with "/".'),
    row("http://a.test/x", 'A pattern begins with "/".'),
    row("/a/*/b", "stands alone and last"),
    row("/a*", "stands alone and last"),
    row("/a/**", "stands alone and last"),
    row("/*.js", "stands alone and last"),
    row("/:id/:id", "`:id` stands twice"),
    row("/:", "is no parameter"),
    row("/:/x", "is no parameter"),
    row("/:a-b", "is no parameter"),
    row("/:id.json", "is no parameter"),
    row("/:id?", 'holds no "?"'),
    row("/:id{[0-9]+}", "is no parameter"),
    row("/:1", "is no parameter"),
    row("/a?b=c", 'holds no "?"'),
    row("/a#b", 'holds no "#"'),
    row("/a/../b", "dot segments"),
    row("/a/./b", "dot segments"),
    row("/a/%2e%2E/b", "dot segments"),
    row("/users/{id}", 'A parameter is written ":id".'),
    row("/a%00", "NUL"),
    row(5, "5 is not a pattern such as"),
    row(null, "null is not a pattern such as"),
    row(/x/, "path", ".match.path"),
    row({}, "wanted a path pattern", ".match.path"),
    row([], "an empty list is not a list of at least one match"),
    row(["/a", "b"], 'A pattern begins with "/".', ".match.1"),
    row(["/a", ["/b"]], "a list is not a pattern", ".match.1"),
    row(["/a", { path: "b" }], 'A pattern begins with "/".', ".match.1.path"),
    row({ path: "GET /x" }, "Methods stand in `method` here.", ".match.path"),
    row({ path: ["/x"] }, "a list is not a path pattern", ".match.path"),
  ]);
});

describe("a method", () => {
  const row = (match: unknown, words: string, path = ".match"): Row => [{ match, answer }, path, words];
  refuses([
    row("TRACE /x", "The gateway refuses every TRACE request."),
    row("CONNECT /x", "The gateway refuses every CONNECT request."),
    row("GET|trace /x", "The gateway refuses every TRACE request."),
    row("GET,POST /x", 'Several are written "GET|POST".'),
    row("GET| /x", 'Several are written "GET|POST".'),
    row("|GET /x", 'Several are written "GET|POST".'),
    row(" /x", 'Several are written "GET|POST".'),
    row("GET  /x", "One blank stands between"),
    row("GET | POST /x", "is not a pattern"),
    row("GET x", 'A pattern begins with "/".'),
    row("GET", 'A pattern begins with "/".'),
    row("GET ", 'A pattern begins with "/".'),
    row("G(T /x", 'is not a method such as "GET"'),
    row({ path: "/x", method: "TRACE" }, "TRACE", ".match.method"),
    row({ path: "/x", method: ["GET", "connect"] }, "CONNECT", ".match.method.1"),
    row({ path: "/x", method: [] }, "is not a method or a list of methods", ".match.method"),
    row({ path: "/x", method: "" }, "is not a method", ".match.method"),
    row({ path: "/x", method: "GET POST" }, "is not a method", ".match.method"),
    row({ path: "/x", method: 1 }, "1 is not a method", ".match.method"),
  ]);
});

describe("a condition", () => {
  const row = (condition: object, path: string, words: string): Row => [
    { match: { path: "/", ...condition }, answer },
    `.match.${path}`,
    words,
  ];
  refuses([
    ...["", "a b", "a/b", "a..b", "-a", "256.0.0.1", "[::g]", "a_b!", "u@a"].map((host) =>
      row({ host }, "host", "is not a host such as"),
    ),
    row({ host: "a.test:8080" }, "host", "compared without their port"),
    row({ host: "https://a.test" }, "host", "without scheme"),
    row({ host: "*" }, "host", "Leave `host` out"),
    row({ host: "*.*.test" }, "host", "only allowed as the first label"),
    row({ host: "a.*.test" }, "host", "only allowed as the first label"),
    row({ host: "*a.test" }, "host", "only allowed as the first label"),
    row({ host: "bücher.test" }, "host", "in ASCII"),
    row({ host: [] }, "host", "is not a host or a list of hosts"),
    row({ host: ["a.test", 5] }, "host.1", "5 is not a host"),
    row({ headers: [] }, "headers", "is not an object of field names"),
    row({ headers: { "a b": "x" } }, 'headers["a b"]', "is not a field name"),
    row({ headers: { "": "x" } }, 'headers[""]', "is not a field name"),
    row({ headers: { "x-*": "x" } }, 'headers["x-*"]', "no wildcards"),
    row({ headers: { "X-A": "1", "x-a": "2" } }, "headers.x-a", '"X-A" stands before it'),
    row({ headers: { "x-a": "b\nc" } }, "headers.x-a", "It holds a line break."),
    row({ headers: { "x-a": "b\0" } }, "headers.x-a", "It holds a control character."),
    row({ headers: { "x-a": " b" } }, "headers.x-a", "begins or ends with a blank"),
    row({ headers: { "x-a": false } }, "headers.x-a", "is not a field value, or true"),
    row({ headers: { "x-a": undefined } }, "headers.x-a", "wanted a field value, or true"),
    row({ headers: { "x-a": env("A") } }, "headers.x-a", 'env("A") is not a field value, or true'),
    row({ query: { "": "x" } }, 'query[""]', "It is empty."),
    row({ query: { a: 1 } }, "query.a", "is not a parameter's value, or true"),
    row({ query: "a=b" }, "query", "is not an object of parameter names"),
  ]);
});

describe("a destination", () => {
  const NONE = "wanted exactly one of to, split, handler, answer, redirect.";
  refuses([
    [{ match: "/" }, "", `${NONE} The route leads nowhere.`],
    [{ match: "/", answer, to: "orders" }, "", `${NONE} Here are to and answer.`],
    [{ match: "/", answer, redirect: { to: "/x" } }, "", `${NONE} Here are answer and redirect.`],
    [{ match: "/", answer, handler: () => new Response() }, "", `${NONE} Here are handler and answer.`],
    [{ match: "/", to: "oders" }, ".to", '"oders" is not an upstream. Upstreams: orders. Did you mean "orders"?'],
    [{ match: "/", to: "Orders" }, ".to", 'Did you mean "orders"?'],
    [{ match: "/", to: "toString" }, ".to", '"toString" is not an upstream.'],
    [{ match: "/", to: "http://127.0.0.1:1" }, ".to", "is not an upstream"],
    [{ match: "/", to: ["orders"] }, ".to", "a list is not the name of an upstream"],
    [{ match: "/", to: null }, ".to", "null is not the name of an upstream"],
    [{ match: "/", handler: "x" }, ".handler", "is not a function that returns a Response"],
    [{ match: "/", answer, use: [5] }, ".use.0", "5 is not a Hono middleware"],
    [{ match: "/", answer, use: () => {} }, ".use", "a function is not a list of Hono middleware"],
    [
      { match: "/", answer, rewrite: { stripPrefix: "/" } },
      ".rewrite",
      "Only a route with `to` or `split` forwards anything",
    ],
    [{ match: "/", answer, timeouts: {} }, ".timeouts", "Only a route with `to`"],
    [{ match: "/", redirect: { to: "/a" }, upgrade: [] }, ".upgrade", "Only a route with `to`"],
    [{ match: "/", to: "orders", upgrade: "websocket" }, ".upgrade", "is not a list of protocol names"],
    [{ match: "/", to: "orders", upgrade: ["web socket"] }, ".upgrade.0", "is not the name of a protocol"],
    [{ match: "/", to: "orders", upgrade: ["a/b/c"] }, ".upgrade.0", "is not the name of a protocol"],
    [{ match: "/", to: "orders", upgrade: ["H2C"] }, ".upgrade.0", "would pass every route by"],
  ]);
  test("is told with the names that are there, but not with hundreds", () => {
    const upstreams = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`u${i}`, { targets: ["http://a"] }]));
    const [line] = faultLines({ upstreams, routes: { it: { match: "/", to: "zz" } } });
    expect(line).toContain("u10, u11 and 288 more.");
    expect(faultLines({ routes: { it: { match: "/", to: "a" } } })[0]).toContain("There are no upstreams.");
  });
});

describe("an answer", () => {
  const row = (answer: unknown, path: string, words: string): Row => [{ match: "/", answer }, `.answer${path}`, words];
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  refuses([
    row("text", "", '"text" is not an answer such as { body: "hello" }, or "readiness". A text to send is written'),
    row("readyness", "", 'Did you mean "readiness"?'),
    row({ status: 199 }, ".status", "199 is not a whole number from 200 to 599"),
    row({ status: 101 }, ".status", "101 is not"),
    row({ status: 600 }, ".status", "600 is not"),
    row({ status: "200" }, ".status", '"200" is not'),
    row({ status: 200.5 }, ".status", "200.5 is not"),
    row({ status: 204, body: "" }, ".body", "wanted no body, as status 204 has none"),
    row({ status: 205, body: "x" }, ".body", "wanted no body, as status 205 has none"),
    row({ status: 304, body: {} }, ".body", "wanted no body, as status 304 has none"),
    row({ body: 1n }, ".body", "is not a text, or a value that JSON can hold"),
    row({ body: () => "x" }, ".body", "a function is not a text"),
    row({ body: Symbol("x") }, ".body", "is not a text"),
    row({ body: { a: [env("A")] } }, ".body", "an answer for everybody has no secrets"),
    row({ body: `x ${env("A")}` }, ".body", "an answer for everybody has no secrets"),
    row({ headers: { "content-length": "5" } }, ".headers.content-length", "frames each message itself"),
    row({ headers: { "Transfer-Encoding": "chunked" } }, ".headers.Transfer-Encoding", "belongs to one connection"),
    row({ headers: { a: "b\r\nc: d" } }, ".headers.a", "It holds a line break."),
    row({ headers: { a: 5 } }, ".headers.a", "is not a field value"),
    row({ headers: { a: env("A") } }, ".headers.a", 'env("A") is not a field value'),
  ]);
  test("cannot hold itself", () => {
    expect(faultLines(withRoute({ match: "/", answer: { body: cycle } }))).toEqual([
      "routes.it.answer.body: an object is not a text, or a value that JSON can hold. It cannot be written as JSON.",
    ]);
  });
});

describe("a redirect", () => {
  const row = (to: unknown, words: string, match: unknown = "/a/:id"): Row => [
    { match, redirect: { to } },
    ".redirect.to",
    words,
  ];
  refuses([
    [{ match: "/", redirect: "/x" }, ".redirect", "is not an object of options"],
    row(undefined, "wanted a path or an absolute URL"),
    row("", "It is empty, or holds a blank."),
    row("/a b", "holds a blank"),
    row("/a\r\nx: y", "holds a blank"),
    row("x", 'neither a path that begins with "/" nor an absolute URL'),
    row("//evil.test", "write its scheme too"),
    row(
      "/b/:ib",
      '`:ib` is no parameter of the pattern, which has `:id`; write %3A for a literal ":". Did you mean ":id"?',
    ),
    row("/b/:id/*", "the pattern does not end in"),
    row("https://:id/x", "cannot be read as scheme and host"),
    row("https://u:p@a.test/", "It holds user or password."),
    row("/b/:id", 'The pattern is "/c".', ["/a/:id", "/c"]),
    ...[200, 300, 304, 305, 309, "301"].map((status): Row => [
      { match: "/", redirect: { to: "/x", status } },
      ".redirect.status",
      "is not one of 301, 302, 303, 307, 308",
    ]),
  ]);
});

describe("a rewrite", () => {
  const row = (rewrite: unknown, path: string, words: string, match: unknown = "/api/:id/*"): Row => [
    { match, to: "orders", rewrite },
    `.rewrite${path}`,
    words,
  ];
  refuses([
    row("/x", "", "is not an object of options"),
    row({}, "", "wanted exactly one of stripPrefix, replace"),
    row({ stripPrefix: "/api", replace: "/x" }, "", "wanted exactly one of stripPrefix, replace"),
    row({ stripPrefix: "" }, ".stripPrefix", '"" is not a path'),
    row({ stripPrefix: 5 }, ".stripPrefix", "5 is not a path"),
    row({ stripPrefix: "api" }, ".stripPrefix", 'A pattern begins with "/".'),
    row({ stripPrefix: "/apu" }, ".stripPrefix", "is never there"),
    row({ stripPrefix: "/api/:id" }, ".stripPrefix", "takes literal segments only"),
    row({ stripPrefix: "/api/*" }, ".stripPrefix", "takes literal segments only"),
    row({ stripPrefix: "/a" }, ".stripPrefix", "is never there"),
    row({ stripPrefix: "/api" }, ".stripPrefix", 'The pattern is "/b".', ["/api/x", "/b"]),
    row({ replace: "x" }, ".replace", 'does not begin with "/"'),
    row({ replace: "/x?y" }, ".replace", "holds a query"),
    row({ replace: "/:ib" }, ".replace", 'Did you mean ":id"?'),
    row({ replace: "/x/*/y*" }, ".replace", "stands alone"),
    row({ replace: "/x/*" }, ".replace", "the pattern does not end in", "/api/:id"),
    row({ replace: "/x/../y" }, ".replace", "dot segment"),
  ]);
});

describe("a change of fields", () => {
  const row = (headers: unknown, path: string, words: string): Row => [{ ...HELLO, headers }, `.headers${path}`, words];
  const set = (name: string, value: unknown, words: string, side = "request"): Row =>
    row(
      { [side]: { set: { [name]: value } } },
      `.${side}.set${/^[\w$-]+$/.test(name) ? `.${name}` : `["${name}"]`}`,
      words,
    );
  const hop = [
    "Connection",
    "keep-alive",
    "TE",
    "trailer",
    "Transfer-Encoding",
    "upgrade",
    "proxy-connection",
    "proxy-authorization",
  ];
  refuses([
    row([], "", "is not an object of options"),
    row({ request: { set: [["a", "b"]] } }, ".request.set", "is not an object of field names and values"),
    row({ request: { remove: "cookie" } }, ".request.remove", "is not a list of field names"),
    row({ request: { remove: ["a b"] } }, ".request.remove.0", '"a b" is not a field name'),
    row({ request: { remove: ["x-*"] } }, ".request.remove.0", "there are no wildcards"),
    row({ request: { remove: ["Host"] } }, ".request.remove.0", "Every request has one."),
    row({ response: { remove: ["Content-Length"] } }, ".response.remove.0", "frames each message itself"),
    row({ response: { remove: [5] } }, ".response.remove.0", "5 is not a field name"),
    row({ request: { set: { "X-A": "1", "x-a": "2" } } }, ".request.set.x-a", '"X-A" stands before it'),
    ...hop.flatMap((name) => ["request", "response"].map((side) => set(name, "x", "is never forwarded", side))),
    set("Content-Length", "5", "frames each message itself"),
    set("content-length", "5", "frames each message itself", "response"),
    set("Host", "x", "Set `host` of the upstream instead."),
    set("a b", "x", "is not a field name"),
    set("a:", "x", "is not a field name"),
    set("", "x", "is not a field name"),
    set("é", "x", "is not a field name"),
    set("x-a", "b\rc", "[redacted] is not a field value. It holds a line break."),
    set("x-a", "b\nc", "[redacted] is not a field value. It holds a line break."),
    set("x-a", "b\x7f", "It holds a control character."),
    set("x-a", "b ", "It begins or ends with a blank."),
    set("x-a", "\tb", "It begins or ends with a blank."),
    set("x-a", 5, "[redacted] is not a field value"),
    set("x-a", undefined, "wanted a field value"),
    set("x-a", null, "null is not a field value"),
    set("x-a", ["b"], "a list is not a field value"),
    set("authorization", `Bearer ${env("TOKEN")}`, "env() cannot be part of a text"),
    set("authorization", "Bearer " + env("TOKEN"), "env() cannot be part of a text", "response"),
  ]);
});

describe("between routes", () => {
  test("two that tie are told once, with a request that both take", () => {
    const options = {
      routes: { a: { match: "/x/:id", answer }, b: { match: ["/y", "GET /x/:name", "/x/:other"], answer } },
    };
    const found = faults(options);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ path: ["routes", "b", "match"], wanted: "a match of its own" });
    expect(found[0]!.hint).toContain("`a` and `b`");
    expect(found[0]!.example).toMatch(/^[A-Z]+ http:\/\/[^/]+\/x\/[^/]+$/);
    expect(faultLines(options)[0]).toEndWith(`For example: ${found[0]!.example!}`);
  });

  test("the order of the file decides nothing", () => {
    const [one, other] = [
      { match: "/x/:id", answer },
      { match: "/x/y", answer },
    ];
    expect(planOf({ routes: { one, other } }).routes).toHaveLength(2);
    expect(planOf({ routes: { other, one } }).routes).toHaveLength(2);
  });

  test("ties are looked for only when all else is right", () => {
    const tied = { a: { match: "/x", answer }, b: { match: "/x", answer } };
    expect(faults({ routes: tied, listen: { port: -1 } }).map(({ path }) => path.join("."))).toEqual(["listen.port"]);
    expect(faults({ routes: tied }).map(({ path }) => path.join("."))).toEqual(["routes.b.match"]);
  });
});
