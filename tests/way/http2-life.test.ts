// A connection of HTTP/2 from its handshake to its end: the clocks, half-closed clients, draining.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { PREFACE, data, frame, get, headers, lines, settings, windowUpdate } from "../support/http2-frames.ts";
import { Http2Client, inHttp2, overHttp2 } from "../support/http2-world.ts";
import { inWorld, type World } from "../support/fake-world.ts";

/** Every clock has a length of its own, so that one cannot be taken for another. */
const TIMEOUTS = { head: "1000ms", keepAlive: "2000ms", body: "3000ms", send: "4000ms" } as const;
const SLOW = {
  timeouts: { connect: "500s", firstByte: "600s", idle: "700s", send: "900s" },
  keepAlive: { idle: "800s" },
} as const;
const OPTIONS = overHttp2({ timeouts: TIMEOUTS }, {}, SLOW);
const MOST = 0x7fff_ffff;
const CANCEL = 8;
const post = (stream: number, more: readonly (readonly [string, string])[] = []): string =>
  headers(stream, lines("POST", "/", more), false);
const PING = frame("PING", 0, 0, "12345678");

describe("clocks", () => {
  test.each<readonly [name: string, begin: (client: Http2Client, world: World) => void]>([
    ["before the first request", () => undefined],
    ["behind the last answer", (client, world) => answered(client, world, 1)],
    ["whatever the client says meanwhile that asks for nothing", () => undefined],
  ])("keepAlive, %s: GOAWAY, and the connection closes", (name, begin) => {
    inHttp2((client, world) => {
      begin(client, world);
      world.advance(1000);
      if (name.startsWith("whatever")) client.send(PING, settings(), windowUpdate(0, 1));
      world.advance(999);
      expect(client.peer.ending).toBe("open");
      world.advance(1);
      expect(client.said.goAways).toMatchObject([{ code: 0 }]);
      expect(client.peer.ending).toBe("fin");
    }, OPTIONS);
  });

  test("keepAlive does not run while a request does", () => {
    inHttp2((client, world) => {
      client.send(get(1));
      world.advance(60_000);
      world.a.last.answer(200, "late");
      world.settle();
      expect(client.answer()).toMatchObject({ body: "late", complete: true });
    }, OPTIONS);
  });

  test.each([
    ["a field block that does not end", frame("HEADERS", 0, 3, "\x82")],
    ["a frame that does not end", get(3).slice(0, -1)],
  ])("head, of %s, also beside a request that runs", (_, begun) => {
    inHttp2((client, world) => {
      client.send(get(1));
      client.send(begun);
      world.advance(999);
      expect(client.peer.ending).toBe("open");
      world.advance(1);
      expect(client.goAway).toBe(11);
      expect(client.peer.over).toBe(true);
      expect(world.record["error.type"]).toBe("http_request_error");
    }, OPTIONS);
  });

  test("head does not run for content that comes slowly, in the middle of its frame", () => {
    inHttp2((client, world) => {
      const content = data(1, "x".repeat(20), true);
      client.send(post(1) + content.slice(0, 9));
      for (let at = 9; at < content.length; at++) {
        world.advance(2000);
        client.send(content[at]!);
      }
      expect(world.a.last.request).toMatchObject({ body: "x".repeat(20), complete: true });
      world.a.last.answer(200);
    }, OPTIONS);
  });

  test.each<readonly [name: string, head: string]>([
    ["before its first byte", post(1)],
    ["in the middle of it", post(1) + data(1, "ab")],
    ["in the middle of a frame", post(1) + data(1, "abcdef").slice(0, 12)],
  ])("body, %s: 408, and the others go on", (_, head) => {
    inHttp2((client, world) => {
      client.send(head);
      world.advance(2999);
      expect(client.said.answers.get(1)?.status).toBeUndefined();
      world.advance(1);
      expect(client.answer()).toMatchObject({ status: 408, complete: true, reset: undefined });
      expect(world.a.last.over).toBe(true);
      expect(world.record["error.type"]).toBe("request_timeout");
      expect(client.goAway).toBeUndefined();
    }, OPTIONS);
  });

  test("body does not run before a client that waits for 100-continue has got it, nor while nobody reads", () => {
    inHttp2((client, world) => {
      world.a.reception = "hang";
      client.send(post(1, [["expect", "100-continue"]]));
      world.advance(10_000);
      client.send(post(3) + data(3, "x".repeat(16_384)).repeat(3) + data(3, "x".repeat(16_383)));
      world.advance(10_000);
      expect(client.said.answers.size).toBe(0);
      for (const attempt of world.platform.network.hanging.splice(0)) attempt.proceed("accept");
      world.settle();
      client.send(data(1, "a", true), data(3, "b", true));
      for (const connection of world.a.connections) connection.answer(200);
      world.settle();
      expect([client.answer(1).status, client.answer(3).status]).toEqual([200, 200]);
    }, OPTIONS);
  });

  test("send, of one stream whose window is shut: it ends, and the others go on", () => {
    inHttp2((client, world) => {
      client.send(settings([4, 10]), get(1));
      world.a.last.answer(200, "x".repeat(100));
      world.advance(3000);
      client.send(windowUpdate(1, 1));
      world.advance(3999);
      expect(client.answer().reset).toBeUndefined();
      world.advance(1);
      expect(client.answer()).toMatchObject({ body: "x".repeat(11), complete: false, reset: CANCEL });
      expect(world.record).toMatchObject({ "error.type": "client_disconnect", "http.response.body.size": 11 });
      answered(client, world, 3);
    }, OPTIONS);
  });

  test("send, of a connection that takes nothing", () => {
    inHttp2((client, world) => {
      client.send(settings([4, MOST]), windowUpdate(0, 1_000_000_000), get(1));
      client.peer.hold();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
      world.a.last.send("x".repeat(1_000_000));
      world.advance(3999);
      // What the client still says is no sign that it reads.
      client.send(PING);
      expect(world.records).toEqual([]);
      world.advance(1);
      expect(world.record["error.type"]).toBe("client_disconnect");
      expect(client.peer.ending).toBe("reset");
      expect(world.a.last.over).toBe(true);
    }, OPTIONS);
  });
});

describe("a client that sends FIN", () => {
  test("without a request gets one", () => {
    inHttp2((client, world) => {
      client.peer.end();
      world.settle();
      expect(client.peer.ending).toBe("closed");
    });
  });

  test.each(["ask", "answer", "leave"] as const)("and waits for an answer, with halfClose %s", (halfClose) => {
    inHttp2((client, world) => {
      client.send(get(1));
      client.peer.end();
      world.settle();
      expect(client.frames("PING")).toHaveLength(halfClose === "ask" ? 1 : 0);
      expect(world.a.last.over).toBe(halfClose === "leave");
      if (halfClose === "leave") return expect(world.record["error.type"]).toBe("client_disconnect");
      world.a.last.answer(200, "late");
      world.settle();
      expect(client.answer()).toMatchObject({ body: "late", complete: true });
      expect(client.peer.ending).toBe("closed");
    }, overHttp2({ halfClose }));
  });

  test("in the middle of its request has left", () => {
    inHttp2((client, world) => {
      client.send(post(1) + data(1, "ab"));
      client.peer.end();
      world.settle();
      expect(world.a.last.request.complete).toBe(false);
      expect(world.a.last.over).toBe(true);
      expect(world.record["error.type"]).toBe("client_disconnect");
    });
  });
});

test("a client that says GOAWAY gets what it has asked for, and then the connection closes", () => {
  inHttp2((client, world) => {
    client.send(get(1));
    client.send(frame("GOAWAY", 0, 0, "\0".repeat(8)));
    expect(client.peer.ending).toBe("open");
    world.a.last.answer(200);
    world.settle();
    expect(client.answer().status).toBe(200);
    expect(client.peer.ending).toBe("fin");
  });
});

describe("draining", () => {
  /** Begins to drain after this. */
  function drained(
    begin: (client: Http2Client, world: World) => void,
    see: (client: Http2Client, world: World) => void,
  ): void {
    inHttp2((client, world) => {
      begin(client, world);
      void world.gateway.drain();
      world.settle();
      see(client, world);
    });
  }

  test("new streams had better go elsewhere; those on their way are served, then they are refused", () => {
    drained(
      (client) => client.send(get(1)),
      (client, world) => {
        expect(client.said.goAways).toEqual([{ last: MOST, code: 0, why: "" }]);
        client.send(get(3));
        world.advance(249);
        expect(client.said.goAways).toHaveLength(1);
        world.advance(1);
        expect(client.said.goAways).toEqual([
          { last: MOST, code: 0, why: "" },
          { last: 3, code: 0, why: "" },
        ]);
        client.send(get(5));
        expect(client.answer(5).reset).toBe(7);
        for (const connection of world.a.connections) connection.answer(200);
        world.settle();
        expect([client.answer(1).status, client.answer(3).status]).toEqual([200, 200]);
        expect(client.peer.ending).toBe("fin");
      },
    );
  });

  test("a connection without requests closes soon", () => {
    drained(
      () => undefined,
      (client, world) => {
        world.advance(249);
        expect(client.peer.ending).toBe("open");
        world.advance(1);
        expect(client.peer.ending).toBe("fin");
      },
    );
  });

  test("what outlives the grace is cut, visibly, and recorded", () => {
    inHttp2(
      (client, world) => {
        client.send(get(1));
        world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        void world.gateway.drain();
        world.advance(10_000);
        expect(client.answer()).toMatchObject({ body: "abc", complete: false });
        expect(client.peer.ending).toBe("reset");
        expect(world.record["error.type"]).toBe("draining");
      },
      overHttp2({}, { shutdown: { grace: "10s" } }),
    );
  });

  test("while others are still let in, each answer says that it is better elsewhere", () => {
    inHttp2(
      (client, world) => {
        client.send(get(1));
        void world.gateway.drain();
        world.advance(1000);
        expect(client.goAway).toBeUndefined();
        world.a.last.answer(200);
        world.settle();
        expect(client.said.goAways).toEqual([{ last: MOST, code: 0, why: "" }]);
        answered(client, world, 3);
        expect(client.said.goAways).toHaveLength(1);
      },
      overHttp2({}, { shutdown: { drainDelay: "5s" } }),
    );
  });

  test("a plain connection that has not spoken yet closes soon", () => {
    inWorld(overHttp2(), (world) => {
      const client = world.client();
      world.settle();
      void world.gateway.drain();
      world.advance(250);
      expect(client.over).toBe(true);
    });
  });
});

describe("over TLS", () => {
  const PEMS = {
    "a.pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    "a.key": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
  };
  const options = (http2?: boolean): GatewayOptions =>
    overHttp2({ tls: { certificates: { cert: "a.pem", key: "a.key" } }, http2: http2 as boolean });

  test.each<readonly [agreed: string, http2: boolean | undefined, speaks: string]>([
    ["h2", undefined, "h2"],
    ["h2", true, "h2"],
    ["http/1.1", true, "http/1.1"],
    ["", true, "http/1.1"],
  ])("what the handshake agrees on is spoken: %j with http2 %p", (agreed, http2, speaks) => {
    inWorld(
      options(http2),
      (world) => {
        world.platform.network.protocol = agreed;
        if (speaks === "h2") {
          const client = new Http2Client(world, PREFACE + settings());
          client.send(get(1));
          world.a.last.answer(200);
          world.settle();
          expect(client.answer().status).toBe(200);
        } else {
          const client = world.ask("GET", "/");
          world.a.last.answer(200);
          world.settle();
          expect(client.answer.status).toBe(200);
        }
        expect(world.record["http.response.status_code"]).toBe(200);
      },
      PEMS,
    );
  });
});

function answered(client: Http2Client, world: World, stream: number): void {
  client.send(get(stream));
  world.a.last.answer(200, "ok");
  world.settle();
  expect(client.answer(stream)).toMatchObject({ body: "ok", complete: true });
}
