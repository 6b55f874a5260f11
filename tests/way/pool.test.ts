// The connections to a target: who gets which, who waits, who is refused, and that every place is free again afterwards.
import { describe, expect, test } from "bun:test";
import type { UpstreamOptions } from "../../src/config/upstream/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeClient } from "../../src/platforms/fake/peers.ts";
import { toUpstream, World } from "../support/fake-world.ts";

const MAX = 2;

/** A story with a target of at most two connections, after which both places must be free. */
function withPool(upstream: Partial<UpstreamOptions>, story: (world: World) => void): void {
  const connections = { max: MAX, wait: "1000ms", maxWaiting: 3, ...upstream.connections } as const;
  const world = new World(toUpstream({ keepAlive: { idle: "60s" }, ...upstream, connections }));
  story(world);
  world.settle();
  const served = world.a.requests.length;
  world.a.reception = "accept";
  const clients = Array.from({ length: connections.max }, () => world.ask("GET", "/free"));
  expect(world.a.requests.slice(served).map(({ target }) => target)).toHaveLength(connections.max);
  for (const connection of world.a.open) connection.answer(200, "free");
  world.settle();
  expect(clients.map((client) => client.answer.body)).toEqual(clients.map(() => "free"));
  world.close();
}

/** So many requests under way, each on a connection of its own. */
function occupy(world: World, count = MAX): FakeClient[] {
  return Array.from({ length: count }, (_, i) => world.ask("GET", `/busy/${i}`));
}

/** Answers the request that came last on each open connection. */
function answerAll(world: World): void {
  for (const connection of world.a.open) connection.answer(200, connection.request.target);
  world.settle();
}

describe("who gets which connection", () => {
  test("the one that was free last is used first", () => {
    withPool({ connections: { max: 3 } }, (world) => {
      occupy(world, 3);
      const [first, second, third] = world.a.connections;
      for (const connection of [second!, third!, first!]) {
        connection.answer(200);
        world.settle();
      }
      for (const [i, expected] of [first!, third!, second!].entries()) {
        world.ask("GET", `/again/${i}`);
        expect(expected.request.target).toBe(`/again/${i}`);
      }
      answerAll(world);
    });
  });

  test("a connection serves one exchange after another", () => {
    withPool({}, (world) => {
      for (let i = 0; i < 20; i++) {
        const client = world.ask("GET", `/${i}`);
        answerAll(world);
        expect(client.answer.body).toBe(`/${i}`);
      }
      expect(world.a.connections).toHaveLength(1);
    });
  });

  test.each([
    [1, 1],
    [0, 0],
  ])("at most maxIdle %i are kept, those that were free last", (maxIdle, kept) => {
    withPool({ keepAlive: { idle: "60s", maxIdle } }, (world) => {
      occupy(world);
      const [first, second] = world.a.connections;
      first!.answer(200);
      world.settle();
      second!.answer(200);
      world.settle();
      expect(world.a.open).toHaveLength(kept);
      expect(world.a.open).toEqual(kept === 0 ? [] : [second!]);
    });
  });
});

describe("who has to wait", () => {
  test("gets the connection that is free first, in the order of asking", () => {
    withPool({}, (world) => {
      occupy(world);
      const waiting = [1, 2, 3].map((i) => world.ask("GET", `/wait/${i}`));
      expect(world.a.connections).toHaveLength(MAX);
      expect(waiting.map(({ received }) => received)).toEqual(["", "", ""]);
      const order: string[] = [];
      for (let i = 0; i < 3; i++) {
        const connection = world.a.connections[i % 2]!;
        connection.answer(200, connection.request.target);
        world.settle();
        order.push(connection.request.target);
      }
      expect(order).toEqual(["/wait/1", "/wait/2", "/wait/3"]);
      answerAll(world);
      expect(waiting.map((client) => client.answer.body)).toEqual(["/wait/1", "/wait/2", "/wait/3"]);
      expect(world.a.connections).toHaveLength(MAX);
    });
  });

  test("gets a new one when one breaks", () => {
    withPool({}, (world) => {
      const [broken] = occupy(world);
      const waiting = world.ask("GET", "/wait");
      world.a.connections[0]!.reset();
      world.settle();
      expect(broken!.statuses).toEqual([502]);
      expect(world.a.connections).toHaveLength(3);
      answerAll(world);
      expect(waiting.answer.body).toBe("/wait");
    });
  });

  test("gets a new one when one that may not be kept has served", () => {
    withPool({}, (world) => {
      occupy(world);
      const waiting = world.ask("GET", "/wait");
      world.a.connections[1]!.send(answerText("", ["Connection: close"]));
      world.settle();
      expect(world.a.connections).toHaveLength(3);
      answerAll(world);
      expect(waiting.answer.body).toBe("/wait");
    });
  });

  test("is told 503 after connections.wait, with the time to come again", () => {
    withPool({}, (world) => {
      occupy(world);
      const waiting = world.ask("GET", "/wait");
      world.advance(999);
      expect(waiting.received).toBe("");
      world.advance(1);
      expect(waiting.statuses).toEqual([503]);
      expect(fieldOf(waiting.answer, "retry-after")).toBe("1");
      expect(world.record).toMatchObject({ "error.type": "connection_limit_reached", "sluice.attempts": 1 });
      answerAll(world);
    });
  });

  test("is told 503 at once when maxWaiting wait already, and those go on waiting", () => {
    withPool({}, (world) => {
      occupy(world);
      const waiting = [1, 2, 3].map((i) => world.ask("GET", `/wait/${i}`));
      const refused = world.ask("GET", "/refused");
      expect(refused.statuses).toEqual([503]);
      expect(fieldOf(refused.answer, "retry-after")).toBe("1");
      for (let i = 0; i < 3; i++) answerAll(world);
      expect(waiting.map((client) => client.answer.status)).toEqual([200, 200, 200]);
    });
  });

  test("nobody waits when maxWaiting is 0", () => {
    withPool({ connections: { maxWaiting: 0 } }, (world) => {
      occupy(world);
      expect(world.ask("GET", "/refused").statuses).toEqual([503]);
      answerAll(world);
    });
  });

  test("is passed over once its client has left", () => {
    withPool({}, (world) => {
      occupy(world);
      const left = world.ask("GET", "/left");
      const stays = world.ask("GET", "/stays");
      left.reset();
      world.settle();
      expect(world.record).toMatchObject({ "error.type": "client_disconnect", "http.response.status_code": 499 });
      answerAll(world);
      answerAll(world);
      expect(stays.answer.body).toBe("/stays");
      expect(world.a.requests.map(({ target }) => target)).not.toContain("/left");
    });
  });

  test("leaves its place in the queue to the next when its client leaves", () => {
    withPool({}, (world) => {
      occupy(world);
      const waiting = [1, 2, 3].map((i) => world.ask("GET", `/wait/${i}`));
      waiting[1]!.reset();
      world.settle();
      const late = world.ask("GET", "/wait/4");
      expect(late.received).toBe("");
      for (let i = 0; i < 3; i++) answerAll(world);
      expect(late.answer.body).toBe("/wait/4");
    });
  });

  test("waits for connecting too, each for itself: a target that is gone stops nobody in the queue", () => {
    withPool({}, (world) => {
      world.a.reception = "hang";
      occupy(world);
      const waiting = [1, 2, 3].map((i) => world.ask("GET", `/wait/${i}`));
      world.a.reception = "ECONNREFUSED";
      for (const attempt of world.platform.network.hanging.splice(0)) attempt.proceed("ECONNREFUSED");
      world.settle();
      expect(waiting.map(({ statuses }) => statuses)).toEqual([[502], [502], [502]]);
      expect(world.platform.network.attempts).toHaveLength(5);
    });
  });

  test("gets a connection of its own when what it was to try again on may not have served before", () => {
    withPool({ connections: { max: 1 } }, (world) => {
      // A connection that has served dies under a GET while somebody else waits and then gets a new one.
      world.ask("GET", "/first");
      answerAll(world);
      const dying = world.ask("GET", "/again");
      const waiting = world.ask("GET", "/wait");
      world.a.last.reset();
      world.settle();
      expect(world.a.last.request.target).toBe("/wait");
      answerAll(world);
      // The second try goes on a fresh connection, not on the one that has just served.
      expect(waiting.answer.body).toBe("/wait");
      expect(world.a.connections).toHaveLength(3);
      expect(world.a.last.request.target).toBe("/again");
      answerAll(world);
      expect(dying.answer.body).toBe("/again");
    });
  });
});

describe("connecting", () => {
  test("an attempt whose client leaves is given up", () => {
    withPool({}, (world) => {
      world.a.reception = "hang";
      const client = world.ask("GET", "/");
      client.reset();
      world.settle();
      expect(world.platform.network.aborted).toBe(1);
      expect(world.platform.network.hanging).toEqual([]);
      expect(world.record).toMatchObject({ "error.type": "client_disconnect", "http.response.status_code": 499 });
    });
  });

  test("a place whose client left while connecting goes to who waits", () => {
    withPool({}, (world) => {
      world.a.reception = "hang";
      const [leaving] = occupy(world);
      const waiting = world.ask("GET", "/wait");
      world.a.reception = "accept";
      leaving!.reset();
      world.settle();
      expect(world.a.last.request.target).toBe("/wait");
      world.a.last.answer(200, "got it");
      world.settle();
      expect(waiting.answer.body).toBe("got it");
      for (const attempt of world.platform.network.hanging.splice(0)) attempt.proceed("accept");
      world.settle();
      answerAll(world);
    });
  });

  test("one that somebody waited for is given up when its client leaves", () => {
    withPool({}, (world) => {
      const [broken] = occupy(world);
      const waiting = world.ask("GET", "/wait");
      world.a.reception = "hang";
      world.a.connections[0]!.reset();
      world.settle();
      expect(broken!.statuses).toEqual([502]);
      expect(world.platform.network.hanging).toHaveLength(1);
      waiting.reset();
      world.settle();
      expect(world.platform.network.hanging).toEqual([]);
      world.a.connections[1]!.answer(200);
    });
  });

  test("one that took too long frees its place", () => {
    withPool({ timeouts: { connect: "500ms" } }, (world) => {
      world.a.reception = "hang";
      const clients = occupy(world);
      world.advance(500);
      expect(clients.map(({ statuses }) => statuses)).toEqual([[504], [504]]);
    });
  });
});

describe("bytes that nobody asked for never become an answer", () => {
  const SMUGGLED = answerText("smuggled");

  test("an idle connection on which bytes come is closed and not used again", () => {
    withPool({}, (world) => {
      world.ask("GET", "/first");
      answerAll(world);
      world.a.last.send(SMUGGLED);
      world.settle();
      expect(world.a.open).toEqual([]);
      const client = world.ask("GET", "/second");
      expect(world.a.connections).toHaveLength(2);
      answerAll(world);
      expect(client.answer.body).toBe("/second");
    });
  });

  test("nor is it used by a request that is read before the close is told", () => {
    withPool({}, (world) => {
      world.ask("GET", "/first");
      answerAll(world);
      const client = world.client();
      world.settle();
      world.a.last.send(SMUGGLED);
      client.request("POST", "/second");
      world.settle();
      expect(world.a.connections).toHaveLength(2);
      answerAll(world);
      expect(client.answer.body).toBe("/second");
    });
  });

  test.each([
    ["a sized answer", "GET", answerText("own")],
    ["an empty one", "GET", answerText("")],
    ["one in chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n"],
    ["one to HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"],
    ["a 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n"],
    ["a 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n"],
  ] as const)("behind %s they close the connection", (_, method, answer) => {
    for (const pieces of [[answer + SMUGGLED], [answer.slice(0, -1), answer.slice(-1) + SMUGGLED]]) {
      withPool({}, (world) => {
        const client = world.ask(method, "/first");
        client.request("POST", "/second");
        for (const piece of pieces) world.a.last.send(piece);
        world.settle();
        expect(world.a.connections.map(({ over }) => over)).toEqual([true, false]);
        answerAll(world);
        expect(client.received).not.toContain("smuggled");
        expect(client.answers.map(({ complete }) => complete)).toEqual([true, true]);
        expect(client.answers[1]!.body).toBe("/second");
      });
    }
  });

  test("a second answer to one request closes the connection", () => {
    withPool({}, (world) => {
      const client = world.ask("GET", "/first");
      world.a.last.send(answerText("own"));
      world.settle();
      world.a.last.send(SMUGGLED);
      world.settle();
      expect(client.answer.body).toBe("own");
      expect(world.a.open).toEqual([]);
    });
  });
});

describe("a connection that is let go after whole answers ends in good order, so that no target logs a reset", () => {
  test.each<[why: string, upstream: Partial<UpstreamOptions>, then: (world: World) => void]>([
    ["it was idle for long", { keepAlive: { idle: "5s" } }, (world) => world.advance(5000)],
    ["the target keeps it for a shorter time", { keepAlive: { idle: "60s" } }, (world) => world.advance(1000)],
    ["there are enough idle ones", { keepAlive: { maxIdle: 0 } }, () => undefined],
    ["it is too old when its answer is whole", { keepAlive: { maxAge: "1ms" } }, () => undefined],
    [
      "it is too old for the next request",
      { keepAlive: { maxAge: "1s" } },
      (world) => {
        world.advance(999);
        world.advance(2);
        world.ask("GET", "/next");
        world.a.last.answer(200);
      },
    ],
    ["the gateway closes", {}, (world) => world.gateway.close()],
  ])("%s", (_, upstream, then) => {
    const world = new World(toUpstream(upstream));
    world.ask("GET", "/");
    const [connection] = world.a.connections;
    world.advance(1);
    connection!.answer(200, "", ["Keep-Alive: timeout=2"]);
    world.settle();
    then(world);
    world.settle();
    expect(connection!.ending).toBe("fin");
    world.close();
  });

  test("the target asks for it", () => {
    const world = new World(toUpstream({}));
    world.ask("GET", "/");
    const [connection] = world.a.connections;
    connection!.answer(200, "", ["Connection: close"]);
    world.settle();
    expect(connection!.ending).toBe("fin");
    world.close();
  });
});
