// Uploads: told to go on, overtaken by their answer, broken off in every way, and at the pace of who takes them.
import { describe, expect, test } from "bun:test";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";
const EXPECTING = ["Expect: 100-continue", "Content-Length: 5"];
const OPTIONS = toUpstream(
  {},
  {
    routes: {
      up: { match: "/*", to: "up" },
      fixed: { match: "/fixed", answer: { status: 403, body: "no" } },
      handler: { match: "/handler", handler: async ({ request }) => new Response(await request.text()) },
      deaf: { match: "/deaf", handler: () => new Response("not read") },
    },
  },
);

describe("Expect: 100-continue (GW-16)", () => {
  test("the client is told to go on when the target is connected, and the expectation ends here", () => {
    inWorld(OPTIONS, (world) => {
      world.a.reception = "hang";
      const client = world.ask("POST", "/", EXPECTING);
      expect(client.received).toBe("");
      world.platform.network.hanging.shift()!.proceed("accept");
      world.settle();
      expect(client.received).toBe(CONTINUE);
      expect(fieldOf(world.a.last.request, "expect")).toBeUndefined();
      client.send("hello");
      world.settle();
      expect(world.a.last.request).toMatchObject({ body: "hello", complete: true });
      world.a.last.answer(200, "ok");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, interim: [100] });
    });
  });

  test("what the target says of it goes no further", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("POST", "/", EXPECTING);
      world.a.last.send(CONTINUE);
      client.send("hello");
      world.settle();
      world.a.last.answer(200, "ok");
      world.settle();
      expect(client.answer.interim).toEqual([100]);
    });
  });

  test.each([
    ["/fixed", 403],
    ["/deaf", 200],
  ])("an answer that does without the content comes without 100: %s", (path, status) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("POST", path, EXPECTING);
      expect(client.answer).toMatchObject({ status, interim: [], complete: true });
      // Whether the content follows nobody knows: the connection cannot serve another request, and says so.
      expect(fieldOf(client.answer, "connection")).toBe("close");
      expect(client.ending).toBe("fin");
    });
  });

  test("a refusal comes without 100", () => {
    inWorld({ ...OPTIONS, routes: { one: { match: "GET /one", to: "up" } } }, (world) => {
      for (const [path, status] of [
        ["/none", 404],
        ["/one", 405],
      ] as const) {
        expect(world.ask("POST", path, EXPECTING).answer).toMatchObject({ status, interim: [], complete: true });
      }
    });
  });

  test("content that comes without waiting is taken, and 100 is not sent any more", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("POST", "/", EXPECTING, "hello");
      world.a.last.answer(200, "ok");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, interim: [] });
      expect(world.a.last.request.body).toBe("hello");
    });
  });

  test("another expectation is refused", () => {
    inWorld(OPTIONS, (world) => {
      expect(world.ask("POST", "/", ["Expect: a miracle", "Content-Length: 5"]).answer.status).toBe(417);
    });
  });
});

describe("an answer that overtakes its upload", () => {
  const begin = (world: World, fields: readonly string[] = ["Content-Length: 100000"]): FakeClient =>
    world.ask("POST", "/", fields, fields[0]!.startsWith("Content") ? "abc" : "3\r\nabc\r\n");

  test("reaches the client at once, which reads it although it still sends", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world);
      world.a.last.answer(413, "too much");
      world.settle();
      expect(client.answer).toMatchObject({ status: 413, body: "too much", complete: true });
      expect(fieldOf(client.answer, "connection")).toBe("close");
      expect(world.a.last.over).toBe(true);
      for (let i = 0; i < 20; i++) {
        client.send("x".repeat(1000));
        world.advance(100);
      }
      expect(client.ending).toBe("fin");
      expect(world.record).toMatchObject({ "http.response.status_code": 413, "sluice.attempts": 1 });
      expect(world.record["error.type"]).toBeUndefined();
    });
  });

  test("and both may go on together to their ends", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world, ["Transfer-Encoding: chunked"]);
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let i = 0; i < 10; i++) {
        client.send("1\r\nu\r\n");
        world.a.last.send("1\r\nd\r\n");
        world.advance(1000);
      }
      client.send("0\r\n\r\n");
      world.a.last.send("0\r\n\r\n");
      world.settle();
      expect(client.answer).toMatchObject({ body: "d".repeat(10), complete: true });
      expect(world.a.last.request).toMatchObject({ body: `abc${"u".repeat(10)}`, complete: true });
      // Both are whole: both connections serve again.
      client.request("GET", "/again");
      world.settle();
      world.a.last.answer(200, "again");
      world.settle();
      expect(client.answers[1]!.body).toBe("again");
      expect(world.a.connections).toHaveLength(1);
    });
  });

  test("and ends first: the upload ends too, and neither connection serves again", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world, ["Transfer-Encoding: chunked"]);
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n");
      world.settle();
      world.a.last.send("0\r\n\r\n");
      world.settle();
      expect(client.answer).toMatchObject({ body: "d", complete: true });
      expect([client.ending, world.a.last.ending]).toEqual(["fin", "reset"]);
      expect(world.a.last.request.complete).toBe(false);
    });
  });

  test("of a target that closes behind it", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world);
      world.a.last.send(answerText("too much", ["Connection: close"], 413));
      world.a.last.end();
      world.settle();
      expect(client.answer).toMatchObject({ status: 413, body: "too much", complete: true });
    });
  });

  test("and is large: FIN of its client, which gives the upload up, does not cut it", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world);
      client.socket.peer.capacity = 100;
      client.hold();
      world.a.last.answer(413, "x".repeat(5000));
      world.settle();
      client.end();
      world.settle();
      client.read();
      world.settle();
      expect(client.answer).toMatchObject({ status: 413, complete: true });
      expect(world.record["error.type"]).toBeUndefined();
    });
  });

  test("of a target that takes nothing more", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world);
      world.a.last.socket.peer.capacity = 0;
      client.send("x".repeat(50_000));
      world.settle();
      world.a.last.answer(413, "too much");
      world.settle();
      expect(client.answer.status).toBe(413);
    });
  });

  test("and is large: all of it goes out, though the client waits with its upload", () => {
    inWorld(OPTIONS, (world) => {
      const client = begin(world);
      client.socket.peer.capacity = 100;
      client.hold();
      world.a.last.answer(413, "x".repeat(5000));
      for (let i = 0; i < 20; i++) {
        world.advance(20_000);
        client.read();
        world.platform.clock.step();
        client.hold();
      }
      client.read();
      world.settle();
      expect(client.answer).toMatchObject({ status: 413, complete: true });
    });
  });
});

describe("an upload that breaks off never looks whole to the target", () => {
  interface Broken {
    readonly name: string;
    readonly fields: readonly string[];
    readonly breakOff: (client: FakeClient, world: World) => void;
    /** What the client is told; undefined when it is gone. */
    readonly status?: number;
    readonly error: string;
  }
  const CHUNKED = ["Transfer-Encoding: chunked"];
  const SIZED = ["Content-Length: 100"];
  const cases: readonly Broken[] = [
    { name: "by a reset", fields: SIZED, breakOff: (client) => client.reset(), error: "client_disconnect" },
    { name: "by FIN", fields: SIZED, breakOff: (client) => client.end(), error: "client_disconnect" },
    { name: "by FIN between chunks", fields: CHUNKED, breakOff: (client) => client.end(), error: "client_disconnect" },
    {
      name: "by silence",
      fields: SIZED,
      breakOff: (_, world) => world.advance(30_000),
      status: 408,
      error: "request_timeout",
    },
    {
      name: "by a chunk size that is none",
      fields: CHUNKED,
      breakOff: (client) => client.send("zz\r\n"),
      status: 400,
      error: "http_request_error",
    },
    {
      name: "by a chunk longer than its size",
      fields: CHUNKED,
      breakOff: (client) => client.send("1\r\nabc\r\n"),
      status: 400,
      error: "http_request_error",
    },
    {
      name: "by trailers that are none",
      fields: CHUNKED,
      breakOff: (client) => client.send("0\r\n: no name\r\n\r\n"),
      status: 400,
      error: "http_request_error",
    },
  ];

  test.each(cases.map((each) => [each.name, each] as const))("%s", (_, { fields, breakOff, status, error }) => {
    for (const moment of ["sent", "connecting", "answered"] as const) {
      inWorld(OPTIONS, (world) => {
        if (moment === "connecting") world.a.reception = "hang";
        const client = world.ask("POST", "/", fields, fields === CHUNKED ? "3\r\nabc\r\n" : "abc");
        if (moment === "answered") {
          world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
          world.settle();
        }
        // Connecting takes a moment longer than the break, but less than it may.
        breakOff(client, world);
        world.settle();
        for (const attempt of world.platform.network.hanging.splice(0)) attempt.proceed("accept");
        world.settle();
        for (const { requests, over } of world.a.connections) {
          expect({ moment, whole: requests.some(({ complete }) => complete), over }).toEqual({
            moment,
            whole: false,
            over: true,
          });
        }
        if (moment === "connecting" && error === "request_timeout") {
          expect(client.statuses).toEqual([504]);
          return;
        }
        expect({ moment, error: world.record["error.type"] }).toEqual({ moment, error });
        if (moment === "answered") expect(client.answer).toMatchObject({ status: 200, complete: false });
        else expect(client.statuses).toEqual(status === undefined ? [] : [status]);
        expect(client.over || status === undefined).toBe(true);
      });
    }
  });
});

describe("an upload goes at the pace of who takes it", () => {
  test.each(["/", "/handler"])("to %s: what is not taken stays with the client", (path) => {
    const size = 3_000_000;
    const options = {
      ...OPTIONS,
      routes: { ...OPTIONS.routes, slow: { match: "/slow", handler: () => new Promise<Response>(() => undefined) } },
    };
    inWorld(options, (world) => {
      if (path === "/") {
        world.a.onConnection = (connection) => {
          connection.hold();
          connection.socket.peer.capacity = 1000;
        };
      }
      const client = world.client();
      client.request("POST", path === "/" ? path : "/slow", [`Content-Length: ${size}`]);
      for (let sent = 0; sent < size; sent += 10_000) client.send("x".repeat(10_000));
      world.settle();
      // All but what the kernels hold and a piece or two.
      expect(client.socket.waiting).toBeGreaterThan(size - 400_000);
      client.reset();
    });
  });

  test("content that is there before its reader comes whole and in order", () => {
    inWorld(OPTIONS, (world) => {
      world.a.reception = "hang";
      const client = world.client();
      const content = Array.from({ length: 30_000 }, (_, i) => String(i % 10)).join("");
      client.request("POST", "/", ["Transfer-Encoding: chunked"]);
      for (let at = 0; at < content.length; at += 7000) {
        const piece = content.slice(at, at + 7000);
        client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`);
        world.settle();
      }
      client.send("0\r\nX-Sum: 9\r\n\r\n");
      world.settle();
      world.platform.network.hanging.shift()!.proceed("accept");
      world.settle();
      expect(world.a.last.request.body === content).toBe(true);
      expect(world.a.last.request.complete).toBe(true);
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });
});
