// Draining: what is idle closes, what runs finishes, what outlives the grace is cut, visibly and with its record.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { toUpstream, World } from "../support/fake-world.ts";

const OPTIONS: GatewayOptions = toUpstream({}, { shutdown: { grace: "10s" } });
const UPGRADE = ["Connection: Upgrade", "Upgrade: websocket"];

interface Draining {
  readonly world: World;
  /** How many were cut; undefined while it drains. */
  readonly result: () => number | undefined;
  /** Records that were written when the drain was over. */
  readonly recorded: () => number | undefined;
}

/** A gateway that has begun to drain after this. */
function drainAfter(begin: (world: World) => void, story: (draining: Draining) => void, options = OPTIONS): void {
  const world = new World(options);
  begin(world);
  world.settle();
  let cut: number | undefined;
  let recorded: number | undefined;
  void world.gateway.drain().then((drained) => {
    ({ cut } = drained);
    recorded = world.platform.lines.length;
  });
  world.settle();
  story({ world, result: () => cut, recorded: () => recorded });
  const { network, clock } = world.platform;
  for (const { connections } of Object.values(world.targets)) for (const connection of connections) connection.leave();
  world.advance(3_600_000);
  expect([...network.open].filter(({ isOurs }) => isOurs).map(({ name }) => name)).toEqual([]);
  expect({ timers: clock.timers, faults: network.faults }).toEqual({ timers: 0, faults: [] });
  expect(world.platform.lines).toHaveLength(world.exchanges);
}

test("with nothing open it is over at once", () => {
  drainAfter(
    () => undefined,
    ({ result }) => expect(result()).toBe(0),
  );
});

test("a connection without a request closes soon; the drain is over when its client has closed too", () => {
  let fresh: FakeClient, used: FakeClient;
  drainAfter(
    (world) => {
      fresh = world.client();
      used = world.ask("GET", "/");
      world.a.last.answer(200);
    },
    ({ world, result }) => {
      world.advance(249);
      expect([fresh.ending, used.ending]).toEqual(["open", "open"]);
      world.advance(1);
      expect([fresh.ending, used.ending]).toEqual(["fin", "fin"]);
      expect(result()).toBeUndefined();
      fresh.end();
      used.end();
      world.settle();
      expect(result()).toBe(0);
      // What the target was kept for is closed too.
      expect(world.a.open).toEqual([]);
    },
  );
});

test("a client that does not close is waited for a second, and then left", () => {
  drainAfter(
    (world) => void world.client(),
    ({ world, result }) => {
      world.advance(250 + 999);
      expect(result()).toBeUndefined();
      world.advance(1);
      expect(result()).toBe(0);
    },
  );
});

test("an exchange under way finishes and tells that the connection closes", () => {
  let client: FakeClient;
  drainAfter(
    (world) => void (client = world.ask("GET", "/")),
    ({ world, result }) => {
      world.advance(9000);
      world.a.last.answer(200, "finished");
      world.settle();
      expect(client.answer).toMatchObject({ status: 200, body: "finished", complete: true });
      expect(fieldOf(client.answer, "connection")).toBe("close");
      expect(client.ending).toBe("fin");
      client.end();
      world.settle();
      expect(result()).toBe(0);
      expect(world.a.open).toEqual([]);
    },
  );
});

test.each([
  ["an upload", "POST", "/"],
  ["an answer", "GET", "/"],
])("%s under way finishes", (what, method, path) => {
  let client: FakeClient;
  drainAfter(
    (world) => {
      client = world.ask(
        method,
        path,
        what === "an upload" ? ["Content-Length: 6"] : [],
        what === "an upload" ? "abc" : "",
      );
      if (what === "an answer") world.a.last.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    },
    ({ world }) => {
      if (what === "an upload") {
        client.send("def");
        world.settle();
        expect(world.a.last.request).toMatchObject({ body: "abcdef", complete: true });
        world.a.last.answer(200, "abcdef");
      } else world.a.last.send("def");
      world.settle();
      expect(client.answer).toMatchObject({ body: "abcdef", complete: true });
      expect(client.ending).toBe("fin");
    },
  );
});

test("a request whose head has begun to come is answered, and those behind it are not", () => {
  let client: FakeClient;
  drainAfter(
    (world) => {
      client = world.client();
      client.send("GET /half HT");
    },
    ({ world }) => {
      client.send("TP/1.1\r\nHost: gw.test\r\n\r\n");
      client.request("GET", "/behind");
      world.settle();
      world.a.last.answer(200, "half");
      world.settle();
      expect(client.answer).toMatchObject({ body: "half" });
      expect(world.a.requests).toHaveLength(1);
      expect(client.ending).toBe("fin");
    },
  );
});

test("and then nothing is left that would keep the process alive for the rest of the grace", () => {
  drainAfter(
    (world) => void world.client().end(),
    ({ world, result }) => {
      expect(result()).toBe(0);
      // The last spent timers of the listener's clocks.
      world.advance(75_000);
      expect(world.platform.clock.timers).toBe(0);
    },
    toUpstream({}, { shutdown: { grace: "1h" } }),
  );
});

test("new connections are refused", () => {
  drainAfter(
    (world) => void world.ask("GET", "/"),
    ({ world }) => {
      const late = world.client();
      late.request("GET", "/");
      world.settle();
      expect(late).toMatchObject({ received: "", ending: "reset" });
      world.a.last.answer(200);
    },
  );
});

describe("what outlives the grace is cut", () => {
  const cases: Readonly<Record<string, (world: World, client: FakeClient) => void>> = {
    "while the answer is awaited": (_, client) => client.request("GET", "/"),
    "while it connects"(world, client) {
      world.a.reception = "hang";
      client.request("GET", "/");
      world.a.reception = "hang";
    },
    "in its upload": (_, client) => client.request("POST", "/", ["Content-Length: 9"], "abc"),
    "in its answer"(world, client) {
      client.request("GET", "/");
      world.settle();
      world.a.last.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    },
    "while the client takes its answer slowly"(world, client) {
      client.socket.peer.capacity = 100;
      client.hold();
      client.request("GET", "/");
      world.settle();
      world.a.last.answer(200, "x".repeat(1000));
    },
    "in a tunnel"(world, client) {
      client.request("GET", "/", UPGRADE);
      world.settle();
      world.a.last.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    },
    "in half a head": (_, client) => client.send("GET / HT"),
  };

  test.each(Object.entries(cases))("%s", (name, begin) => {
    let client: FakeClient;
    const long = { ...OPTIONS, listen: { timeouts: { head: "1h", body: "1h" } } } as const;
    const options = toUpstream({ timeouts: { connect: "1h" } }, { ...long, upstreams: undefined as never });
    options.upstreams = { up: { targets: ["http://a.test"], timeouts: { connect: "1h" } } };
    drainAfter(
      (world) => begin(world, (client = world.client())),
      ({ world, result, recorded }) => {
        world.advance(9999);
        expect(result()).toBeUndefined();
        world.advance(1);
        expect(result()).toBe(1);
        expect(client.ending).toBe("reset");
        expect(world.a.open).toEqual([]);
        // Whoever waits for the drain may write out the log and end: every record is there.
        expect(recorded()).toBe(name === "in half a head" ? 0 : 1);
        if (name !== "in half a head") expect(world.record["error.type"]).toBe("draining");
      },
      options,
    );
  });

  test("and with close() at once, without a drain", () => {
    const world = new World(OPTIONS);
    const clients = [world.client(), world.ask("GET", "/")];
    world.gateway.close();
    world.settle();
    expect(clients.map(({ ending }) => ending)).toEqual(["reset", "reset"]);
    expect(world.a.open).toEqual([]);
    expect(world.record).toMatchObject({ "error.type": "draining", "http.response.status_code": 503 });
  });
});

test("a client that is slow to close behind its last answer is not reset when the grace is over", () => {
  const world = new World(toUpstream({}, { shutdown: { grace: "100ms" } }));
  const client = world.client();
  client.request("GET", "/", ["Connection: close"]);
  world.settle();
  world.a.last.answer(200, "all of it");
  world.settle();
  void world.gateway.drain();
  world.advance(100);
  expect(client.answer).toMatchObject({ body: "all of it", complete: true });
  expect(client.ending).toBe("fin");
});

describe("before it accepts no more", () => {
  const delayed = toUpstream({}, { shutdown: { drainDelay: "5s", grace: "10s" } });

  test("it serves for the delay: who was there, and who comes", () => {
    let kept: FakeClient, late: FakeClient;
    drainAfter(
      (world) => {
        kept = world.ask("GET", "/");
        world.a.last.answer(200);
      },
      ({ world, result }) => {
        world.advance(4000);
        late = world.client();
        for (const client of [kept, late]) {
          client.request("GET", "/");
          world.settle();
          world.a.last.answer(200, "served");
          world.settle();
          const last = client.answers.at(-1)!;
          expect(last).toMatchObject({ body: "served", complete: true });
          expect(fieldOf(last, "connection")).toBe("close");
          expect(client.ending).toBe("fin");
          client.end();
        }
        world.advance(999);
        expect(result()).toBeUndefined();
        world.advance(1);
        expect(result()).toBe(0);
      },
      delayed,
    );
  });

  test("the grace begins behind it", () => {
    drainAfter(
      (world) => void world.ask("GET", "/"),
      ({ world, result }) => {
        world.advance(14_999);
        expect(result()).toBeUndefined();
        world.advance(1);
        expect(result()).toBe(1);
      },
      delayed,
    );
  });

  test("a delay of its own takes the place of the plan's", () => {
    const world = new World(delayed);
    let cut: number | undefined;
    void world.gateway.drain(0).then((drained) => ({ cut } = drained));
    world.settle();
    expect(cut).toBe(0);
  });
});

test("a client that asks often loses nothing: its next request is answered, and told to be the last", () => {
  let client: FakeClient;
  drainAfter(
    (world) => {
      client = world.ask("GET", "/");
      world.a.last.answer(200);
    },
    ({ world }) => {
      world.advance(200);
      client.request("GET", "/next");
      world.settle();
      world.a.last.answer(200, "next");
      world.settle();
      const last = client.answers.at(-1)!;
      expect(last).toMatchObject({ body: "next", complete: true });
      expect(fieldOf(last, "connection")).toBe("close");
      expect(client.ending).toBe("fin");
    },
  );
});
