// The gateway's own answers: problem+json with one vocabulary, the fields a status demands, and nothing of the inside.
import { expect, test } from "bun:test";
import { closedPort } from "../support/closed-port.ts";
import { get, problemOf, request } from "../support/messages.ts";
import { withGateway } from "../support/rig.ts";

withGateway(
  "an answer of the gateway's own",
  {
    origins: { u1: {} },
    config: ({ u1 }) => `
import { defineGateway } from "sluice";

export default defineGateway({
  name: "edge",
  listen: { host: "127.0.0.1", port: 0, maxTarget: "2KiB", maxHead: "4KiB" },
  upstreams: {
    u1: { targets: ["${u1.url}"], timeouts: { firstByte: "300ms" } },
    closed: { targets: ["http://127.0.0.1:${closedPort()}"] },
  },
  routes: {
    read: { match: ["GET /thing/:id", "PUT|DELETE /thing/:id"], to: "u1" },
    hang: { match: "/hang", to: "u1" },
    closed: { match: "/closed", to: "closed" },
    thrown: { match: "/thrown", handler: () => { throw new Error("SECRET-INSIDE at 10.9.8.7"); } },
    rejected: { match: "/rejected", handler: async () => { throw new Error("SECRET-INSIDE"); } },
    nonsense: { match: "/nonsense", handler: () => "no response" },
    middle: { match: "/middle", to: "u1", use: [async () => { throw new Error("SECRET-INSIDE"); }] },
    fixed: { match: "/fixed", answer: { status: 202, headers: { "X-Own": "1" }, body: { a: 1 } } },
    moved: { match: "/old/*", redirect: { to: "/new/*" } },
  },
});
`,
  },
  (rig) => {
    const rows: [what: string, raw: string, status: number, code: string, fields: Record<string, RegExp>][] = [
      ["no route", get("/nowhere"), 404, "route_not_found", {}],
      [
        "no such method here",
        request("POST", "/thing/1", "x"),
        405,
        "method_not_allowed",
        { allow: /^(?=.*GET)(?=.*HEAD)(?=.*PUT)(?=.*DELETE)/ },
      ],
      ["TRACE", request("TRACE", "/thing/1"), 405, "method_not_allowed", { allow: /GET/ }],
      [
        "a malformed request",
        get("/a b"),
        400,
        "http_request_error",
        { connection: /^close$/i, "proxy-status": /^edge; error=http_request_error$/ },
      ],
      ["no Host", "GET / HTTP/1.1\r\n\r\n", 400, "http_request_error", {}],
      [
        "a version nobody speaks",
        "GET / HTTP/1.7\r\nHost: a\r\n\r\n",
        505,
        "version_not_supported",
        { connection: /^close$/i },
      ],
      ["a large target", get(`/${"a".repeat(3000)}`), 414, "uri_too_long", { connection: /^close$/i }],
      ["a large head", get("/", `X: ${"a".repeat(5000)}`), 431, "header_section_too_large", { connection: /^close$/i }],
      [
        "an unknown coding",
        "POST /thing/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        400,
        "http_request_error",
        { connection: /^close$/i },
      ],
      ["an unknown expectation", get("/hang", "Expect: more"), 417, "expectation_failed", {}],
      [
        "an upstream that refuses",
        get("/closed"),
        502,
        "connection_refused",
        { "proxy-status": /^edge; error=connection_refused$/ },
      ],
      [
        "an upstream that says nothing",
        get("/hang"),
        504,
        "http_response_timeout",
        { "proxy-status": /^edge; error=http_response_timeout$/ },
      ],
      ["a handler that throws", get("/thrown"), 500, "proxy_internal_error", {}],
      ["a handler that rejects", get("/rejected"), 500, "proxy_internal_error", {}],
      ["a handler that returns nonsense", get("/nonsense"), 500, "proxy_internal_error", {}],
      ["a middleware that throws", get("/middle"), 500, "proxy_internal_error", {}],
    ];
    test.each(rows)("%s", async (_, raw, status, code, fields) => {
      rig.origins.u1.at("/hang", (x) => x.hang());
      using client = await rig.connect();
      await client.send(raw);
      const response = await client.receive();
      const problem = problemOf(response);
      expect([response.status, problem.status, problem.code, response.complete]).toEqual([status, status, code, true]);
      expect(problem["type"]).toBe("about:blank");
      expect(problem["title"]).toBeString();
      const id = response.fields.one("x-request-id");
      expect([problem["instance"], problem["request_id"]]).toEqual([`urn:uuid:${id}`, id]);
      expect(response.fields.one("cache-control")).toBe("no-store");
      expect(response.fields.one("content-length")).toBe(String(response.body.bytes));
      for (const [name, value] of Object.entries(fields)) expect(response.fields.one(name)).toMatch(value);
      const inside = new RegExp(
        `SECRET|INSIDE|127\\.0\\.0\\.1|${rig.origins.u1.port}|node_modules|\\.ts:|at .*\\(|ECONN`,
      );
      expect(response.headText + response.body.text).not.toMatch(inside);
    });

    test.each([
      ["/nowhere", 404],
      ["/closed", 502],
      ["/thrown", 500],
    ] as const)("HEAD %s: %i, no body, the connection stays in step", async (path, status) => {
      using client = await rig.connect();
      await client.send(request("HEAD", path));
      const response = await client.receive({ method: "HEAD" });
      expect([response.status, response.fields.one("content-type")]).toEqual([status, "application/problem+json"]);
      await client.send(get("/fixed"));
      expect((await client.receive()).status).toBe(202);
    });

    test("a refused request with a body does not disturb the next on its connection", async () => {
      using client = await rig.connect();
      await client.send(request("POST", "/nowhere", "GET /smuggled HTTP/1.1\r\n\r\n") + get("/fixed"));
      expect((await client.receive()).status).toBe(404);
      const next = (await client.receiveAll({ timeoutMs: 1000 })).at(0);
      // Reading the body away or closing are both in step.
      if (next !== undefined) expect(next.status).toBe(202);
    });

    test("fixed answers and redirects come as the config writes them", async () => {
      const fixed = await rig.exchange(get("/fixed"));
      expect([fixed.status, fixed.fields.one("x-own"), fixed.body.text]).toEqual([202, "1", '{"a":1}']);
      const moved = await rig.exchange(get("/old/a%2Fb?q=1"));
      expect([moved.status, moved.fields.one("location")]).toEqual([308, "/new/a%2Fb?q=1"]);
    });
  },
);
