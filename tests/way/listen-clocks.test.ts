// The listener's clocks: each ends what it is for at its limit, not before, and nothing else.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { answerText } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

/** Every clock has a length of its own, so that one cannot be taken for another. */
const TIMEOUTS = { head: "1000ms", keepAlive: "2000ms", body: "3000ms", send: "4000ms" } as const;
const OPTIONS: GatewayOptions = toUpstream(
  { timeouts: { connect: "500s", firstByte: "600s", idle: "700s", send: "900s" }, keepAlive: { idle: "800s" } },
  { listen: { timeouts: TIMEOUTS } },
);
const POST = "POST / HTTP/1.1\r\nHost: gw.test\r\n";

/** One clock: how it is started, when it runs out, and what then has become of the client. */
interface ClockCase {
  readonly name: string;
  readonly begin: (world: World, client: FakeClient) => void;
  readonly ms: number;
  /** Nothing of this may be there before the limit. */
  readonly after: { readonly statuses: readonly number[]; readonly ending: FakeClient["ending"] };
  /** What the record says of it, if there is one. */
  readonly error?: string;
}

const CLOCKS: readonly ClockCase[] = [
  {
    name: "keepAlive, before the first request",
    begin: () => undefined,
    ms: 2000,
    after: { statuses: [], ending: "fin" },
  },
  {
    name: "keepAlive, between two requests",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.answer(200);
    },
    ms: 2000,
    after: { statuses: [200], ending: "fin" },
  },
  {
    name: "head, from the first byte on",
    begin: (_, client) => client.send("G"),
    ms: 1000,
    after: { statuses: [408], ending: "fin" },
    error: "request_timeout",
  },
  {
    name: "head, also of a second request",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.answer(200);
      world.settle();
      client.send("GET / HTTP/1.1\r\nHo");
    },
    ms: 1000,
    after: { statuses: [200, 408], ending: "fin" },
    error: "request_timeout",
  },
  {
    name: "head, of a request whose beginning came during the one before",
    begin(world, client) {
      client.request("GET", "/");
      client.send("GET / HTTP/1.1\r\nHo");
      world.advance(5000);
      world.a.last.answer(200);
    },
    ms: 1000,
    after: { statuses: [200, 408], ending: "fin" },
    error: "request_timeout",
  },
  {
    name: "body, sized, before its first byte",
    begin: (_, client) => client.send(`${POST}Content-Length: 3\r\n\r\n`),
    ms: 3000,
    after: { statuses: [408], ending: "fin" },
    error: "request_timeout",
  },
  {
    name: "body, chunked, between two pieces",
    begin: (_, client) => client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc`),
    ms: 3000,
    after: { statuses: [408], ending: "fin" },
    error: "request_timeout",
  },
  {
    name: "body, that stops when the answer has begun",
    begin(world, client) {
      client.send(`${POST}Content-Length: 3\r\n\r\nab`);
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxyz");
    },
    ms: 3000,
    after: { statuses: [200], ending: "reset" },
    error: "request_timeout",
  },
  {
    name: "send, of a streamed answer",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      client.socket.capacity = 0;
      openEnd(client).capacity = 10;
      client.hold();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxyz");
    },
    ms: 4000,
    after: { statuses: [], ending: "reset" },
    error: "client_disconnect",
  },
  {
    name: "send, of an answer whose head it has taken",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nxyz");
      world.settle();
      openEnd(client).capacity = 10;
      client.hold();
      world.a.last.send("x".repeat(50));
    },
    ms: 4000,
    after: { statuses: [200], ending: "reset" },
    error: "client_disconnect",
  },
  {
    name: "send, of an answer that is all here",
    begin(world, client) {
      client.request("GET", "/");
      world.settle();
      openEnd(client).capacity = 10;
      client.hold();
      world.a.last.answer(200, "x".repeat(100));
    },
    ms: 4000,
    after: { statuses: [], ending: "reset" },
    error: "client_disconnect",
  },
];

/** The gateway's end of a client's connection. */
function openEnd(client: FakeClient): FakeClient["socket"] {
  return client.socket.peer;
}

describe("a clock of the listener ends what it is for at its limit and not before", () => {
  test.each(CLOCKS.map((each) => [each.name, each] as const))("%s", (name, { begin, ms, after, error }) => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      world.settle();
      begin(world, client);
      world.advance(ms - 1);
      expect(client.ending).toBe("open");
      world.advance(1);
      expect({ statuses: client.statuses, ending: client.ending }).toEqual({ ...after, statuses: [...after.statuses] });
      if (error === undefined) return;
      // The operator reads which option it was, and how long it is.
      const detail = expect.stringMatching(new RegExp(`${ms} ms \\(listen\\.timeouts\\.${name.split(",")[0]!}\\)$`));
      expect(world.records.at(-1)).toMatchObject({ "error.type": error, "sluice.error.detail": detail });
    });
  });
});

describe("none of the listener's clocks bounds what moves", () => {
  test("a head of which a byte comes every so often is bounded as a whole", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      for (const byte of "GET / HTT") {
        client.send(byte);
        world.advance(110);
      }
      expect(client.ending).toBe("open");
      client.send("P");
      world.advance(10);
      expect(client.statuses).toEqual([408]);
    });
  });

  test("an upload that takes a day, a byte a time", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      client.send(`${POST}Content-Length: 30000\r\n\r\n`);
      for (let i = 0; i < 30_000; i++) {
        client.send("x");
        world.advance(2999);
      }
      expect(world.a.last.request.complete).toBe(true);
      world.a.last.answer(200, "ok");
      world.settle();
      expect(client.answer.body).toBe("ok");
    });
  });

  test("an answer that takes a day, a piece a time", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/");
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let i = 0; i < 200; i++) {
        world.a.last.send("1\r\nx\r\n");
        world.advance(600_000);
      }
      world.a.last.send("0\r\n\r\n");
      world.settle();
      expect(client.answer).toMatchObject({ complete: true, body: "x".repeat(200) });
    });
  });

  test("a client that takes its answer slowly, a little of what waits at a time", () => {
    const size = 40_000;
    for (const how of ["here", "streamed"] as const) {
      inWorld(OPTIONS, (world) => {
        const client = world.client();
        client.request("GET", "/");
        world.settle();
        openEnd(client).capacity = 1000;
        client.hold();
        const text = answerText("x".repeat(size));
        world.a.last.send(how === "here" ? text : text.slice(0, 100));
        if (how === "streamed") {
          world.settle();
          world.a.last.send(text.slice(100));
        }
        while (!client.answers[0]?.complete && client.ending === "open") {
          world.advance(3999);
          client.read();
          world.platform.clock.step();
          client.hold();
        }
        client.read();
        expect(client.answer.body).toHaveLength(size);
      });
    }
  });

  test("a client that is silent while its answer is prepared", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/");
      world.advance(599_000);
      world.a.last.answer(200, "late");
      world.settle();
      expect(client.answer.body).toBe("late");
    });
  });
});

describe("a slow target is not held against the client", () => {
  test("the body clock stands while the target takes nothing", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      client.send(`${POST}Content-Length: 300000\r\n\r\n`);
      world.settle();
      world.a.last.hold();
      openEnd(world.a.last as never).capacity = 1000;
      client.send("x".repeat(200_000));
      world.advance(600_000);
      expect(client.ending).toBe("open");
      world.a.last.read();
      world.advance(2999);
      client.send("x".repeat(100_000));
      world.settle();
      expect(world.a.last.request.complete).toBe(true);
      world.a.last.answer(200);
      world.settle();
      expect(client.statuses).toEqual([200]);
    });
  });

  test("the body clock runs again once the target takes more", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      client.send(`${POST}Content-Length: 300000\r\n\r\n`);
      world.settle();
      world.a.last.hold();
      openEnd(world.a.last as never).capacity = 1000;
      client.send("x".repeat(200_000));
      world.advance(100_000);
      world.a.last.read();
      world.advance(2999);
      expect(client.statuses).toEqual([]);
      world.advance(1);
      expect(client.statuses).toEqual([408]);
    });
  });

  test("a client that waits for 100 Continue is not timed before it has it", () => {
    inWorld(
      { ...OPTIONS, upstreams: { up: { targets: ["http://a.test"], timeouts: { connect: "50s" } } } },
      (world) => {
        world.a.reception = "hang";
        const client = world.client();
        client.send(`${POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
        world.advance(40_000);
        world.platform.network.hanging.shift()!.proceed("accept");
        world.settle();
        expect(client.received).toBe("HTTP/1.1 100 Continue\r\n\r\n");
        world.advance(2999);
        client.send("abc");
        world.settle();
        world.a.last.answer(200);
        world.settle();
        expect(client.statuses).toEqual([200]);
      },
    );
  });
});

describe("lingering: a client that still sends sees its answer and not a reset", () => {
  test("for five seconds at most when its body was not read", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.client();
      client.send("POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n");
      for (let i = 0; i < 49; i++) {
        client.send("x");
        world.advance(100);
      }
      expect(client.ending).toBe("fin");
      expect(client.statuses).toEqual([400]);
      client.send("x");
      world.advance(100);
      client.send("x");
      world.settle();
      expect(client.ending).toBe("reset");
    });
  });

  test("it ends as soon as the client has ended too", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/", ["Connection: close"]);
      world.a.last.answer(200);
      world.settle();
      expect(client.ending).toBe("fin");
      client.end();
      world.settle();
      expect(client.ending).toBe("closed");
    });
  });
});
