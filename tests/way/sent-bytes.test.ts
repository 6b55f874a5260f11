// The sizes of the record: what the kernel took of an answer, and what came of a request, however either has ended.
import { describe, expect, test } from "bun:test";
import type { GatewayOptions } from "../../src/config/options.ts";
import type { FakeClient } from "../../src/platforms/fake/peers.ts";
import { inWorld, inWorldOf, toUpstream, type World } from "../support/fake-world.ts";
import { data, frame, get, headers, lines, settings, windowUpdate } from "../support/http2-frames.ts";
import { inHttp2, overHttp2 } from "../support/http2-world.ts";

/** More than a kernel takes. */
const LARGE = 1_000_000;
const CONTENT = "x".repeat(LARGE);
const CHUNKED = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${LARGE.toString(16)}\r\n${CONTENT}\r\n0\r\n\r\n`;

const OPTIONS: GatewayOptions = toUpstream(
  {},
  { routes: { all: { match: "/*", to: "up" }, fixed: { match: "/fixed", answer: { body: CONTENT } } } },
);

const ANSWERS: [what: string, path: string, answer: (world: World) => void][] = [
  ["an answer of the config", "/fixed", () => undefined],
  ["content with a length", "/sized", (world) => world.a.last.answer(200, CONTENT)],
  ["content in chunks", "/chunked", (world) => world.a.last.send(CHUNKED)],
];

const ENDS: [how: string, end: (client: FakeClient, world: World) => void][] = [
  ["a reset", (client) => client.reset()],
  ["a client that takes nothing", (_, world) => world.advance(60_000)],
  [
    "a gateway that must go",
    (_, world) => {
      void world.gateway.drain();
      world.advance(60_000);
    },
  ],
];

/** Asks, has it answered, and gives the client before it has read anything of the answer. */
function askUnread(world: World, path: string, answer: (world: World) => void, fields: string[] = []): FakeClient {
  const client = world.client();
  client.hold();
  client.request("GET", path, fields);
  world.settle();
  answer(world);
  world.settle();
  return client;
}

/** The client reads what its kernel has taken, and no more: the gateway's takes nothing from now on. */
function readTaken(client: FakeClient, world: World): void {
  client.socket.peer.capacity = 0;
  client.read();
  world.settle();
}

const contentOf = (received: string): number => received.length - received.indexOf("\r\n\r\n") - 4;

describe.each(ANSWERS)("of %s", (_, path, answer) => {
  test.each(ENDS)("what the kernel took is recorded as sent: %s", (_, end) => {
    inWorld(OPTIONS, (world) => {
      const client = askUnread(world, path, answer);
      readTaken(client, world);
      const came = contentOf(client.received);
      expect(came).toBeWithin(200_000, 262_144);
      end(client, world);
      world.settle();
      expect(world.record["error.type"]).toMatch(/client_disconnect|draining/);
      // Framing of chunks is not told apart: a little less, never more.
      const least = path === "/chunked" ? came - 32 : came;
      expect(world.record["http.response.body.size"]).toBeWithin(least, came + 1);
    });
  });

  test("an answer that goes out at the client's pace is recorded whole", () => {
    inWorld(OPTIONS, (world) => {
      const client = askUnread(world, path, answer);
      client.read();
      world.settle();
      expect(world.record["http.response.body.size"]).toBe(LARGE);
    });
  });
});

test("an answer of which the kernel took a part of its head has sent nothing", () => {
  inWorld(OPTIONS, (world) => {
    const client = world.client();
    client.socket.peer.capacity = 50;
    client.hold();
    client.request("GET", "/fixed");
    world.settle();
    client.reset();
    world.settle();
    expect(world.record["http.response.body.size"]).toBe(0);
  });
});

test("of an answer that its target breaks, what waited for the client is not recorded as sent", () => {
  inWorld(OPTIONS, (world) => {
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${2 * LARGE}\r\n\r\n`;
    const client = askUnread(world, "/broken", ({ a }) => a.last.send(head + CONTENT));
    readTaken(client, world);
    world.a.last.reset();
    world.settle();
    expect(world.record["error.type"]).toBe("http_response_incomplete");
    expect(world.record["http.response.body.size"]).toBe(contentOf(client.received));
  });
});

/** A client of HTTP/2 with windows so wide that only its socket is full. */
const WIDE = settings([4, 2 ** 24]) + windowUpdate(0, 2 ** 24);

/** Bytes of content in the frames that came of a stream, the last of which may be cut. */
function contentIn(received: string, stream: number): number {
  let bytes = 0;
  for (let at = 0; at + 9 <= received.length;) {
    const size = Buffer.from(received.slice(at, at + 3), "latin1").readUIntBE(0, 3);
    const [type, of] = [
      received.charCodeAt(at + 3),
      Buffer.from(received.slice(at + 5, at + 9), "latin1").readInt32BE(),
    ];
    at += 9;
    if (type === 0 && of === stream) bytes += Math.min(size, received.length - at);
    at += size;
  }
  return bytes;
}

test.each(["reset", "stuck", "ping"])(
  "over HTTP/2, what a connection that breaks had waiting is not sent: %s",
  (how) => {
    inHttp2((client, world) => {
      client.send(WIDE);
      client.peer.hold();
      client.send(get(1), get(3));
      world.a.connections[0]!.answer(200, CONTENT);
      world.a.connections[1]!.answer(200, CONTENT);
      world.settle();
      // What answers a frame waits behind the content.
      if (how === "ping") client.send(frame("PING", 0, 0, "12345678"));
      readTaken(client.peer, world);
      if (how === "stuck") world.advance(60_000);
      else client.peer.reset();
      world.settle();
      const sizes = world.records.map((record) => record["http.response.body.size"]);
      const came = [1, 3].map((stream) => contentIn(client.peer.received, stream));
      expect(sizes.toSorted()).toEqual(came.toSorted());
      expect(came.some((size) => size % 16_384 !== 0)).toBeTrue();
    });
  },
);

test("of a tunnel that its client breaks, what waited for it is not recorded as sent", () => {
  inWorld(OPTIONS, (world) => {
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket"];
    const head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    const client = askUnread(world, "/ws", ({ a }) => a.last.send(head + CONTENT), upgrade);
    readTaken(client, world);
    client.reset();
    world.settle();
    expect(world.record["http.response.body.size"]).toBe(contentOf(client.received));
  });
});

describe("of a request that is answered early, what has come of it is recorded", () => {
  test("with HTTP/1.1", () => {
    inWorld(OPTIONS, (world) => {
      const client = world.ask("POST", "/fixed", ["Content-Length: 5000000"], "x".repeat(1000));
      client.send("x".repeat(2000));
      world.settle();
      expect(world.record["http.request.body.size"]).toBe(1000);
    });
  });

  test("with HTTP/2", () => {
    inHttp2(
      (client, world) => {
        client.send(WIDE, headers(1, lines("POST", "/fixed"), false), data(1, "x".repeat(1000)));
        expect(world.record["http.request.body.size"]).toBe(1000);
      },
      overHttp2({}, { routes: OPTIONS.routes }),
    );
  });
});

test("of a request whose content the user's own code has replaced, what the client sent is recorded", async () => {
  const options: GatewayOptions = toUpstream(
    {},
    {
      routes: {
        all: {
          match: "/*",
          to: "up",
          use: [
            async (c, next) => {
              c.req.raw = new Request(c.req.raw, { method: "POST", body: "another, and longer" });
              await next();
            },
          ],
        },
      },
    },
  );
  await inWorldOf(options, async (world) => {
    world.ask("POST", "/", ["Content-Length: 5"], "hello");
    await world.rest();
    expect(world.a.last.request.body).toBe("another, and longer");
    world.a.last.answer(200, "ok");
    await world.rest();
    expect(world.record["http.request.body.size"]).toBe(5);
  });
});
