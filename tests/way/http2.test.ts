// Exchanges over HTTP/2: what passes, in both directions, and what comes of a stream that ends before its time.
import { describe, expect, test } from "bun:test";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import {
  END_HEADERS,
  PREFACE,
  block,
  data,
  frame,
  get,
  headers,
  lines,
  rst,
  settings,
  windowUpdate,
} from "../support/http2-frames.ts";
import { Http2Client, inHttp2, overHttp2 } from "../support/http2-world.ts";
import { inWorld, toUpstream } from "../support/fake-world.ts";

const INTERNAL_ERROR = 2;
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const trailers = (stream: number, fields: readonly (readonly [string, string])[]): string =>
  frame("HEADERS", END_HEADERS | 1, stream, block(fields));
const post = (stream: number, more: readonly (readonly [string, string])[] = []): string =>
  headers(stream, lines("POST", "/", more), false);

describe("a request", () => {
  test("comes to the target as one of HTTP/1.1, with what HTTP/2 says elsewhere in its fields", () => {
    inHttp2((client, world) => {
      const more = [
        ["cookie", "a=1"],
        ["x-one", "1"],
        ["cookie", "b=2"],
        ["te", "trailers"],
      ] as const;
      client.send(get(1, "/a/../b?c=%41", more));
      expect(world.a.last.request).toMatchObject({ method: "GET", target: "/b?c=%41", complete: true });
      const { fields } = world.a.last.request;
      expect(fieldOf({ fields }, "cookie")).toBe("a=1; b=2");
      expect(fieldOf({ fields }, "host")).toBe("a.test");
      expect(fieldOf({ fields }, "x-forwarded-host")).toBe("gw.test");
      expect(fieldOf({ fields }, "via")).toMatch(/^2\.0 sluice/);
      expect(fieldOf({ fields }, "te")).toBeUndefined();
      expect(world.a.last.received).not.toContain(":authority");
      world.a.last.answer(200);
      world.settle();
      expect(world.record).toMatchObject({ "network.protocol.version": "2", "http.response.status_code": 200 });
    });
  });

  test("with a Host in place of :authority, or both the same, is the same", () => {
    inHttp2((client, world) => {
      const pseudo = [
        [":method", "GET"],
        [":scheme", "https"],
        [":path", "/"],
      ] as const;
      client.send(headers(1, [...pseudo, ["host", "one.test"]]));
      expect(world.a.last.received).toContain("X-Forwarded-Host: one.test\r\n");
      client.send(headers(3, [...pseudo, [":authority", "two.test"], ["host", "TWO.test"]]));
      expect(world.a.last.received).toContain("X-Forwarded-Host: two.test\r\n");
      expect(world.a.last.received.match(/^host:/gim)).toHaveLength(1);
      for (const connection of world.a.connections) connection.answer(200);
    });
  });

  test("whose content comes along is sent with its length, and again where the first target cannot be reached", () => {
    inHttp2(
      (client, world) => {
        world.a.reception = "ECONNREFUSED";
        client.send(post(1) + data(1, "ab") + data(1, "cd", true));
        expect(world.b.last.request).toMatchObject({ body: "abcd", complete: true });
        expect(fieldOf(world.b.last.request, "content-length")).toBe("4");
        world.b.last.answer(200);
      },
      overHttp2({}, {}, { targets: ["http://a.test", "http://b.test"], balance: "round-robin" }),
    );
  });

  test("whose content streams, with trailers, is passed on piece by piece", () => {
    inHttp2((client, world) => {
      client.send(post(1));
      client.send(data(1, "ab"));
      expect(world.a.last.request).toMatchObject({ body: "ab", complete: false });
      client.send(data(1, "cd"));
      client.send(
        trailers(1, [
          ["x-sum", "1"],
          ["x-request-id", "forged"],
          ["content-length", "9"],
        ]),
      );
      expect(world.a.last.request).toMatchObject({ body: "abcd", complete: true });
      expect(world.a.last.received).toEndWith("0\r\nx-sum: 1\r\n\r\n");
      world.a.last.answer(200);
      world.settle();
      expect(world.record["http.request.body.size"]).toBe(4);
    });
  });

  test("that expects 100-continue gets it when somebody reads", () => {
    inHttp2((client, world) => {
      world.a.reception = "hang";
      client.send(
        post(1, [
          ["expect", "100-continue"],
          ["content-length", "3"],
        ]),
      );
      expect(client.said.answers.get(1)).toBeUndefined();
      world.platform.network.hanging.shift()!.proceed("accept");
      world.settle();
      expect(client.answer().interim).toEqual([100]);
      client.send(data(1, "abc", true));
      expect(world.a.last.request).toMatchObject({ body: "abc", complete: true });
      world.a.last.answer(200);
      world.settle();
      expect(client.answer().status).toBe(200);
    });
  });

  test.each([
    ["is longer than it says", data(1, "xyz")],
    ["is shorter than it says", data(1, "x", true)],
    ["is followed by trailers that are none", trailers(1, [["A", "b"]])],
  ])("whose content %s, never comes whole to a target", (_, behind) => {
    inHttp2((client, world) => {
      client.send(post(1, [["content-length", "4"]]) + data(1, "ab"));
      client.send(behind);
      expect(client.answer().reset).toBe(1);
      expect(world.a.last.request.complete).toBe(false);
      expect(world.a.last.over).toBe(true);
      expect(world.record).toMatchObject({ "error.type": "http_request_error", "http.response.status_code": 400 });
    });
  });

  test.each([
    ["taken back", rst(1)],
    ["of a client that closes", "close"],
    ["of a client that resets", "reset"],
  ])("%s is taken back at the target too", (_, how) => {
    inHttp2((client, world) => {
      client.send(get(1));
      expect(world.a.last.ending).toBe("open");
      if (how === "close") client.peer.leave();
      else if (how === "reset") client.peer.reset();
      else client.send(how);
      world.settle();
      // A client that only ends may still listen (listen.halfClose).
      if (how === "close") world.advance(1);
      expect(world.a.last.over).toBe(true);
      expect(world.record).toMatchObject({ "error.type": "client_disconnect", "http.response.status_code": 499 });
    });
  });

  test("that is taken back in the moment it is sent, goes nowhere", () => {
    inHttp2((client, world) => {
      client.send(get(1) + rst(1));
      expect(world.a.connections).toEqual([]);
      expect(world.records).toEqual([]);
    });
  });

  test("beside another goes at once, and is answered when it is", () => {
    inHttp2((client, world) => {
      client.send(get(1, "/slow"), get(3, "/fast"));
      const [slow, fast] = world.a.connections;
      fast!.answer(200, "fast");
      world.settle();
      expect(client.answer(3)).toMatchObject({ body: "fast", complete: true });
      expect(client.said.answers.get(1)).toBeUndefined();
      slow!.answer(200, "slow");
      world.settle();
      expect(client.answer(1)).toMatchObject({ body: "slow", complete: true });
    });
  });

  test("that asks for a switch of protocols by HTTP/1.1's fields on HTTP/1.1 still gets it", () => {
    inWorld(overHttp2({}, { routes: { all: { match: "/*", to: "up", upgrade: ["websocket"] } } }), (world) => {
      const client = world.ask("GET", "/", ["Connection: upgrade", "Upgrade: websocket"]);
      expect(world.a.last.received).toContain("Upgrade: websocket");
      client.leave();
      world.settle();
    });
  });
});

describe("an answer", () => {
  const answered = (raw: string, method: string, see: (client: Http2Client) => void): void => {
    inHttp2((client, world) => {
      client.send(headers(1, lines(method, "/")));
      world.a.last.send(raw);
      world.settle();
      see(client);
    });
  };

  test("has the target's fields in lower case, less those of its connection, and its content whole", () => {
    const raw =
      "HTTP/1.1 200 Fine\r\nX-One: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nKeep-Alive: timeout=5\r\nConnection: X-Gone\r\n" +
      "X-Gone: 1\r\nDate: now\r\nContent-Length: 3\r\n\r\nabc";
    answered(raw, "GET", (client) => {
      const { fields, body, complete } = client.answer();
      expect(fields.filter((line) => !line.startsWith("x-request-id"))).toEqual([
        "x-one: 1",
        "set-cookie: a=1",
        "set-cookie: b=2",
        "date: now",
        "content-length: 3",
      ]);
      expect({ body, complete }).toEqual({ body: "abc", complete: true });
      // Head, content and end are two frames.
      expect(client.said.frames.filter(({ stream }) => stream === 1)).toHaveLength(2);
    });
  });

  test.each([
    ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", 200, "content-length: 7"],
    ["GET", "HTTP/1.1 204 No\r\n\r\n", 204, undefined],
    ["GET", "HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", 304, "content-length: 7"],
  ])("of %s without content is its head alone: %j", (method, raw, status, length) => {
    answered(raw, method, (client) => {
      const answer = client.answer();
      expect(answer).toMatchObject({ status, body: "", complete: true });
      expect(answer.fields.find((line) => line.startsWith("content-length"))).toBe(length);
      expect(client.frames("DATA")).toEqual([]);
    });
  });

  test("of unknown length ends with its trailers", () => {
    answered(`${CHUNKED}3\r\nabc\r\n0\r\nGrpc-Status: 0\r\nX-Sum: 1\r\n\r\n`, "GET", (client) => {
      const { body, trailers, complete, fields } = client.answer();
      expect({ body, trailers, complete }).toEqual({
        body: "abc",
        trailers: ["grpc-status: 0", "x-sum: 1"],
        complete: true,
      });
      expect(fields.some((line) => line.startsWith("content-length"))).toBe(false);
    });
  });

  test.each([
    ["of known length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"],
    ["of unknown length", `${CHUNKED}3\r\nabc\r\n`],
  ])("%s that the target breaks off never looks whole", (_, raw) => {
    inHttp2((client, world) => {
      client.send(get(1));
      world.a.last.send(raw);
      world.settle();
      world.a.last.leave();
      world.settle();
      expect(client.answer()).toMatchObject({ status: 200, body: "abc", complete: false, reset: INTERNAL_ERROR });
      expect(world.record["error.type"]).toBe("http_response_incomplete");
      // The others go on.
      client.send(get(3));
      world.a.last.answer(200);
      world.settle();
      expect(client.answer(3).complete).toBe(true);
    });
  });

  test("is given up by the target when the client takes it back", () => {
    inHttp2((client, world) => {
      client.send(get(1));
      world.a.last.send(`${CHUNKED}3\r\nabc\r\n`);
      world.settle();
      client.send(rst(1));
      expect(world.a.last.over).toBe(true);
      expect(world.record).toMatchObject({ "error.type": "client_disconnect", "http.response.body.size": 3 });
    });
  });

  test("with a head of several frames is read as one", () => {
    answered(`HTTP/1.1 200 OK\r\nX-Large: ${"v".repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`, "GET", (client) => {
      expect(client.frames("CONTINUATION")).toHaveLength(2);
      expect(client.answer().fields[0]).toHaveLength(40_009);
    });
  });

  test("whose end and window come together waits for no window", () => {
    inHttp2((client, world) => {
      client.send(settings([4, 3]), get(1));
      world.a.last.send(CHUNKED);
      world.a.last.send("3\r\nabc\r\n");
      world.a.last.send("0\r\n\r\n");
      world.settle();
      expect(client.answer()).toMatchObject({ body: "abc", complete: true });
    });
  });

  test("goes on by windows of both kinds, and shrinks below zero with the first of them", () => {
    inHttp2((client, world) => {
      client.send(get(1));
      world.a.last.answer(200, "x".repeat(100_000));
      world.settle();
      expect(client.answer().body).toHaveLength(65_535);
      client.send(settings([4, 0]), windowUpdate(0, 100_000), windowUpdate(1, 65_535));
      expect(client.answer().body).toHaveLength(65_535);
      client.send(windowUpdate(1, 100));
      expect(client.answer().body).toHaveLength(65_635);
      client.send(settings([4, 100_000]));
      expect(client.answer()).toMatchObject({ complete: true });
    });
  });
});

describe("without TLS", () => {
  test.each([
    ["in one piece", [PREFACE]],
    ["byte by byte", [...PREFACE]],
  ])("HTTP/2 is told by what it begins with, %s; anything else is HTTP/1.1", (_, pieces) => {
    inWorld(overHttp2(), (world) => {
      const client = new Http2Client(world, "");
      for (const piece of pieces) client.send(piece);
      client.send(settings(), get(1));
      world.a.last.answer(200);
      world.settle();
      expect(client.answer().status).toBe(200);
      for (const method of ["GET", "PRI", "P"]) {
        const old = world.ask(method, "/old");
        world.a.last.answer(200, "old");
        world.settle();
        expect(old.answer).toMatchObject({ status: 200, body: "old" });
      }
    });
  });

  test("it is not spoken where the config does not say so", () => {
    inWorld(toUpstream(), (world) => {
      const client = world.client();
      client.send(PREFACE);
      world.settle();
      expect(client.received).toStartWith("HTTP/1.1 505 ");
    });
  });
});
