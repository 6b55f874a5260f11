// Fallbacks through the whole gateway: when they are used, when they are not, and what the client and the record are told.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

/** `up` is a.test and falls back to `other`, which is b.test. */
function falling(
  up: Partial<UpstreamOptions<string>> = {},
  other: Partial<UpstreamOptions<string>> = {},
): GatewayOptions {
  return {
    upstreams: {
      up: { targets: ["http://a.test"], fallback: { to: "other" }, timeouts: { firstByte: "2s" }, ...up },
      other: { targets: ["http://b.test"], ...other },
    },
    routes: { all: { match: "/api/*", to: "up", rewrite: { stripPrefix: "/api" } } },
  };
}

const withOther = (options: GatewayOptions, story: (world: World) => void): void =>
  inWorld(options, (world) => {
    world.b.answerAll(({ body }) => answerText(`other ${body}`));
    story(world);
  });

/** What `up` does with a connection that has sent something. */
const onData = (world: World, act: (connection: FakeTargetConnection) => void): void => {
  world.a.onConnection = (connection) => (connection.onData = () => act(connection));
};

/** Ways to give no answer. `sent`: the target may have acted on the request. */
const FAILURES: readonly (readonly [how: string, sent: boolean, reason: string, fail: (world: World) => void])[] = [
  ["refuses", false, "connection_refused", (world) => (world.a.reception = "ECONNREFUSED")],
  ["cannot be reached", false, "connection_timeout", (world) => (world.a.reception = "hang")],
  ["resets", true, "connection_terminated", (world) => onData(world, (connection) => connection.reset())],
  ["says nothing", true, "http_response_timeout", () => {}],
  ["talks nonsense", true, "http_protocol_error", (world) => onData(world, (one) => one.send("SSH-2.0-X\r\n\r\n"))],
  [
    "breaks off in its head",
    true,
    "http_response_incomplete",
    (world) =>
      onData(world, (connection) => {
        connection.send("HTTP/1.1 200");
        connection.end();
      }),
  ],
];

/** A request with content that has come with its head, or comes behind it. */
function send(world: World, method: string, content: "none" | "bytes" | "stream"): ReturnType<World["client"]> {
  const client = world.client();
  client.request(
    method,
    "/api/x?y=1",
    content === "none" ? [] : ["Content-Length: 3"],
    content === "bytes" ? "abc" : "",
  );
  world.settle();
  if (content === "stream") client.send("abc");
  world.settle();
  world.advance(6000);
  return client;
}

const METHODS = ["GET", "PUT", "DELETE", "POST", "PATCH"];
const REPEATABLE = ["GET", "PUT", "DELETE"];

describe.each(FAILURES)("an upstream that %s", (_, sent, reason, failing) => {
  test.each(
    METHODS.flatMap((method) => (["none", "bytes", "stream"] as const).map((content) => [method, content] as const)),
  )(
    "%s with content %s: the other upstream is asked if nothing was sent, or all of it may be sent twice",
    (method, content) => {
      withOther(falling(), (world) => {
        failing(world);
        const client = send(world, method, content);
        const goes = !sent || REPEATABLE.includes(method);
        const body = content === "none" ? "" : "abc";
        if (goes) {
          expect(client.answer).toMatchObject({ status: 200, body: `other ${body}`, complete: true });
          expect(world.b.requests).toMatchObject([{ method, target: "/x?y=1", body, complete: true }]);
          expect(fieldOf(client.answer, "proxy-status")).toBe(`sluice; error=${reason}; details="fallback"`);
          expect(world.record).toMatchObject({
            level: "info",
            "sluice.upstream": "other",
            "sluice.target": "http://b.test",
            "sluice.attempts": 2,
            "sluice.fallbacks": [{ upstream: "up", reason }],
          });
          expect(world.record["error.type"]).toBeUndefined();
        } else {
          expect(client.answer.status).toBeWithin(502, 505);
          expect(world.b.requests).toHaveLength(0);
          expect(world.record).toMatchObject({ "error.type": reason, "sluice.upstream": "up", "sluice.attempts": 1 });
          expect(world.record).not.toHaveProperty("sluice.fallbacks");
        }
      });
    },
  );

  test("a fixed answer takes its place whatever the method, for nothing is sent twice", () => {
    const answer = { status: 203, headers: { "X-Stale": "yes" }, body: "kept" };
    for (const method of METHODS) {
      inWorld(falling({ fallback: { answer } }), (world) => {
        failing(world);
        const client = send(world, method, "bytes");
        expect(client.answer).toMatchObject({ status: 203, body: "kept" });
        expect(fieldOf(client.answer, "x-stale")).toBe("yes");
        expect(fieldOf(client.answer, "proxy-status")).toBe(`sluice; error=${reason}; details="fallback"`);
        expect(world.record).toMatchObject({
          "http.response.status_code": 203,
          "sluice.upstream": "up",
          "sluice.target": "http://a.test",
          "sluice.attempts": 1,
          "sluice.fallbacks": [{ upstream: "up", reason }],
        });
      });
    }
  });
});

describe("content that comes behind its head", () => {
  test("and is too long to be kept goes nowhere else once it has begun to flow", () => {
    const retries = { attempts: 2, on: ["connect"], replay: "2B" } as const;
    withOther(falling({ retries }), (world) => {
      onData(world, (connection) => connection.reset());
      expect(send(world, "PUT", "stream").answer.status).toBe(502);
      expect(world.b.requests).toHaveLength(0);
    });
  });

  test("goes on to the other upstream from where it has come to", () => {
    withOther(falling(), (world) => {
      const client = world.client();
      client.request("PUT", "/api/x", ["Content-Length: 6"]);
      client.send("abc");
      world.settle();
      world.a.last.reset();
      world.settle();
      expect(world.b.requests).toMatchObject([{ body: "abc", complete: false }]);
      client.send("def");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, body: "other abcdef" });
    });
  });

  test("is kept only until its own upstream has answered: an upload of any length passes", () => {
    withOther(falling(), (world) => {
      const client = world.client();
      const long = "x".repeat(300_000);
      client.request("PUT", "/api/x", ["Transfer-Encoding: chunked"]);
      client.send(`${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`);
      world.settle();
      world.a.last.answer(200, "up");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, body: "up" });
      expect(world.a.requests[0]!.body).toBe(long);
      expect(world.b.requests).toHaveLength(0);
    });
  });
});

test("content that an upstream does not want to read is given up as it is without a fallback", () => {
  const seen = [toUpstream(), falling()].map((options) => {
    let client: ReturnType<World["client"]> | undefined;
    inWorld(options, (world) => {
      client = world.client();
      client.request("PUT", "/api/x", ["Transfer-Encoding: chunked"]);
      client.send("3\r\nabc\r\n");
      world.settle();
      world.a.last.answer(403, "no");
      world.settle();
      client.send(`30d40\r\n${"x".repeat(200_000)}\r\n0\r\n\r\n`);
      client.request("GET", "/api/next");
      world.settle();
      world.advance(1000);
    });
    return { received: client!.received.replace(/^(?:date|x-request-id).*$/gim, ""), ending: client!.ending };
  });
  expect(seen[1]).toEqual(seen[0]!);
  expect(seen[0]!.received).toContain("403");
});

describe("an answer", () => {
  const answering = (on: readonly number[] | undefined, status: number, story: (world: World) => void): void =>
    withOther(falling({ fallback: { to: "other", ...(on && { on }) } }), (world) => {
      world.a.answerAll(() => answerText("up", [], status));
      story(world);
    });

  test.each([200, 404, 502, 503])("of status %d is an answer where nothing else is said", (status) => {
    answering(undefined, status, (world) => {
      const client = world.ask("GET", "/api/x");
      expect(client.answer).toMatchObject({ status, body: "up" });
      expect(fieldOf(client.answer, "proxy-status")).toBeUndefined();
      expect(world.b.requests).toHaveLength(0);
    });
  });

  test("of a status that is listed is not taken, and the client is told of it", () => {
    answering([502, 503], 503, (world) => {
      const client = world.ask("GET", "/api/x");
      expect(client.answer).toMatchObject({ status: 200, body: "other " });
      expect(fieldOf(client.answer, "proxy-status")).toBe('sluice; received-status=503; details="fallback"');
      expect(world.record).toMatchObject({
        "sluice.fallbacks": [{ upstream: "up", reason: "503" }],
        "sluice.attempts": 2,
      });
    });
  });

  test("of a status that is listed goes to the client of a POST: its own upstream has acted on it", () => {
    answering([503], 503, (world) => {
      expect(world.ask("POST", "/api/x", ["Content-Length: 3"], "abc").answer).toMatchObject({
        status: 503,
        body: "up",
      });
      expect(world.b.requests).toHaveLength(0);
    });
  });

  test("whose content is on its way is given up with its connection", () => {
    withOther(falling({ fallback: { to: "other", on: [503] } }), (world) => {
      const client = world.ask("GET", "/api/x");
      world.a.last.send("HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\nabc");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, body: "other " });
      expect(world.a.open).toHaveLength(0);
    });
  });
});

test("a failure of the client's own is nobody's to fall back from", () => {
  withOther(falling(), (world) => {
    const client = world.client();
    client.request("PUT", "/api/x", ["Transfer-Encoding: chunked"]);
    client.send("zz\r\n");
    world.settle();
    expect(client.statuses).toEqual([400]);
    expect(world.b.requests).toHaveLength(0);
  });
});

test("a client that leaves is not asked for elsewhere", () => {
  withOther(falling(), (world) => {
    const client = world.ask("GET", "/api/x");
    client.reset();
    world.settle();
    expect(world.record["error.type"]).toBe("client_disconnect");
    expect(world.b.requests).toHaveLength(0);
  });
});

test("when the other one fails too, that failure is told, and the record has both", () => {
  inWorld(falling(), (world) => {
    world.a.reception = "ECONNREFUSED";
    world.b.reception = "ECONNREFUSED";
    const client = world.ask("GET", "/api/x");
    expect(client.answer.status).toBe(502);
    expect(fieldOf(client.answer, "proxy-status")).toBe("sluice; error=connection_refused");
    expect(world.record).toMatchObject({
      "error.type": "connection_refused",
      "sluice.upstream": "other",
      "sluice.attempts": 2,
      "sluice.fallbacks": [{ upstream: "up", reason: "connection_refused" }],
    });
  });
});

test("fallbacks follow one another to the last", () => {
  inWorld(falling({}, { fallback: { answer: { status: 503, body: "later" } } }), (world) => {
    world.a.reception = "ECONNREFUSED";
    world.b.onConnection = (connection) => (connection.onData = () => connection.reset());
    const client = world.ask("GET", "/api/x");
    expect(client.answer).toMatchObject({ status: 503, body: "later" });
    expect(fieldOf(client.answer, "proxy-status")).toBe('sluice; error=connection_terminated; details="fallback"');
    expect(world.record).toMatchObject({
      "sluice.attempts": 2,
      "sluice.fallbacks": [
        { upstream: "up", reason: "connection_refused" },
        { upstream: "other", reason: "connection_terminated" },
      ],
    });
  });
});

test("while a circuit is open every request goes to the other upstream at once, content of a POST too", () => {
  const breaker = { minimum: 2, open: "5s" } as const;
  withOther(falling({ breaker, fallback: { to: "other", on: [503] } }), (world) => {
    world.a.answerAll(() => answerText("no", [], 503));
    for (let i = 0; i < 2; i++) expect(world.ask("GET", "/api/x").answer.body).toBe("other ");
    const before = world.a.requests.length;
    const client = send(world, "POST", "stream");
    expect(client.answer).toMatchObject({ status: 200, body: "other abc" });
    expect(world.a.requests).toHaveLength(before);
    expect(world.records.at(-1)).toMatchObject({
      "sluice.attempts": 1,
      "sluice.fallbacks": [{ upstream: "up", reason: "destination_unavailable" }],
    });
    expect(world.platform.notices.splice(0)).toHaveLength(1);
  });
});

test("retries come first", () => {
  withOther(falling({ retries: { attempts: 3, on: ["reset"], backoff: { base: "1ms", max: "1ms" } } }), (world) => {
    onData(world, (connection) => connection.reset());
    const client = send(world, "PUT", "stream");
    expect(client.answer).toMatchObject({ status: 200, body: "other abc" });
    expect(world.a.requests).toHaveLength(3);
    expect(world.record).toMatchObject({ "sluice.attempts": 4 });
  });
});
