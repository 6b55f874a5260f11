// What strangers can make a connection of HTTP/2 hold or do: a table of floods, each with its end, and what busy clients may.
import { describe, expect, test } from "bun:test";
import {
  ACK,
  END_HEADERS,
  block,
  data,
  frame,
  get,
  headers,
  lines,
  rst,
  settings,
  windowUpdate,
} from "../support/http2-frames.ts";
import { type Http2Client, inHttp2, overHttp2 } from "../support/http2-world.ts";
import type { World } from "../support/fake-world.ts";

const ENHANCE_YOUR_CALM = 11;
const REFUSED_STREAM = 7;
const PING = frame("PING", 0, 0, "12345678");
const POST = headers(1, lines("POST", "/"), false);

/** Sends the same again and again until the connection has been ended; gives how often. */
function flood(client: Http2Client, make: (i: number) => string, most: number): number {
  for (let i = 0; i < most; i++) {
    client.peer.send(make(i));
    if (i % 50 !== 49) continue;
    client.send();
    if (client.peer.over) return i + 1;
  }
  client.send();
  return client.peer.over ? most : Infinity;
}

describe("a flood ends the connection", () => {
  test.each<readonly [name: string, make: (i: number) => string, most: number, before?: string]>([
    ["of PING (CVE-2019-9512)", () => PING, 1100],
    ["of SETTINGS (CVE-2019-9515)", () => settings([4, 65_535]), 300],
    ["of answers to settings", () => frame("SETTINGS", ACK, 0), 300],
    ["of PRIORITY (CVE-2019-9513)", () => frame("PRIORITY", 0, 1, "\0".repeat(5)), 1100],
    ["of windows that nobody needs", () => windowUpdate(0, 1), 1100],
    ["of empty content (CVE-2019-9518)", () => data(1, ""), 1100, POST],
    ["of padding", () => frame("DATA", 8, 1, "\x01\0"), 1100, POST],
    ["of frames that nobody knows", () => frame(0xbb, 0, 0), 1100],
    ["of empty CONTINUATION frames (CVE-2024-27316)", () => frame("CONTINUATION", 0, 1), 1100, frame("HEADERS", 0, 1)],
    ["of requests taken back (CVE-2023-44487)", (i) => get(2 * i + 1) + rst(2 * i + 1), 250],
    ["of requests taken back late", (i) => (i % 2 === 0 ? get(i + 1) : rst(i)), 500],
    ["of windows that make us end streams (CVE-2025-8671)", (i) => get(2 * i + 1) + windowUpdate(2 * i + 1, 0), 250],
    ["of requests that are none", (i) => headers(2 * i + 1, [["X", "y"]]), 250],
    ["of RST_STREAM for streams that are over", () => rst(1), 1100, get(1) + rst(1)],
    ["of GOAWAY", () => frame("GOAWAY", 0, 0, "\0".repeat(8)), 1100, POST],
  ])("%s", (_, make, most, before = "") => {
    inHttp2((client, world) => {
      client.send(before);
      expect(flood(client, make, most)).toBeLessThanOrEqual(most);
      expect(client.goAway).toBe(ENHANCE_YOUR_CALM);
      // Whatever was asked of targets was given up.
      world.settle();
      expect(world.a.open).toEqual([]);
      expect(world.records.at(-1)!["error.type"]).toMatch(/^(http_request_error|client_disconnect)$/);
    });
  });

  test("of content, one byte at a time (CVE-2019-9511, CVE-2019-9517)", () => {
    inHttp2((client, world) => {
      client.send(settings([4, 0]), get(1));
      world.a.last.answer(200, "x".repeat(100_000));
      world.settle();
      expect(flood(client, () => windowUpdate(1, 1), 1500)).toBeLessThanOrEqual(1500);
      expect(client.goAway).toBe(ENHANCE_YOUR_CALM);
    });
  });

  test("of frames to a client that does not read what they are answered with", () => {
    inHttp2((client, world) => {
      client.send(get(1), windowUpdate(0, 2 ** 30), windowUpdate(1, 2 ** 30));
      client.peer.hold();
      world.a.last.answer(200, "x".repeat(1_000_000));
      world.settle();
      // Within the budget, were they read: the refill is what a minute gives.
      for (let i = 0; i < 40; i++) {
        for (let k = 0; k < 100; k++) client.peer.send(PING);
        world.advance(10_000);
        client.send(windowUpdate(0, 1));
        if (client.peer.socket.peer.gone) break;
      }
      expect(client.peer.socket.peer.gone).toBe(true);
    });
  });
});

describe("who gets on may do as much of it as it takes", () => {
  test("hundreds of requests, each taken back after another was answered", () => {
    inHttp2((client, world) => {
      world.a.answerAll(() => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      for (let i = 0; i < 300; i++) client.send(get(4 * i + 1), get(4 * i + 3) + rst(4 * i + 3));
      expect(client.goAway).toBeUndefined();
      expect(client.answer(1197).status).toBe(200);
    });
  });

  test("a ping every second, for an hour", () => {
    inHttp2(
      (client, world) => {
        client.send(get(1));
        for (let i = 0; i < 3600; i++) {
          client.peer.send(PING);
          world.advance(1000);
        }
        expect(client.goAway).toBeUndefined();
        world.a.last.answer(200);
      },
      overHttp2({}, {}, { timeouts: { firstByte: "2h" } }),
    );
  });

  test.each([16_384, 2047, 1023])("windows of %d bytes for every frame of content that came", (step) => {
    inHttp2((client, world) => {
      client.send(settings([4, step]), get(1));
      const size = step * 1800;
      world.a.last.answer(200, "x".repeat(size));
      world.settle();
      for (let i = 0; i < size; i += step) {
        client.peer.send(windowUpdate(0, step) + windowUpdate(1, step));
        world.settle();
      }
      expect(client.goAway).toBeUndefined();
      expect(client.answer()).toMatchObject({ complete: true, reset: undefined });
      expect(client.answer().body).toHaveLength(size);
    });
  });
});

describe("what is held is bounded", () => {
  test("streams: one more than MAX_CONCURRENT_STREAMS is refused, and may be sent again", () => {
    inHttp2(
      (client, world) => {
        const [first] = client.frames("SETTINGS");
        expect(first!.payload).toContain("\0\x03\0\0\0\x03");
        client.send(get(1), get(3), get(5), get(7));
        expect(client.answer(7)).toMatchObject({ status: undefined, reset: REFUSED_STREAM });
        expect(world.a.connections).toHaveLength(3);
        world.a.connections[0]!.answer(200);
        world.settle();
        client.send(get(9));
        expect(world.exchanges).toBe(4);
        for (const connection of world.a.open) connection.answer(200);
        world.settle();
        for (const connection of world.a.open) if (connection.request.complete) connection.answer(200);
      },
      overHttp2({ http2: { h2c: true, maxStreams: 3 } }),
    );
  });

  test("a block of fields: beyond twice listen.maxHead nobody reads on", () => {
    inHttp2(
      (client, world) => {
        client.send(frame("HEADERS", 0, 1, block(lines("GET", "/"))));
        const piece = frame("CONTINUATION", 0, 1, `\0\x01a\x7f\x81\x7e${"v".repeat(16_256)}`.slice(0, 16_000));
        expect(flood(client, () => piece, 10)).toBeLessThanOrEqual(10);
        expect(client.goAway).toBe(ENHANCE_YOUR_CALM);
        expect(world.a.connections).toEqual([]);
      },
      overHttp2({ maxHead: "16KiB" }),
    );
  });

  test("fields that are one byte each, of a large one in the table: 431, and no more is kept than fits", () => {
    inHttp2((client) => {
      const large = `@\x01a\x7f\xa1\x1e${"v".repeat(4000)}`;
      const bomb = `${block(lines("GET", "/"))}${large}${"\xbe".repeat(12_000)}`;
      client.send(frame("HEADERS", END_HEADERS | 1, 1, bomb));
      expect(client.answer()).toMatchObject({ status: 431, complete: true });
    });
  });

  test("content that nobody reads: the window is not opened again", () => {
    inHttp2((client, world) => {
      world.a.reception = "hang";
      client.send(POST);
      for (let i = 0; i < 3; i++) client.send(data(1, "x".repeat(16_384)));
      client.send(data(1, "x".repeat(16_383)));
      expect(client.frames("WINDOW_UPDATE", 1)).toEqual([]);
      client.send(rst(1));
    });
  });

  test("content for a target that does not read: as much as its window, and it goes on when it reads", () => {
    inHttp2((client, world) => {
      client.send(POST);
      world.a.last.hold();
      const opened = (): number =>
        client
          .frames("WINDOW_UPDATE", 1)
          .reduce((sum, { payload }) => sum + Buffer.from(payload, "latin1").readUInt32BE(), 65_535);
      let sent = 0;
      while (opened() - sent >= 16_384 && sent < 10_000_000) {
        client.send(data(1, "x".repeat(16_384)));
        sent += 16_384;
      }
      expect(sent).toBeLessThan(1_000_000);
      world.a.last.read();
      world.settle();
      expect(opened() - sent).toBeGreaterThan(16_384);
      client.send(data(1, "", true));
      world.a.last.answer(200);
      world.settle();
      expect(world.record["http.request.body.size"]).toBe(sent);
    });
  });

  test("an answer for a client whose window is shut: the target is not read on", () => {
    inHttp2((client, world) => {
      client.send(settings([4, 0]), get(1));
      const target = world.a.last;
      target.send("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
      for (let i = 0; i < 50; i++) target.send("x".repeat(100_000));
      world.settle();
      expect(client.answer()).toMatchObject({ status: 200, body: "" });
      expect(target.socket.waiting).toBeGreaterThan(4_000_000);
      client.send(windowUpdate(1, 5_000_000), windowUpdate(0, 5_000_000));
      expect(client.answer().body).toHaveLength(5_000_000);
      expect(client.answer().complete).toBe(true);
    });
  });

  test("one stream whose window is shut does not hold up the others", () => {
    inHttp2((client, world) => {
      client.send(settings([4, 10]), get(1, "/a"), get(3, "/b"));
      for (const connection of world.a.connections) connection.answer(200, "x".repeat(1000));
      world.settle();
      expect([client.answer(1).body.length, client.answer(3).body.length]).toEqual([10, 10]);
      client.send(windowUpdate(3, 1000));
      expect([client.answer(1).body.length, client.answer(3).body.length]).toEqual([10, 1000]);
      expect(client.answer(3).complete).toBe(true);
      client.send(windowUpdate(1, 1000));
      expect(client.answer(1).complete).toBe(true);
    });
  });
});

test("an hour of small requests holds nothing that one does not", () => {
  const sizeOf = (world: World): number => [...world.platform.network.open].filter(({ isOurs }) => isOurs).length;
  inHttp2((client, world) => {
    world.a.answerAll(() => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client.send(get(1));
    const before = sizeOf(world);
    for (let i = 1; i < 2000; i++) {
      client.send(get(2 * i + 1));
      world.advance(1800);
    }
    expect(client.goAway).toBeUndefined();
    expect(sizeOf(world)).toBe(before);
  });
});
