// The JSON line: its names, its values, and that nothing a client sends can break it.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { GatewayError } from "../../src/errors.ts";
import type { Ending, Exchange } from "../../src/exchange.ts";
import { Fields } from "../../src/http/fields.ts";
import { REQUEST_ID } from "../../src/listen/arrive.ts";
import { LOG, TEN_O_CLOCK, UPSTREAM, WHOLE, answer, exchange, recordingPlatform, route, logInto } from "./exchanges.ts";

type Line = Readonly<Record<string, unknown>>;

function text(x: Exchange, ending: Ending = WHOLE): string {
  const platform = recordingPlatform();
  logInto(LOG, platform)(x, ending);
  expect(platform.lines).toHaveLength(1);
  return platform.lines[0]!;
}

function line(x: Exchange, ending: Ending = WHOLE): Line {
  return JSON.parse(text(x, ending)) as Line;
}

function forwarded(status = 200): Exchange {
  const x = exchange({}, "/api/orders/7", "?page=2&token=abc");
  x.route = route("orders", "/api/orders/*");
  x.upstream = UPSTREAM;
  x.attempts = [{ target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 0, status, error: undefined }];
  x.answer = answer(status);
  return x;
}

describe("a line", () => {
  test("has these names and values, in this order", () => {
    expect(text(forwarded(), { error: undefined, bytesIn: 5, bytesOut: 1200 })).toBe(
      '{"time":"2026-11-25T10:00:00.123Z","level":"info","msg":"exchange",' +
        '"request_id":"0190a8f2-7c4e-4abc-8def-0123456789ab","http.request.method":"GET","url.path":"/api/orders/7",' +
        '"url.query":"page=2&token=REDACTED","url.scheme":"http","server.address":"api.example.com",' +
        '"network.protocol.version":"1.1","http.response.status_code":200,"client.address":"127.0.0.1",' +
        '"user_agent.original":"curl/8.5.0","http.request.body.size":5,"http.response.body.size":1200,' +
        '"duration":0.012345,"http.route":"/api/orders/*","sluice.route":"orders","sluice.upstream":"orders",' +
        '"sluice.target":"http://127.0.0.1:9001","sluice.attempts":1}',
    );
  });

  test("leaves out what is not known", () => {
    const x = exchange({ authority: "", fields: new Fields() }, "/", "?");
    x.answer = answer(404);
    expect(Object.keys(line(x))).toEqual([
      ...["time", "level", "msg", "request_id", "http.request.method", "url.path", "url.scheme"],
      ...["network.protocol.version", "http.response.status_code", "client.address", "http.request.body.size"],
      ...["http.response.body.size", "duration"],
    ]);
  });

  test("tells the peer when the client is somebody else", () => {
    const x = exchange({ peer: "10.0.0.1" });
    x.client = "203.0.113.9";
    expect(line(x)).toMatchObject({ "client.address": "203.0.113.9", "network.peer.address": "10.0.0.1" });
  });

  test("names the pattern that fitted, and none where that is not known", () => {
    const x = exchange();
    x.route = route("many", "/a", "/b");
    expect(line(x)).toMatchObject({ "sluice.route": "many" });
    expect(line(x)).not.toHaveProperty(["http.route"]);
    x.match = x.route.matches[1];
    expect(line(x)).toMatchObject({ "sluice.route": "many", "http.route": "/b" });
  });

  test("counts attempts, names the last target, and its status when the client saw another", () => {
    const x = forwarded();
    const failed = new GatewayError("connection_refused", "refused by http://127.0.0.1:9001");
    x.attempts = [
      { target: "http://127.0.0.1:9001", startedAt: 0, settledAt: 0, status: 0, error: failed },
      { target: "http://127.0.0.1:9002", startedAt: 0, settledAt: 0, status: 200, error: undefined },
    ];
    x.answer = answer(502);
    expect(line(x)).toMatchObject({
      "sluice.target": "http://127.0.0.1:9002",
      "sluice.attempts": 2,
      "sluice.upstream_status": 200,
    });
    x.attempts = [];
    expect(line(x)).toMatchObject({ "sluice.upstream": "orders", "sluice.attempts": 0 });
  });

  test("tells each of several attempts: where to, why, what came of it, and how long it took", () => {
    const x = forwarded();
    const one = { target: "http://127.0.0.1:9001", startedAt: 10, settledAt: 35.5, status: 503, error: undefined };
    const lost = new GatewayError("attempt_withdrawn", "another attempt was answered first");
    x.attempts = [
      one,
      { ...one, target: "http://127.0.0.1:9002", reason: "status", startedAt: 40, settledAt: 41, status: 200 },
      { ...one, target: 'http://"3"', reason: "hedge", startedAt: 40, settledAt: 41, status: 0, error: lost },
    ];
    x.answer = answer(200);
    expect(line(x)).toMatchObject({
      "sluice.target": "http://127.0.0.1:9002",
      "sluice.attempts": 3,
      "sluice.attempted": [
        { "sluice.target": "http://127.0.0.1:9001", "http.response.status_code": 503, duration: 0.0255 },
        {
          "sluice.target": "http://127.0.0.1:9002",
          reason: "status",
          "http.response.status_code": 200,
          duration: 0.001,
        },
        { "sluice.target": 'http://"3"', reason: "hedge", "error.type": "attempt_withdrawn", duration: 0.001 },
      ],
    });
    expect(line(x)).not.toHaveProperty(["sluice.upstream_status"]);
  });

  test.each([
    ["http://[2001:db8::1]", "[2001:db8::1]:8080", "2001:db8::1"],
    ["a name", "example.com", "example.com"],
    ["a name and a port", "example.com:80", "example.com"],
  ])("names the host of %s without port or brackets", (_, authority, host) => {
    expect(line(exchange({ authority }))).toMatchObject({ "server.address": host });
  });

  test("follows the clock over seconds and midnights", () => {
    const platform = recordingPlatform();
    const log = logInto(LOG, platform);
    const times = [0, 1, 876, 877, 50_399_877, 877].map((later) => {
      platform.wallIs = TEN_O_CLOCK + later + 0.7;
      log(exchange(), WHOLE);
      return (JSON.parse(platform.lines.at(-1)!) as Line)["time"];
    });
    expect(times).toEqual([
      ...["2026-11-25T10:00:00.123Z", "2026-11-25T10:00:00.124Z", "2026-11-25T10:00:00.999Z"],
      ...["2026-11-25T10:00:01.000Z", "2026-11-26T00:00:00.000Z", "2026-11-25T10:00:01.000Z"],
    ]);
  });

  test("gives the duration in seconds, to the microsecond", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (micros) => {
        const platform = recordingPlatform();
        const x = exchange();
        platform.nowIs = x.startedAt + micros / 1000;
        logInto(LOG, platform)(x, WHOLE);
        expect(Math.abs((JSON.parse(platform.lines[0]!) as { duration: number }).duration - micros / 1e6)).toBeLessThan(
          2e-6,
        );
      }),
    );
  });
});

describe("a failure", () => {
  test("is told with code, fault and the operator's message", () => {
    const x = forwarded();
    x.error = new GatewayError("connection_refused", 'connect ECONNREFUSED "127.0.0.1:9001"');
    x.answer = answer(502);
    expect(line(x)).toMatchObject({
      level: "error",
      "http.response.status_code": 502,
      "error.type": "connection_refused",
      "sluice.error.fault": "upstream",
      "sluice.error.detail": 'connect ECONNREFUSED "127.0.0.1:9001"',
    });
  });

  test.each([
    ["a client that left before any answer is 499", undefined, "client_disconnect", 499, "info"],
    ["a client that left amid an answer keeps its status", 200, "client_disconnect", 200, "info"],
    ["an answer that the upstream broke off keeps its status", 200, "http_response_incomplete", 200, "error"],
    ["the client's own fault is no error of ours", 414, "uri_too_long", 414, "info"],
  ] as const)("%s", (_, sent, code, status, level) => {
    const x = exchange();
    if (sent !== undefined) x.answer = answer(sent);
    const ending = { error: new GatewayError(code, "why"), bytesIn: 0, bytesOut: 0 };
    expect(line(x, ending)).toMatchObject({ level, "http.response.status_code": status, "error.type": code });
  });

  test("that was answered explains the status, whatever happened to the answer after", () => {
    const x = exchange();
    x.error = new GatewayError("http_response_timeout", "no answer in 60 s");
    x.answer = answer(504);
    const ending = { error: new GatewayError("client_disconnect", "left"), bytesIn: 0, bytesOut: 0 };
    expect(line(x, ending)).toMatchObject({ "http.response.status_code": 504, "error.type": "http_response_timeout" });
  });
});

describe("a request that never got on its way", () => {
  test("is told as the client sent it, without the secrets of its query", () => {
    const x = exchange({ target: "/a%00b?token=abc&x=1" }, "/");
    x.error = new GatewayError("http_request_error", "an encoded NUL");
    expect(line(x)).toMatchObject({ "url.path": "/a%00b", "url.query": "token=REDACTED&x=1", level: "info" });
  });

  test("is told without method and path when no head came", () => {
    const x = exchange({ method: "", target: "", authority: "", fields: new Fields() }, "/");
    x.error = new GatewayError("request_timeout", "the head did not arrive in time");
    x.answer = answer(408);
    expect(Object.keys(line(x)).slice(3, 6)).toEqual(["request_id", "url.scheme", "network.protocol.version"]);
    expect(line(x)).toMatchObject({ "http.response.status_code": 408, "error.type": "request_timeout" });
    expect(line(exchange({ method: "" }))).toMatchObject({ request_id: x.id, "url.path": "/api/orders/7" });
  });
});

describe("what a client sends", () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 400,
  });
  const anything = fc.oneof(
    bytes,
    fc.string({ unit: "binary", maxLength: 400 }),
    fc.constant("\ud800"),
    fc.constant('"},\n{"'),
  );

  test("stays inside its own value: one line of printable ASCII that parses to what was sent", () => {
    fc.assert(
      fc.property(
        fc.record({
          // As they are taken of proxies.
          id: fc.stringMatching(REQUEST_ID),
          method: anything,
          path: anything,
          agent: anything,
          client: anything,
          detail: anything,
        }),
        (sent) => {
          const x = exchange({ method: "M" + sent.method, fields: Fields.of(["User-Agent", sent.agent]) }, sent.path);
          x.id = sent.id;
          x.client = sent.client;
          x.error = new GatewayError("http_request_error", sent.detail);
          const made = text(x);
          expect(made).toMatch(/^[ -~]+$/);
          const cut = (value: string, most: number): string =>
            value.length > most ? value.slice(0, most) + "…" : value;
          expect(JSON.parse(made)).toMatchObject({
            level: "info",
            request_id: sent.id,
            "http.request.method": cut("M" + sent.method, 256),
            "url.path": sent.path,
            "user_agent.original": sent.agent,
            "client.address": cut(sent.client, 256),
            "error.type": "http_request_error",
            "sluice.error.detail": sent.detail,
          });
        },
      ),
    );
  });

  test("stays inside its own value in query and host too", () => {
    fc.assert(
      fc.property(anything, anything, (query, authority) => {
        const made = text(exchange({ authority }, "/", "?" + query));
        expect(made).toMatch(/^[ -~]+$/);
        expect(Object.keys(JSON.parse(made) as Line).slice(-2)).toEqual(["http.response.body.size", "duration"]);
      }),
    );
  });

  test("is cut where it is long, with a mark, before it is escaped", () => {
    const x = exchange(
      { method: "M".repeat(300), authority: "h".repeat(300), fields: Fields.of(["User-Agent", "é".repeat(600)]) },
      "/" + "\xe9".repeat(5000),
      "?q=" + "x".repeat(5000),
    );
    const made = line(x);
    expect(made["url.path"]).toBe("/" + "\xe9".repeat(2047) + "…");
    expect(made["url.query"]).toBe("q=" + "x".repeat(2046) + "…");
    expect(made["user_agent.original"]).toBe("é".repeat(512) + "…");
    expect(made["http.request.method"]).toBe("M".repeat(256) + "…");
    expect(made["server.address"]).toBe("h".repeat(256) + "…");
  });

  test("is never mixed up with what another client sent before", () => {
    const platform = recordingPlatform();
    const log = logInto(LOG, platform);
    const sent = [
      { authority: "a.example", agent: "one", scheme: "http" as const },
      { authority: "b.example", agent: "one", scheme: "http" as const },
      { authority: "b.example", agent: undefined, scheme: "https" as const },
      { authority: "", agent: "two", scheme: "https" as const },
      { authority: "b.example", agent: "one", scheme: "https" as const },
    ];
    for (const { authority, agent, scheme } of sent) {
      const fields = agent === undefined ? new Fields() : Fields.of(["User-Agent", agent]);
      log(exchange({ authority, scheme, fields }), WHOLE);
    }
    const seen = platform.lines.map((made) => JSON.parse(made) as Line);
    expect(seen.map((made) => [made["server.address"] ?? "", made["user_agent.original"], made["url.scheme"]])).toEqual(
      sent.map(({ authority, agent, scheme }) => [authority, agent, scheme]),
    );
  });
});
