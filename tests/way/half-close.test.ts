// A client that sends FIN and waits: what each `halfClose` makes of it (GW-22), and requests sent ahead.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

type HalfClose = "ask" | "answer" | "leave";
const MODES: readonly HalfClose[] = ["ask", "answer", "leave"];
const options = (halfClose: HalfClose): GatewayOptions => toUpstream({}, { listen: { halfClose } });
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";

describe.each(MODES)("halfClose %s", (mode) => {
  const gone = mode === "leave";
  const inMode = (story: (world: World) => void): void => inWorld(options(mode), story);

  test("while the answer is awaited", () => {
    inMode((world) => {
      const client = world.ask("GET", "/");
      client.end();
      world.settle();
      expect(client.received).toBe(mode === "ask" ? CONTINUE : "");
      expect(world.a.last.over).toBe(gone);
      if (gone) {
        expect(world.record).toMatchObject({ "http.response.status_code": 499, "error.type": "client_disconnect" });
        return;
      }
      world.advance(50_000);
      world.a.last.answer(200, "late");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, body: "late", complete: true });
      expect(client.ending).toBe("closed");
      expect(world.record["error.type"]).toBeUndefined();
    });
  });

  test("sent with the request, in the same moment", () => {
    inMode((world) => {
      const client = world.client();
      client.request("POST", "/", ["Content-Length: 3"], "abc");
      client.end();
      world.settle();
      if (gone) return expect(world.record["http.response.status_code"]).toBe(499);
      world.a.last.answer(200, "late");
      world.settle();
      expect(client.answer.body).toBe("late");
    });
  });

  test("in an answer in chunks", () => {
    inMode((world) => {
      const client = world.ask("GET", "/");
      world.a.last.send(CHUNKED);
      world.settle();
      client.end();
      world.settle();
      expect(world.a.last.over).toBe(gone);
      if (gone) return expect(world.record["error.type"]).toBe("client_disconnect");
      world.a.last.send("2\r\nde\r\n");
      world.settle();
      world.a.last.send("0\r\n\r\n");
      world.settle();
      expect(client.answer).toMatchObject({ body: "abcde", complete: true });
      expect(client.ending).toBe("closed");
    });
  });

  test("in an answer of a length: no byte is added to it", () => {
    inMode((world) => {
      const client = world.ask("GET", "/");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
      world.settle();
      client.end();
      world.settle();
      if (gone) return expect(world.a.last.over).toBe(true);
      world.a.last.send("de");
      world.settle();
      expect(client.answer).toMatchObject({ body: "abcde", complete: true });
    });
  });

  test("in the middle of its upload it is gone, whatever the mode", () => {
    inMode((world) => {
      const client = world.ask("POST", "/", ["Content-Length: 9"], "abc");
      client.end();
      world.settle();
      expect(world.a.last.over).toBe(true);
      expect(world.record["error.type"]).toBe("client_disconnect");
    });
  });

  test("a client of HTTP/1.0 cannot be asked", () => {
    inMode((world) => {
      const client = world.client();
      client.send("GET / HTTP/1.0\r\n\r\n");
      world.settle();
      client.end();
      world.settle();
      if (gone) return expect(world.a.last.over).toBe(true);
      expect(client.received).toBe("");
      world.a.last.answer(200, "old");
      world.settle();
      expect(client.answer.body).toBe("old");
    });
  });

  test("behind requests that were sent ahead", () => {
    inMode((world) => {
      const client = world.client();
      for (const path of ["/1", "/2", "/3"]) client.request("GET", path);
      world.settle();
      client.end();
      world.settle();
      if (gone) return expect(world.a.requests).toHaveLength(1);
      for (let i = 0; i < 3; i++) {
        world.a.last.answer(200, world.a.last.request.target);
        world.settle();
      }
      expect(client.answers.map(({ body }) => body)).toEqual(["/1", "/2", "/3"]);
      expect(client.ending).toBe("closed");
      expect(world.records.map((record) => record["url.path"])).toEqual(["/1", "/2", "/3"]);
    });
  });

  test("while the end of its answer waits for it", () => {
    inMode((world) => {
      const client = world.client();
      client.request("GET", "/");
      world.settle();
      client.socket.peer.capacity = 100;
      client.hold();
      world.a.last.answer(200, "x".repeat(1000));
      world.settle();
      client.end();
      world.settle();
      client.read();
      world.settle();
      if (gone) return expect(world.record["error.type"]).toBe("client_disconnect");
      expect(client.answer).toMatchObject({ complete: true });
      expect(client.ending).toBe("closed");
    });
  });
});

describe("requests sent ahead", () => {
  test("are answered in their order, one after another, and sent on one at a time", () => {
    inWorld(toUpstream(), (world) => {
      const client = world.client();
      for (let i = 0; i < 10; i++) client.request(i % 2 === 0 ? "GET" : "HEAD", `/${i}`);
      for (let i = 0; i < 10; i++) {
        world.settle();
        expect(world.a.requests).toHaveLength(i + 1);
        world.a.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${i % 2 === 0 ? `/${i}` : ""}`);
      }
      world.settle();
      expect(client.answers.map(({ body }) => body)).toEqual(["/0", "", "/2", "", "/4", "", "/6", "", "/8", ""]);
      expect(world.a.connections).toHaveLength(1);
    });
  });

  test("with content between them", () => {
    inWorld(toUpstream(), (world) => {
      world.a.answerAll(
        (request) => `HTTP/1.1 200 OK\r\nContent-Length: ${request.body.length}\r\n\r\n${request.body}`,
      );
      for (const joins of [false, true]) {
        world.platform.network.joins = joins;
        const client = world.client();
        client.request("POST", "/", ["Content-Length: 5"], "first");
        client.request("POST", "/", ["Transfer-Encoding: chunked"], "6\r\nsecond\r\n0\r\n\r\n");
        client.request("GET", "/");
        client.request("POST", "/", ["Content-Length: 6"], "fourth");
        world.settle();
        expect(client.answers.map(({ body }) => body)).toEqual(["first", "second", "", "fourth"]);
      }
    });
  });

  test("are not read any further than a head may be long, until their turn comes", () => {
    inWorld(toUpstream({}, { listen: { maxHead: "1KiB" } }), (world) => {
      const client = world.client();
      client.request("GET", "/first");
      world.settle();
      const one = "GET /next HTTP/1.1\r\nHost: gw.test\r\n\r\n";
      for (let i = 0; i < 300; i++) client.send(one);
      world.settle();
      // What the gateway has not read is still with the client's kernel.
      expect(client.socket.peer.unread).toBeGreaterThan(9000);
      world.a.answerAll(() => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      world.a.last.answer(200);
      for (let i = 0; i < 300; i++) {
        world.settle();
        const { last } = world.a;
        if (last.requests.length === i + 2) last.answer(200);
      }
      world.settle();
      expect(client.answers).toHaveLength(301);
    });
  });

  test("behind one that is refused are not answered: nobody knows where they begin", () => {
    inWorld(toUpstream(), (world) => {
      const client = world.client();
      client.send("GET /\r\n\r\n");
      client.request("GET", "/next");
      world.settle();
      expect(client.statuses).toEqual([400]);
      expect(world.a.connections).toHaveLength(0);
      expect(world.exchanges).toBe(1);
    });
  });

  test("behind one whose body was not read are not answered", () => {
    inWorld(toUpstream(), (world) => {
      const client = world.client();
      client.send("POST /early HTTP/1.1\r\nHost: gw.test\r\nContent-Length: 100000\r\n\r\nabc");
      world.settle();
      world.a.last.answer(413);
      world.settle();
      client.send("x".repeat(99_997));
      client.request("GET", "/next");
      world.settle();
      expect(client.statuses).toEqual([413]);
      expect(world.a.requests).toHaveLength(1);
    });
  });

  test("behind Connection: close are not answered", () => {
    inWorld(toUpstream(), (world) => {
      const client = world.client();
      client.request("GET", "/", ["Connection: close"]);
      client.request("GET", "/next");
      world.settle();
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
      expect(client.ending).toBe("fin");
      expect(world.a.requests).toHaveLength(1);
    });
  });

  test("twenty thousand answered at once nest no calls", () => {
    const count = 20_000;
    inWorld({ routes: { all: { match: "/*", answer: { status: 204 } } } }, (world) => {
      const client = world.client();
      client.socket.capacity = Infinity;
      client.socket.peer.capacity = Infinity;
      client.send("GET / HTTP/1.1\r\nHost: gw.test\r\n\r\n".repeat(count));
      world.settle();
      expect(client.answers).toHaveLength(count);
    });
  });
});

test("a client of HTTP/1.0 that would keep its connection sees the end of an answer of unknown length", () => {
  inWorld(toUpstream(), (world) => {
    const client = world.client();
    client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    world.settle();
    world.a.last.send(`${CHUNKED}0\r\n\r\n`);
    world.settle();
    expect(client.ending).toBe("fin");
    expect(client.answer).toMatchObject({ body: "abc", framing: "close", complete: true });
    expect(client.received).not.toContain("keep-alive");
  });
});

describe("connections", () => {
  test("beyond listen.maxConnections are closed at once, and taken again when there is room", () => {
    inWorld(toUpstream({}, { listen: { maxConnections: 2 } }), (world) => {
      const [first, second, third] = [world.client(), world.client(), world.client()];
      world.settle();
      expect([first!.ending, second!.ending, third!.ending]).toEqual(["open", "open", "reset"]);
      first!.leave();
      world.settle();
      const fourth = world.ask("GET", "/");
      world.a.last.answer(200, "room");
      world.settle();
      expect(fourth.answer.body).toBe("room");
      expect(world.platform.notices.splice(0).map(({ text }) => text)).toEqual([
        "2 connections are open, the most that listen.maxConnections allows: new ones are closed at once (1 since the start)",
      ]);
    });
  });
});

test("FIN behind a head that cannot be read: its refusal still goes out", () => {
  inWorld(toUpstream(), (world) => {
    // The kernel takes the refusal piece by piece, so that FIN comes in the middle of it.
    world.platform.network.capacity = 50;
    const client = world.client();
    client.send("GET  /two-spaces\r\n\r\n");
    client.end();
    world.settle();
    expect(client.answer).toMatchObject({ status: 400, complete: true });
    expect(client.ending).toBe("closed");
  });
});
