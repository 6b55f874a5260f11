// The clocks towards a target: each ends what it is for at its limit, not before, and nothing else.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

/** Every clock has a length of its own, so that one cannot be taken for another. */
const OPTIONS: GatewayOptions = toUpstream(
  {
    timeouts: { connect: "1000ms", firstByte: "2000ms", idle: "3000ms", send: "3500ms" },
    keepAlive: { idle: "4000ms", maxAge: "100s" },
  },
  { listen: { timeouts: { head: "500s", keepAlive: "600s", body: "700s", send: "800s" } } },
);
const HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";

interface ClockCase {
  readonly name: string;
  readonly begin: (world: World, client: FakeClient) => void;
  readonly ms: number;
  /** 504, or an answer that has begun and breaks off. */
  readonly status: number;
  readonly error: string;
}

const CLOCKS: readonly ClockCase[] = [
  {
    name: "connect",
    begin(world, client) {
      world.a.reception = "hang";
      client.request("GET", "/");
    },
    ms: 1000,
    status: 504,
    error: "connection_timeout",
  },
  {
    name: "firstByte, from the head of a request without content on",
    begin: (_, client) => client.request("GET", "/"),
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "firstByte, from content that came with its head on",
    begin: (_, client) => client.request("POST", "/", ["Content-Length: 3"], "abc"),
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "firstByte, from the last byte of an upload on",
    begin(world, client) {
      client.request("POST", "/", ["Content-Length: 3"], "ab");
      world.advance(100_000);
      client.send("c");
    },
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "firstByte, which interim answers do not move",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 102 Processing\r\n\r\n");
    },
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "firstByte, which a head that stops half way does not move",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent");
    },
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "firstByte, also on a connection that has served before",
    begin(world, client) {
      client.request("GET", "/first");
      world.settle();
      world.a.last.answer(200);
      world.settle();
      client.received = "";
      client.request("GET", "/");
    },
    ms: 2000,
    status: 504,
    error: "http_response_timeout",
  },
  {
    name: "idle, from the answer's head on",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send(HEAD);
    },
    ms: 3000,
    status: 200,
    error: "connection_read_timeout",
  },
  {
    name: "idle, between two pieces of the answer",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send(HEAD);
      world.advance(2999);
      world.a.last.send("abc");
    },
    ms: 3000,
    status: 200,
    error: "connection_read_timeout",
  },
  {
    name: "idle, of an answer in chunks",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    },
    ms: 3000,
    status: 200,
    error: "connection_read_timeout",
  },
  {
    name: "send, while the target takes nothing of an upload",
    begin(world, client) {
      client.request("POST", "/", ["Content-Length: 300000"]);
      world.settle();
      world.a.last.hold();
      world.a.last.socket.peer.capacity = 1000;
      client.send("x".repeat(100_000));
    },
    ms: 3500,
    status: 504,
    error: "connection_write_timeout",
  },
  {
    name: "idle, of an answer whose request moves on",
    begin(world, client) {
      client.request("POST", "/", ["Content-Length: 900000"]);
      world.settle();
      world.a.last.send(HEAD);
      world.a.last.hold();
      world.a.last.socket.peer.capacity = 1000;
      client.send("x".repeat(100_000));
      world.settle();
      world.a.last.read();
    },
    ms: 3000,
    status: 200,
    error: "connection_read_timeout",
  },
];

describe("a clock towards a target ends what it is for at its limit and not before", () => {
  test.each(CLOCKS.map((each) => [each.name, each] as const))("%s", (name, { begin, ms, status, error }) => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      world.settle();
      begin(world, client);
      world.advance(ms - 1);
      expect({ records: world.records.length, over: client.over }).toEqual({
        records: world.exchanges - 1,
        over: false,
      });
      world.advance(1);
      expect(world.records.at(-1)).toMatchObject({
        "http.response.status_code": status,
        "error.type": error,
        // The operator reads which option it was, and how long it is.
        "sluice.error.detail": expect.stringMatching(new RegExp(`${ms} ms.*\\(timeouts\\.${name.split(",")[0]!}\\)$`)),
      });
      expect(client.statuses).toEqual([status]);
      // What had begun is visibly broken; what had not is answered whole.
      expect(client.answer.complete).toBe(status === 504);
      // Nothing of it is kept.
      expect(world.a.open).toEqual([]);
    });
  });

  test("the clocks of a route stand in place of its upstream's", () => {
    const routes = { all: { match: "/*", to: "up", timeouts: { connect: "7s", firstByte: "8s" } } } as const;
    inWorld({ ...OPTIONS, routes }, (world) => {
      world.a.reception = "hang";
      const slow = world.ask("GET", "/");
      world.advance(6999);
      expect(slow.received).toBe("");
      world.advance(1);
      expect(slow.statuses).toEqual([504]);
      world.a.reception = "accept";
      const silent = world.ask("GET", "/");
      world.advance(7999);
      expect(silent.received).toBe("");
      world.advance(1);
      expect(silent.statuses).toEqual([504]);
    });
  });
});

describe("none of the clocks towards a target bounds what moves", () => {
  test("an answer that takes a day, a piece a time", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/");
      world.advance(1999);
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n");
      for (let i = 0; i < 30_000; i++) {
        world.advance(2999);
        world.a.last.send("x");
      }
      world.settle();
      expect(client.answer.complete).toBe(true);
    });
  });

  test("an upload that the target takes a little of at a time", () => {
    const size = 50_000;
    for (const how of ["with its head", "piece by piece"] as const) {
      inWorld(OPTIONS, (world) => {
        const client = world.client();
        world.a.onConnection = (connection) => {
          connection.hold();
          connection.socket.peer.capacity = 1000;
        };
        const content = "x".repeat(size);
        client.request("POST", "/", [`Content-Length: ${size}`], how === "with its head" ? content : "");
        if (how === "piece by piece") for (let at = 0; at < size; at += 5000) client.send("x".repeat(5000));
        world.settle();
        const target = world.a.last;
        // What is under way when the last byte leaves us is the kernel's; only then firstByte begins.
        while (target.requests[0]?.complete !== true && !client.over) {
          target.read();
          world.platform.clock.step();
          target.hold();
          world.advance(500);
        }
        target.read();
        target.answer(200, "ok");
        world.settle();
        expect(client.answer.body).toBe("ok");
      });
    }
  });

  test("an upload of a client that is slow", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      client.request("POST", "/", ["Content-Length: 20"]);
      for (let i = 0; i < 20; i++) {
        world.advance(600_000);
        client.send("x");
      }
      world.settle();
      world.a.last.answer(200, "ok");
      world.settle();
      expect(client.answer.body).toBe("ok");
    });
  });
});

test("a slow client is not held against the target: idle does not run while nothing is read from it", () => {
  inWorld(OPTIONS, (world) => {
    const client = world.client();
    client.request("GET", "/");
    world.settle();
    client.socket.peer.capacity = 1000;
    client.hold();
    world.a.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n`);
    world.settle();
    world.a.last.send("x".repeat(9000));
    world.advance(700_000);
    expect(world.a.last.ending).toBe("open");
    client.read();
    world.advance(2999);
    expect(world.a.last.ending).toBe("open");
    world.a.last.send("x".repeat(1000));
    world.settle();
    expect(client.answer.complete).toBe(true);
  });
});

test("idle runs again once the client has taken what waited", () => {
  inWorld(OPTIONS, (world) => {
    const client = world.client();
    client.request("GET", "/");
    world.settle();
    client.socket.peer.capacity = 1000;
    client.hold();
    world.a.last.send(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n`);
    world.settle();
    world.a.last.send("x".repeat(9000));
    world.advance(10_000);
    client.read();
    world.advance(2999);
    expect(client.over).toBe(false);
    world.advance(1);
    expect(world.record["error.type"]).toBe("connection_read_timeout");
    expect(client.ending).toBe("reset");
  });
});

describe("connections that carry nothing", () => {
  const answered = (world: World, fields: readonly string[] = []): void => {
    const client = world.ask("GET", "/");
    world.a.last.send(answerText("ok", fields));
    world.settle();
    expect(client.answer.body).toBe("ok");
  };

  test.each([
    ["keepAlive.idle", [], 4000],
    ["a second less than the target promised", ["Keep-Alive: timeout=3"], 2000],
    ["keepAlive.idle when the target promises more", ["Keep-Alive: timeout=60, max=100"], 4000],
    ["not at all when the target promises a second", ["Keep-Alive: timeout=1"], 0],
    ["not at all when the target promises nothing", ["Keep-Alive: timeout=0"], 0],
    ["not at all when the target closes", ["Connection: close"], 0],
  ] as const)("are kept for %s", (_, fields, ms) => {
    inWorld(OPTIONS, (world) => {
      answered(world, fields);
      if (ms > 0) {
        world.advance(ms - 1);
        expect(world.a.open).toHaveLength(1);
        world.advance(1);
      }
      expect(world.a.open).toHaveLength(0);
    });
  });

  test("and are used again until then", () => {
    inWorld(OPTIONS, (world) => {
      for (let i = 0; i < 5; i++) {
        answered(world);
        world.advance(3999);
      }
      expect(world.a.connections).toHaveLength(1);
    });
  });

  test("and are not idle while they serve, however long that takes", () => {
    inWorld({ ...OPTIONS, routes: { all: { match: "/*", to: "up", timeouts: { firstByte: "20s" } } } }, (world) => {
      answered(world);
      const client = world.ask("GET", "/slow");
      world.advance(19_999);
      world.a.last.answer(200, "slow");
      world.settle();
      expect(client.answer.body).toBe("slow");
      expect(world.a.connections).toHaveLength(1);
    });
  });

  test("at the very moment that one runs out a request gets another", () => {
    inWorld(OPTIONS, (world) => {
      answered(world);
      const client = world.client();
      world.settle();
      // The request has come when the timer fires, and is read before the closed socket is told.
      client.request("POST", "/");
      world.platform.clock.rush(4000);
      world.settle();
      world.a.last.answer(200, "new");
      world.settle();
      expect({ connections: world.a.connections.length, statuses: client.statuses }).toEqual({
        connections: 2,
        statuses: [200],
      });
    });
  });

  test("one that is older than maxAge is not used again", () => {
    inWorld(OPTIONS, (world) => {
      for (let at = 0; at < 99_000; at += 3000) {
        answered(world);
        world.advance(3000);
      }
      expect(world.a.connections).toHaveLength(1);
      world.advance(1000);
      answered(world);
      expect(world.a.connections).toHaveLength(2);
      expect(world.a.open).toHaveLength(1);
    });
  });

  test("one that is older than maxAge is not handed on to who waits for it", () => {
    const options = { ...OPTIONS, upstreams: { up: { ...OPTIONS.upstreams!["up"]!, connections: { max: 1 } } } };
    inWorld(options, (world) => {
      const first = world.ask("GET", "/");
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
      for (let i = 0; i < 50; i++) {
        world.advance(2500);
        world.a.last.send("x");
      }
      const second = world.ask("GET", "/");
      world.a.last.send("x".repeat(10));
      world.settle();
      expect(first.answer.complete).toBe(true);
      expect(world.a.connections).toHaveLength(2);
      world.a.last.answer(200, "second");
      world.settle();
      expect(second.answer.body).toBe("second");
    });
  });
});
