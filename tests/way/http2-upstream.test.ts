// HTTP/2 to a target: what goes and comes, on streams that share a connection, and what each failure is called.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { END_HEADERS, data, frame, rst, u32, windowUpdate } from "../support/http2-frames.ts";
import { Http2TargetPeer } from "../support/http2-target.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

type Upstream = Partial<NonNullable<GatewayOptions["upstreams"]>[string]>;
const CANCEL = 8;
const over = (upstream: Upstream = {}, more: Partial<GatewayOptions> = {}): GatewayOptions =>
  toUpstream({ protocol: "h2c", ...upstream }, more);

/** The connection that was accepted last, by a target that has said what servers say first. */
function accepted(world: World, ...values: readonly (readonly [number, number])[]): Http2TargetPeer {
  const peer = new Http2TargetPeer(world.a.last);
  peer.greet(...values);
  world.settle();
  return peer;
}

describe("a request", () => {
  test("has its line and its Host in pseudo-fields, names in lower case, and nothing of HTTP/1.1's connections", () => {
    inWorld(over(), (world) => {
      world.ask(
        "POST",
        "/a?b=c",
        ["X-One: 1", "Content-Length: 3", "Connection: X-Two", "X-Two: 2", "TE: gzip"],
        "abc",
      );
      const { fields, body, complete } = accepted(world).request();
      expect(fields.slice(0, 4)).toEqual([":method: POST", ":scheme: http", ":authority: a.test", ":path: /a?b=c"]);
      expect(fields.slice(4, 6)).toEqual(["x-one: 1", "content-length: 3"]);
      expect(fields.filter((line) => /^(host|connection|x-two|te|transfer-encoding):/.test(line))).toEqual([]);
      expect(fields).toContain("x-forwarded-proto: http");
      expect({ body, complete }).toEqual({ body: "abc", complete: true });
      new Http2TargetPeer(world.a.last).answer(1, 200);
    });
  });

  test("of gRPC says that trailers are wanted", () => {
    inWorld(over(), (world) => {
      world.ask("POST", "/s/m", ["Content-Type: application/grpc", "TE: trailers"]);
      const target = accepted(world);
      expect(target.request().fields).toContain("te: trailers");
      target.answer(1, 200);
    });
  });

  test("in chunks streams, and its trailers follow it", () => {
    inWorld(over(), (world) => {
      const client = world.client();
      client.request("POST", "/", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n");
      world.settle();
      const target = accepted(world);
      expect(target.request()).toMatchObject({ body: "abc", complete: false });
      client.send("0\r\nX-Sum: 1\r\n\r\n");
      world.settle();
      expect(target.request()).toMatchObject({ body: "abc", trailers: ["x-sum: 1"], complete: true });
      target.answer(1, 200);
    });
  });

  test("goes on the connection that others use, and is answered when it is", () => {
    inWorld(over(), (world) => {
      const slow = world.ask("GET", "/slow");
      const target = accepted(world);
      const fast = world.ask("GET", "/fast");
      expect(world.a.connections).toHaveLength(1);
      expect([...target.requests.keys()]).toEqual([1, 3]);
      target.answer(3, 200, "fast");
      world.settle();
      expect(fast.answer.body).toBe("fast");
      expect(slow.answers).toEqual([]);
      target.answer(1, 200, "slow");
      world.settle();
      expect(slow.answer.body).toBe("slow");
    });
  });

  test("beyond what the target takes at a time goes on another connection; beyond both it waits", () => {
    inWorld(over({ connections: { max: 2 } }), (world) => {
      world.ask("GET", "/1");
      const first = accepted(world, [3, 1]);
      world.ask("GET", "/2");
      const second = accepted(world, [3, 1]);
      expect(world.a.connections).toHaveLength(2);
      const third = world.ask("GET", "/3");
      expect([first.requests.size, second.requests.size]).toEqual([1, 1]);
      first.answer(1, 200);
      world.settle();
      expect(first.request(3).fields).toContain(":path: /3");
      first.answer(3, 200, "3");
      second.answer(1, 200);
      world.settle();
      expect(third.answer.body).toBe("3");
    });
  });

  test("that waits in vain is refused", () => {
    inWorld(over({ connections: { max: 1, wait: "1s" } }), (world) => {
      world.ask("GET", "/1");
      const target = accepted(world, [3, 1]);
      const second = world.ask("GET", "/2");
      world.advance(1000);
      expect(second.statuses).toEqual([503]);
      expect(world.record["error.type"]).toBe("connection_limit_reached");
      target.answer(1, 200);
    });
  });

  test("whose client leaves is taken back, and the others go on", () => {
    inWorld(over(), (world) => {
      const leaving = world.ask("GET", "/1");
      const target = accepted(world);
      const staying = world.ask("GET", "/2");
      leaving.reset();
      world.settle();
      expect(target.request(1).reset).toBe(CANCEL);
      target.answer(3, 200, "ok");
      world.settle();
      expect(staying.answer.body).toBe("ok");
    });
  });

  test("that breaks off never looks whole", () => {
    inWorld(over(), (world) => {
      const client = world.client();
      client.request("POST", "/", ["Content-Length: 9"], "abc");
      world.settle();
      const target = accepted(world);
      client.leave();
      world.settle();
      expect(target.request()).toMatchObject({ body: "abc", complete: false, reset: CANCEL });
    });
  });

  test("whose answer came before its end is ended", () => {
    inWorld(over(), (world) => {
      const client = world.client();
      client.request("POST", "/", ["Content-Length: 9"], "abc");
      world.settle();
      const target = accepted(world);
      target.answer(1, 413, "no");
      world.settle();
      expect(client.answer).toMatchObject({ status: 413, body: "no" });
      expect(target.request()).toMatchObject({ complete: false, reset: CANCEL });
    });
  });

  test("to switch protocols cannot be sent", () => {
    inWorld(over({}, { routes: { all: { match: "/*", to: "up", upgrade: ["websocket"] } } }), (world) => {
      const client = world.ask("GET", "/", ["Connection: upgrade", "Upgrade: websocket"]);
      expect(client.statuses).toEqual([501]);
      accepted(world);
    });
  });
});

describe("an answer", () => {
  const answering = (
    answer: (target: Http2TargetPeer) => void,
    see: (client: ReturnType<World["ask"]>, world: World) => void,
    method = "GET",
  ): void => {
    inWorld(over(), (world) => {
      const client = world.ask(method, "/");
      answer(accepted(world));
      world.settle();
      see(client, world);
    });
  };

  test("comes whole, with its length", () => {
    answering(
      (target) => target.answer(1, 200, "abc", [["x-one", "1"]]),
      ({ answer }) => expect(answer).toMatchObject({ status: 200, body: "abc", framing: "length", complete: true }),
    );
  });

  test("behind interim ones is the final one", () => {
    answering(
      (target) => {
        target.head(1, 103, [["link", "<a>"]]);
        target.answer(1, 200, "abc");
      },
      ({ answer }) => expect(answer).toMatchObject({ status: 200, interim: [], body: "abc" }),
    );
  });

  test("streams, and its trailers pass", () => {
    answering(
      (target) => {
        target.head(1, 200);
        target.send(data(1, "abc"));
        target.trailers(1, [
          ["grpc-status", "0"],
          ["host", "forged"],
        ]);
      },
      ({ answer }) => {
        expect(answer).toMatchObject({ body: "abc", framing: "chunked", complete: true });
        expect(answer.trailers).toEqual([["grpc-status", "0"]]);
      },
    );
  });

  test.each([
    ["GET", 204],
    ["GET", 304],
    ["GET", 200],
    ["HEAD", 200],
  ])("of %s with status %i may be a head alone", (method, status) => {
    answering(
      (target) => target.head(1, status, method === "HEAD" ? [["content-length", "7"]] : [], true),
      ({ answer }) => expect(answer).toMatchObject({ status, body: "", complete: true }),
      method,
    );
  });

  test("for a client that does not read is not asked for beyond its window, and goes on", () => {
    inWorld(over(), (world) => {
      const client = world.ask("GET", "/");
      const target = accepted(world);
      client.hold();
      target.head(1, 200);
      const windows = (): number =>
        target.frames.filter(({ type, stream }) => type === "WINDOW_UPDATE" && stream === 1).length;
      for (let i = 0; i < 8; i++) target.send(data(1, "x".repeat(16_384)));
      world.settle();
      const before = windows();
      expect(before).toBeLessThan(8);
      // Beside it the connection goes on.
      const other = world.ask("GET", "/other");
      target.head(3, 200);
      for (let i = 0; i < 10; i++) target.send(data(3, "y".repeat(10_000), i === 9));
      world.settle();
      expect(other.answer.body).toHaveLength(100_000);
      client.read();
      target.send(data(1, "", true));
      world.settle();
      expect(client.answer.body).toHaveLength(8 * 16_384);
    });
  });
});

describe("what a target does wrong", () => {
  test.each<readonly [name: string, frames: string, error: string, status: number]>([
    ["no status", frame("HEADERS", END_HEADERS, 1, "\0\x01a\x01b"), "http_protocol_error", 502],
    ["a status that is none", frame("HEADERS", END_HEADERS, 1, "\x08\x03abc"), "http_protocol_error", 502],
    ["101", frame("HEADERS", END_HEADERS, 1, "\x08\x03101"), "http_protocol_error", 502],
    ["a field in upper case", frame("HEADERS", END_HEADERS, 1, "\x88\0\x01A\x01b"), "http_protocol_error", 502],
    ["a line feed in a value", frame("HEADERS", END_HEADERS, 1, "\x88\0\x01a\x03b\nc"), "http_protocol_error", 502],
    [
      "transfer-encoding",
      frame("HEADERS", END_HEADERS, 1, "\x88\0\x11transfer-encoding\x07chunked"),
      "http_protocol_error",
      502,
    ],
    [
      "no content where its length says some",
      frame("HEADERS", END_HEADERS | 1, 1, "\x88\x0f\x0d\x013"),
      "http_response_incomplete",
      502,
    ],
    ["content before a head", data(1, "abc"), "http_protocol_error", 502],
    [
      "an interim answer that ends the stream",
      frame("HEADERS", END_HEADERS | 1, 1, "\x08\x03103"),
      "http_protocol_error",
      502,
    ],
    ["RST_STREAM", rst(1, 2), "connection_terminated", 502],
    ["HPACK that is none", frame("HEADERS", END_HEADERS, 1, "\x80"), "http_protocol_error", 502],
    ["a push", frame("PUSH_PROMISE", END_HEADERS, 1, u32(2)), "http_protocol_error", 502],
    ["a stream that nobody asked for", frame("HEADERS", END_HEADERS, 7, "\x88"), "http_protocol_error", 502],
    ["bytes of HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n", "http_protocol_error", 502],
  ])("%s", (_, frames, error, status) => {
    inWorld(over(), (world) => {
      const client = world.ask("GET", "/");
      const target = accepted(world);
      target.send(frames);
      world.settle();
      expect(client.statuses).toEqual([status]);
      expect(world.record["error.type"]).toBe(error);
    });
  });

  test.each<readonly [name: string, behind: (target: Http2TargetPeer) => void, error: string]>([
    ["RST_STREAM", (target) => target.send(rst(1, 2)), "http_response_incomplete"],
    ["its connection ends", ({ connection }) => connection.leave(), "http_response_incomplete"],
    ["its connection breaks", ({ connection }) => connection.reset(), "http_response_incomplete"],
    ["it ends too early", (target) => target.send(data(1, "", true)), "http_response_incomplete"],
    ["it goes on too long", (target) => target.send(data(1, "x".repeat(10))), "http_protocol_error"],
    ["its trailers are none", (target) => target.trailers(1, [["A", "b"]]), "http_response_incomplete"],
  ])("content of an answer never looks whole when %s", (_, behind, error) => {
    inWorld(over(), (world) => {
      const client = world.ask("GET", "/");
      const target = accepted(world);
      target.head(1, 200, [["content-length", "9"]]);
      target.send(data(1, "abc"));
      world.settle();
      behind(target);
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, complete: false });
      expect(client.ending).toBe("reset");
      expect(world.record["error.type"]).toBe(error);
    });
  });
});

describe("another attempt", () => {
  const two: Upstream = { targets: ["http://a.test", "http://b.test"], balance: "first" };
  const answerOfB = (world: World): void => {
    const b = new Http2TargetPeer(world.b.last);
    b.greet();
    b.answer(1, 200, "b");
    world.settle();
  };

  test.each<readonly [name: string, refuse: (target: Http2TargetPeer) => void]>([
    ["says REFUSED_STREAM", (target) => target.send(rst(1, 7))],
    ["says that it will not serve it (GOAWAY)", (target) => target.send(frame("GOAWAY", 0, 0, u32(0) + u32(0)))],
  ])("follows, also of POST, when the target %s", (_, refuse) => {
    inWorld(over(two), (world) => {
      const client = world.ask("POST", "/", ["Content-Length: 3"], "abc");
      refuse(accepted(world));
      world.settle();
      answerOfB(world);
      expect(client.answer.body).toBe("b");
    });
  });

  test("goes to a new connection when the one that had served goes, of GET and not of POST", () => {
    inWorld(over(), (world) => {
      const statuses = ["GET", "POST"].map((method) => {
        world.ask("GET", "/warm");
        accepted(world).answer(1, 200);
        world.settle();
        const client = world.ask(method, "/");
        const served = world.a.connections.length;
        world.a.last.leave();
        world.settle();
        if (world.a.connections.length > served) accepted(world).answer(1, 200, "again");
        world.settle();
        world.a.last.leave();
        world.settle();
        return client.statuses;
      });
      expect(statuses).toEqual([[200], [502]]);
    });
  });

  test("does not follow when a first connection ends before an answer", () => {
    inWorld(over(two), (world) => {
      const client = world.ask("GET", "/");
      accepted(world);
      world.a.last.leave();
      world.settle();
      expect(client.statuses).toEqual([502]);
      expect(world.b.connections).toEqual([]);
    });
  });

  test.each(["ECONNREFUSED", "ETIMEDOUT"])("follows when no connection comes about: %s", (code) => {
    inWorld(over(two), (world) => {
      world.a.reception = code;
      const client = world.ask("POST", "/", ["Content-Length: 3"], "abc");
      answerOfB(world);
      expect(client.answer.body).toBe("b");
    });
  });

  test("after GOAWAY requests go to another connection, and those under way are answered", () => {
    inWorld(over(), (world) => {
      const first = world.ask("GET", "/1");
      const old = accepted(world);
      old.send(frame("GOAWAY", 0, 0, u32(1) + u32(0)));
      world.settle();
      const second = world.ask("GET", "/2");
      expect(world.a.connections).toHaveLength(2);
      accepted(world).answer(1, 200, "2");
      old.answer(1, 200, "1");
      world.settle();
      expect([first.answer.body, second.answer.body]).toEqual(["1", "2"]);
      expect(old.connection.over).toBe(true);
    });
  });
});

describe("clocks", () => {
  const timeouts = { connect: "1s", firstByte: "2s", idle: "3s", send: "4s" } as const;
  const timed = over({ timeouts, keepAlive: { idle: "5s" } });

  test.each<readonly [name: string, ms: number, error: string, begin: (world: World) => void]>([
    ["connect", 1000, "connection_timeout", () => undefined],
    ["firstByte", 2000, "http_response_timeout", (world) => void accepted(world)],
  ])("%s", (name, ms, error, begin) => {
    inWorld(timed, (world) => {
      if (name === "connect") world.a.reception = "hang";
      const client = world.ask("GET", "/");
      begin(world);
      world.advance(ms - 1);
      expect(client.statuses).toEqual([]);
      world.advance(1);
      expect(client.statuses).toEqual([504]);
      expect(world.record["error.type"]).toBe(error);
      world.platform.network.hanging.length = 0;
    });
  });

  test("idle: an answer that stands still breaks off", () => {
    inWorld(timed, (world) => {
      const client = world.ask("GET", "/");
      const target = accepted(world);
      target.head(1, 200);
      world.advance(2999);
      target.send(data(1, "a"));
      world.advance(2999);
      expect(client.ending).toBe("open");
      world.advance(1);
      expect(client.ending).toBe("reset");
      expect(world.record["error.type"]).toBe("connection_read_timeout");
      expect(target.request().reset).toBe(CANCEL);
    });
  });

  test("send: a target whose window stays shut", () => {
    inWorld(timed, (world) => {
      world.ask("GET", "/warm");
      const target = accepted(world, [4, 10]);
      target.answer(1, 200);
      world.settle();
      const client = world.ask("POST", "/", ["Content-Length: 20"], "x".repeat(20));
      world.advance(3999);
      target.send(windowUpdate(3, 5));
      world.advance(3999);
      expect(client.statuses).toEqual([]);
      world.advance(1);
      expect(client.statuses).toEqual([504]);
      expect(target.request(3)).toMatchObject({ body: "x".repeat(15), reset: CANCEL });
    });
  });

  test("a connection on which nothing runs is closed after keepAlive.idle, with GOAWAY", () => {
    inWorld(timed, (world) => {
      world.ask("GET", "/");
      const target = accepted(world);
      target.answer(1, 200);
      world.settle();
      world.advance(4999);
      expect(target.connection.over).toBe(false);
      world.advance(1);
      expect(target.connection.over).toBe(true);
      expect(target.frames.at(-1)!.type).toBe("GOAWAY");
    });
  });
});

test.each(["", "http/1.1"])("over TLS a target that agrees on %j is none of HTTP/2", (agreed) => {
  inWorld(toUpstream({ targets: ["https://a.test"], protocol: "h2" }), (world) => {
    world.platform.network.protocol = agreed;
    const client = world.ask("GET", "/");
    expect(client.statuses).toEqual([502]);
    expect(world.record["error.type"]).toBe("tls_protocol_error");
  });
});

test("over TLS the scheme is https, and what is agreed on is spoken", () => {
  inWorld(toUpstream({ targets: ["https://a.test"], protocol: "h2" }), (world) => {
    world.platform.network.protocol = "h2";
    const client = world.ask("GET", "/");
    const target = accepted(world);
    expect(target.request().fields).toContain(":scheme: https");
    target.answer(1, 200, "ok");
    world.settle();
    expect(client.answer.body).toBe("ok");
  });
});

test("a check over h2c asks by HTTP/2", () => {
  inWorld(over({ health: { path: "/ok", interval: "1s", timeout: "500ms" } }), (world) => {
    world.advance(1000);
    const target = accepted(world);
    expect(target.request().fields).toEqual(
      expect.arrayContaining([":path: /ok", ":authority: a.test", "user-agent: sluice-health"]),
    );
    target.answer(1, 200);
    world.settle();
    expect(target.connection.over).toBe(true);
    world.a.reception = "ECONNREFUSED";
  });
});
