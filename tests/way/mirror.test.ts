// Mirrors through the whole gateway: what the copy holds, what is copied, and that nobody ever waits for it.
import { describe, expect, test } from "bun:test";
import { apiKey } from "../../src/config/auth/api-key.ts";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { MirrorOptions } from "../../src/config/shaping/options.ts";
import { fieldOf } from "../../src/platforms/fake/messages.ts";
import { answerText, type FakeTargetConnection } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, type World } from "../support/fake-world.ts";

/** The route's upstream is a.test, the mirror's is b.test. */
function mirroring(mirror: Omit<MirrorOptions, "to"> = {}, route: object = {}, more: object = {}): GatewayOptions {
  return {
    upstreams: { up: { targets: ["http://a.test"] }, shadow: { targets: ["http://b.test"] } },
    routes: { all: { match: "/*", to: "up", mirror: { to: "shadow", ...mirror }, ...route } },
    ...more,
  };
}

/** The gateway's ends of connections to the mirror. */
const toMirror = ({ platform }: World): string[] =>
  [...platform.network.open].filter(({ isOurs, name }) => isOurs && name.includes("b.test")).map(({ name }) => name);

const withUp = (options: GatewayOptions, story: (world: World) => void): void =>
  inWorld(options, (world) => {
    world.a.answerAll(() => answerText("up"));
    story(world);
  });

describe("a copy", () => {
  test("is the request as its own upstream gets it, with a field that says what it is", () => {
    const route = { rewrite: { stripPrefix: "/api" }, headers: { request: { set: { "X-By": "gw" } } } };
    withUp(mirroring({}, { match: "/api/*", ...route }), (world) => {
      const fields = ["Content-Length: 3", "X-Sluice-Mirror: forged", "Accept: text/plain"];
      const client = world.ask("POST", "/api/x?y=1", fields, "abc");
      expect(client.answer).toMatchObject({ status: 200, body: "up" });
      const [own, copy] = [world.a.requests[0]!, world.b.requests[0]!];
      expect(copy).toMatchObject({ method: "POST", target: "/x?y=1", body: "abc", complete: true });
      expect(own).toMatchObject({ method: "POST", target: "/x?y=1", body: "abc", complete: true });
      expect(fieldOf(own, "x-sluice-mirror")).toBeUndefined();
      expect(fieldOf(copy, "x-sluice-mirror")).toBe("1");
      const rest = (request: typeof own): unknown =>
        request.fields.filter(([name]) => !/^(?:host|x-sluice-mirror)$/i.test(name));
      expect(rest(copy)).toEqual(rest(own));
      expect(fieldOf(copy, "host")).toBe("b.test");
      world.b.last.answer(500, "whatever");
      world.settle();
      // One request, one record, and nothing in it of the copy.
      expect(world.record).toMatchObject({
        "sluice.upstream": "up",
        "sluice.attempts": 1,
        "http.response.status_code": 200,
      });
    });
  });

  test("tells who calls as the request does", async () => {
    const hash = `sha256:${new Bun.CryptoHasher("sha256").update("acme").digest("hex")}` as const;
    const more = {
      consumers: { acme: { keys: [hash] } },
      auth: { key: apiKey() },
      identity: { consumer: "X-Consumer" },
    };
    await inWorldOf(mirroring({}, { auth: "key" }, more), async (world) => {
      world.a.answerAll(() => answerText("up"));
      world.ask("GET", "/x", ["X-API-Key: acme"]);
      await world.rest();
      for (const { requests } of [world.a, world.b]) {
        expect(fieldOf(requests[0]!, "x-consumer")).toBe("acme");
        expect(fieldOf(requests[0]!, "x-api-key")).toBeUndefined();
      }
      world.b.last.answer(200);
      // Who is refused is not copied.
      world.ask("GET", "/x");
      await world.rest();
      expect(world.b.requests).toHaveLength(1);
    });
  });

  test("goes for a share of the requests", () => {
    withUp(mirroring({ share: 0.1 }), (world) => {
      world.b.answerAll(() => answerText(""));
      const client = world.client();
      for (let i = 0; i < 500; i++) {
        client.request("GET", "/x");
        world.settle();
      }
      expect(Math.abs(world.b.requests.length - 50)).toBeLessThan(25);
      expect(world.a.requests).toHaveLength(500);
    });
  });

  test("goes to each of several mirrors", () => {
    const options = mirroring({}, { mirror: [{ to: "shadow" }, { to: "third" }] });
    const upstreams = { ...options.upstreams, third: { targets: ["http://c.test"] } };
    withUp({ ...options, upstreams }, (world) => {
      world.targets["c"]!.answerAll(() => answerText(""));
      world.b.answerAll(() => answerText(""));
      expect(world.ask("PUT", "/x", ["Content-Length: 3"], "abc").statuses).toEqual([200]);
      expect([...world.b.requests, ...world.targets["c"]!.requests].map(({ body }) => body)).toEqual(["abc", "abc"]);
    });
  });

  test("of one branch's request goes out whichever branch it is", () => {
    const options = mirroring({}, { to: undefined, split: [{ to: "up" }, { to: "other" }] });
    const upstreams = { ...options.upstreams, other: { targets: ["http://c.test"] } };
    withUp({ ...options, upstreams }, (world) => {
      world.targets["c"]!.answerAll(() => answerText("other"));
      world.b.answerAll(() => answerText(""));
      for (let i = 0; i < 20; i++) world.ask("GET", "/x");
      expect(world.b.requests).toHaveLength(20);
      expect(world.a.requests.length).toBeWithin(1, 20);
    });
  });
});

describe("content that still comes", () => {
  test("is copied as it passes and sent once it is whole; the upload never waits for the mirror", () => {
    withUp(mirroring(), (world) => {
      const client = world.client();
      client.request("POST", "/x", ["Content-Length: 6"]);
      world.settle();
      client.send("abc");
      world.settle();
      expect(world.a.last.request).toMatchObject({ body: "abc", complete: false });
      expect(world.b.connections).toHaveLength(0);
      client.send("def");
      world.settle();
      expect(client.answer.status).toBe(200);
      expect(world.b.requests).toMatchObject([{ body: "abcdef", complete: true }]);
      expect(fieldOf(world.b.requests[0]!, "content-length")).toBe("6");
      world.b.last.answer(200);
    });
  });

  test("without a length is sent with one", () => {
    withUp(mirroring(), (world) => {
      const client = world.client();
      client.request("POST", "/x", ["Transfer-Encoding: chunked"]);
      client.send("3\r\nabc\r\n");
      world.settle();
      client.send("0\r\n\r\n");
      world.settle();
      expect(client.answer.status).toBe(200);
      expect(world.b.requests).toMatchObject([{ body: "abc", complete: true }]);
      world.b.last.answer(200);
    });
  });

  const long = "x".repeat(100);
  test.each([
    ["announced", ["Content-Length: 100"], long],
    ["not announced", ["Transfer-Encoding: chunked"], `64\r\n${long}\r\n0\r\n\r\n`],
  ])("and is too long, %s, is not copied, and goes to its own upstream as ever", (_, fields, content) => {
    withUp(mirroring({ maxBody: "99B" }), (world) => {
      const client = world.client();
      client.request("POST", "/x", fields);
      world.settle();
      client.send(content);
      world.settle();
      expect(client.answer.status).toBe(200);
      expect(world.a.requests).toMatchObject([{ body: long, complete: true }]);
      expect(world.b.connections).toHaveLength(0);
    });
  });

  test("and breaks off is not copied", () => {
    withUp(mirroring(), (world) => {
      const client = world.client();
      client.request("POST", "/x", ["Content-Length: 6"]);
      client.send("abc");
      world.settle();
      client.reset();
      world.settle();
      expect(world.b.connections).toHaveLength(0);
    });
  });

  test("that the request's own upstream did not want to read is not copied", () => {
    inWorld(mirroring(), (world) => {
      const client = world.client();
      client.request("POST", "/x", ["Content-Length: 6"]);
      client.send("abc");
      world.settle();
      world.a.last.answer(403);
      world.settle();
      expect(client.statuses).toEqual([403]);
      client.send("def");
      world.settle();
      expect(world.b.connections).toHaveLength(0);
    });
  });
});

test("a request to switch protocols is not copied", () => {
  inWorld(mirroring(), (world) => {
    world.ask("GET", "/x", ["Connection: upgrade", "Upgrade: websocket"]);
    world.a.last.answer(426);
    world.settle();
    expect(world.b.connections).toHaveLength(0);
  });
});

describe("the caller notices nothing of a mirror that", () => {
  const KINDS: Readonly<Record<string, (world: World) => void>> = {
    refuses: (world) => (world.b.reception = "ECONNREFUSED"),
    "cannot be reached": (world) => (world.b.reception = "hang"),
    "never answers": () => {},
    resets: (world) => onData(world, (connection) => connection.reset()),
    "ends without a word": (world) => onData(world, (connection) => connection.leave()),
    "talks nonsense": (world) => onData(world, (connection) => connection.send("SSH-2.0-OpenSSH\r\n\r\n")),
    "switches protocols unasked": (world) =>
      onData(world, (connection) => connection.send("HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")),
    "answers without end": (world) =>
      onData(world, (connection) => connection.send(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(200_000)}`)),
    "drips its answer": (world) => onData(world, (connection) => connection.send("HTTP/1.1 200 OK\r\n\r\nx")),
  };
  const onData = (world: World, act: (connection: FakeTargetConnection) => void): void => {
    world.b.onConnection = (connection) => (connection.onData = () => act(connection));
  };

  test.each(Object.entries(KINDS))("%s; and nothing of it is left when its time is over", (_, misbehave) => {
    withUp(mirroring({ timeout: "5s" }), (world) => {
      misbehave(world);
      for (let i = 0; i < 3; i++) {
        expect(world.ask("POST", "/x", ["Content-Length: 3"], "abc").answer).toMatchObject({ status: 200, body: "up" });
      }
      expect(world.records.map(({ duration }) => duration)).toEqual([0, 0, 0]);
      world.advance(5000);
      expect(toMirror(world)).toEqual([]);
      expect(world.platform.network.hanging).toHaveLength(0);
    });
  });

  test("reads none of a long upload", () => {
    withUp(mirroring({ maxBody: "1MiB", timeout: "5s" }), (world) => {
      world.b.onConnection = (connection) => connection.hold();
      const content = "x".repeat(1_000_000);
      const client = world.ask("POST", "/x", [`Content-Length: ${content.length}`], content);
      expect(client.answer.status).toBe(200);
      world.advance(5000);
      expect(world.b.open).toHaveLength(0);
    });
  });
});

test("over the bound copies are dropped and told of, not more than once in a while; later ones go again", () => {
  withUp(mirroring({ maxInFlight: 2, timeout: "5s" }), (world) => {
    const { notices } = world.platform;
    for (let i = 0; i < 10; i++) expect(world.ask("GET", "/x").statuses).toEqual([200]);
    expect(world.b.requests).toHaveLength(2);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatchObject({
      level: "warn",
      text: expect.stringContaining("routes.all.mirror: 2 copies for shadow"),
    });
    world.b.connections[0]!.answer(200);
    world.settle();
    world.ask("GET", "/x");
    expect(world.b.requests).toHaveLength(3);
    world.advance(10_000);
    for (let i = 0; i < 3; i++) world.ask("GET", "/x");
    expect(notices.at(-1)!.text).toContain("(9 since the start)");
    notices.length = 0;
  });
});

test("an upload that stands still holds a place, and no more than one", () => {
  withUp(mirroring({ maxInFlight: 1 }), (world) => {
    world.b.answerAll(() => answerText(""));
    const client = world.client();
    client.request("POST", "/x", ["Content-Length: 6"]);
    client.send("abc");
    world.settle();
    world.ask("GET", "/x");
    expect(world.b.requests).toHaveLength(0);
    client.reset();
    world.settle();
    world.ask("GET", "/x");
    expect(world.b.requests).toHaveLength(1);
    world.platform.notices.length = 0;
  });
});

test("a client that leaves takes nothing from the copy", () => {
  inWorld(mirroring(), (world) => {
    const client = world.ask("POST", "/x", ["Content-Length: 3"], "abc");
    client.reset();
    world.settle();
    expect(world.record).toMatchObject({ "error.type": "client_disconnect" });
    expect(world.b.requests).toMatchObject([{ body: "abc", complete: true }]);
    expect(world.b.open).toHaveLength(1);
    world.b.last.answer(200);
    world.settle();
    // Its connection serves the next copy.
    world.ask("GET", "/y");
    expect(world.b.connections).toHaveLength(1);
    expect(world.b.requests).toHaveLength(2);
  });
});

test("a drain ends with the last client: copies under way are given up", async () => {
  await inWorldOf(mirroring({ timeout: "1h" }), async (world) => {
    world.a.answerAll(() => answerText("up"));
    const client = world.ask("GET", "/x", ["Connection: close"]);
    expect(client.statuses).toEqual([200]);
    client.end();
    expect(world.b.open).toHaveLength(1);
    const began = world.platform.now();
    const drained = world.gateway.drain();
    await world.rest();
    expect(await drained).toEqual({ cut: 0 });
    expect(world.platform.now()).toBe(began);
    expect(world.b.open).toHaveLength(0);
  });
});

describe("when another config takes over", () => {
  test("a mirror that is the same goes on, and its bound holds for the copies of both", () => {
    withUp(mirroring({ maxInFlight: 2 }), (world) => {
      world.ask("GET", "/1");
      world.reload(mirroring({ maxInFlight: 2 }, { headers: { response: { set: { "X-By": "new" } } } }));
      for (let i = 2; i < 5; i++) expect(world.ask("GET", `/${i}`).statuses).toEqual([200]);
      expect(world.b.requests.map(({ target }) => target)).toEqual(["/1", "/2"]);
      expect(world.b.open).toHaveLength(2);
      world.platform.notices.length = 0;
    });
  });

  test("copies for a mirror that has changed or is gone are given up", () => {
    for (const next of [mirroring({ maxInFlight: 9 }), mirroring({}, { mirror: undefined })]) {
      withUp(mirroring(), (world) => {
        world.ask("GET", "/x");
        expect(toMirror(world)).toHaveLength(1);
        world.reload(next);
        world.settle();
        expect(toMirror(world)).toEqual([]);
      });
    }
  });
});
