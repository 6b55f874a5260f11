// Tunnels: after 101 both sides are joined byte by byte, at each other's pace, for as long as both want.
import { describe, expect, test } from "bun:test";
import type { MiddlewareHandler } from "hono";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient, FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, toUpstream, type World } from "../support/fake-world.ts";

const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: abc"];
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

const pass: MiddlewareHandler = (_, next) => next();
/** Middleware that goes on when the test says so. */
const gates: (() => void)[] = [];
const slow: MiddlewareHandler = async (_, next) => {
  await next();
  await new Promise<void>((resolve) => gates.push(resolve));
};

const OPTIONS: GatewayOptions = toUpstream(
  { connections: { max: 1 } },
  {
    routes: {
      plain: { match: "/*", to: "up" },
      used: { match: "/used", to: "up", use: [pass] },
      slow: { match: "/slow", to: "up", use: [slow] },
      other: {
        match: "/other",
        to: "up",
        use: [async (c, next) => (await next(), (c.res = new Response("other")), undefined)],
      },
      thrown: {
        match: "/thrown",
        to: "up",
        use: [
          async (_, next) => {
            await next();
            throw new Error("on purpose");
          },
        ],
      },
      none: { match: "/none", to: "up", upgrade: [] },
    },
  },
);

interface Tunnel {
  readonly world: World;
  readonly client: FakeClient;
  readonly target: FakeTargetConnection;
}

/** A world with one open tunnel on the route of this path. */
function inTunnel(story: (tunnel: Tunnel) => void, path = "/ws", options = OPTIONS): void {
  inWorld(options, (world) => {
    const client = world.ask("GET", path, UPGRADE);
    world.a.last.send(SWITCH);
    world.settle();
    for (const open of gates.splice(0)) open();
    world.settle();
    story({ world, client, target: world.a.last });
  });
}

/** What came to the client behind its 101. */
const behind = (client: FakeClient): string => client.received.slice(client.received.indexOf("\r\n\r\n") + 4);

describe.each(["/ws", "/used", "/slow"])("a tunnel through %s", (path) => {
  test("is opened by what was asked and answered, and passes both ways", () => {
    inTunnel(({ world, client, target }) => {
      expect(fieldOf(target.request, "upgrade")).toBe("websocket");
      expect(client.answer).toMatchObject({ status: 101 });
      expect(fieldOf(client.answer, "upgrade")).toBe("websocket");
      client.send("ping");
      target.send("pong");
      world.settle();
      expect([target.behind, behind(client)]).toEqual(["ping", "pong"]);
      expect(world.records).toEqual([]);
      client.end();
      target.end();
      world.settle();
      expect(world.record).toMatchObject({
        "http.response.status_code": 101,
        "http.request.body.size": 4,
        "http.response.body.size": 4,
      });
      expect(world.record["error.type"]).toBeUndefined();
    }, path);
  });

  test("may be quiet for hours: no clock runs", () => {
    inTunnel(({ world, client, target }) => {
      world.advance(5 * 3_600_000);
      client.send("still");
      world.settle();
      target.send("here");
      world.settle();
      expect([target.behind, behind(client)]).toEqual(["still", "here"]);
      client.leave();
    }, path);
  });

  test("loses nothing that was sent early, in either direction (GW-29)", () => {
    for (const joins of [false, true]) {
      inWorld(OPTIONS, (world) => {
        world.platform.network.joins = joins;
        const client = world.client();
        client.request("GET", path, UPGRADE, "early one");
        world.settle();
        client.send(", early two");
        world.settle();
        world.a.last.send(`${SWITCH}greeting`);
        world.a.last.send(", more");
        world.settle();
        world.a.last.send(", and more");
        world.settle();
        for (const open of gates.splice(0)) open();
        world.settle();
        expect(world.a.last.behind).toBe("early one, early two");
        expect(behind(client)).toBe("greeting, more, and more");
        client.leave();
      });
    }
  });

  test.each([
    ["the target", "end"],
    ["the target", "reset"],
    ["the client", "reset"],
    ["the client", "leave"],
  ] as const)("ends when %s ends it before it is open: %s", (who, how) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", path, UPGRADE);
      world.a.last.send(`${SWITCH}last words`);
      world.settle();
      (who === "the client" ? client : world.a.last)[how]();
      world.settle();
      for (const open of gates.splice(0)) open();
      world.advance(2000);
      expect([client, world.a.last].filter(({ socket }) => socket.peer.isClosed)).toHaveLength(2);
      expect(world.records).toHaveLength(1);
      // What came before the end is not lost with it.
      if (how === "end") expect(behind(client)).toBe("last words");
    });
  });
});

describe("a tunnel ends", () => {
  test.each([
    ["the client", "reset"],
    ["the client", "leave"],
    ["the target", "reset"],
    ["the target", "leave"],
  ] as const)("when %s is gone (%s)", (who, how) => {
    inTunnel(({ world, client, target }) => {
      const [first, other] = who === "the client" ? [client, target] : [target, client];
      other.send("x");
      world.settle();
      first[how]();
      world.advance(1000);
      expect(other.over).toBe(true);
      const error = { client_reset: "client_disconnect", target_reset: "connection_terminated" };
      const expected = how === "reset" ? error[who === "the client" ? "client_reset" : "target_reset"] : undefined;
      expect(world.record["error.type"]).toBe(expected!);
    });
  });

  test("a second after one side has ended, though the other does not", () => {
    inTunnel(({ world, client, target }) => {
      target.end();
      world.settle();
      expect(client.ending).toBe("fin");
      world.advance(999);
      client.send("x");
      world.settle();
      expect(target.behind).toBe("x");
      world.advance(1);
      expect(world.record["http.response.status_code"]).toBe(101);
    });
  });

  test("and what was sent before still arrives", () => {
    inTunnel(({ world, client, target }) => {
      client.socket.peer.capacity = 1000;
      client.hold();
      target.send("x".repeat(5000));
      target.end();
      world.settle();
      client.read();
      world.settle();
      expect(behind(client)).toHaveLength(5000);
      expect(client.ending).toBe("fin");
    });
  });

  test("with what a slow reader has not read yet delivered all the same", () => {
    inTunnel(({ world, client, target }) => {
      client.socket.peer.capacity = 1000;
      client.hold();
      target.send("x".repeat(5000));
      world.settle();
      target.end();
      for (let i = 0; i < 6; i++) {
        world.advance(20_000);
        client.read();
        world.platform.clock.step();
        client.hold();
      }
      client.read();
      world.settle();
      expect(behind(client)).toHaveLength(5000);
    });
  });
});

test("a side that does not read holds the other back", () => {
  for (const who of ["the client", "the target"] as const) {
    inTunnel(({ world, client, target }) => {
      const [reader, writer] = who === "the client" ? [client, target] : [target, client];
      reader.socket.peer.capacity = 1000;
      reader.hold();
      for (let i = 0; i < 100; i++) writer.send("x".repeat(10_000));
      world.settle();
      expect(writer.socket.waiting).toBeGreaterThan(1_000_000 - 300_000);
      world.advance(3_600_000);
      reader.read();
      world.settle();
      expect(writer.socket.waiting).toBe(0);
      client.leave();
    });
  }
});

describe("no tunnel", () => {
  test("where the route allows none: the request goes on without", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/none", UPGRADE);
      expect(fieldOf(world.a.last.request, "upgrade")).toBeUndefined();
      world.a.last.answer(200, "plain");
      world.settle();
      expect(client.answer.body).toBe("plain");
    });
  });

  test("that nobody asked for: 502", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", "/ws");
      world.a.last.send(SWITCH);
      world.settle();
      expect(client.statuses).toEqual([502]);
      expect(world.a.last.over).toBe(true);
      expect(world.record["error.type"]).toBe("http_upgrade_failed");
    });
  });

  test.each([["/ws"], ["/used"]])("when the target answers otherwise: %s", (path) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", path, UPGRADE);
      world.a.last.answer(403, "no");
      world.settle();
      expect(client.answer).toMatchObject({ status: 403, body: "no" });
      client.request("GET", "/again");
      world.settle();
      world.a.last.answer(200, "again");
      world.settle();
      expect(client.answers[1]!.body).toBe("again");
    });
  });

  test.each([
    ["/other", 200],
    ["/thrown", 500],
  ])("when middleware decides otherwise, the target is let go: %s", (path, status) => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("GET", path, UPGRADE);
      world.a.last.send(SWITCH);
      world.settle();
      expect(client.statuses).toEqual([status]);
      expect(world.a.last.over).toBe(true);
      // Its place is free again.
      client.request("GET", "/ws");
      world.settle();
      world.a.last.answer(200, "free");
      world.settle();
      expect(client.answers[1]!.body).toBe("free");
    });
  });
});
